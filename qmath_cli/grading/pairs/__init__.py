"""Pairs of answers from a file: TSV, CSV or JSONL."""

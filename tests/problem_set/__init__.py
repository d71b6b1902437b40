"""Tests of reading problem sets and storing their results."""

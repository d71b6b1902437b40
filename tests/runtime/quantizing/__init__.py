"""Tests of what a conversion measures."""

"""Tests of the records that have behaviour."""

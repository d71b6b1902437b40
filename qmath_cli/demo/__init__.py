"""The embedded demo models and their held-out problems, as package data."""

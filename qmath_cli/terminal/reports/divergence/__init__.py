"""The report of `qmath compare` as text, JSON and HTML."""

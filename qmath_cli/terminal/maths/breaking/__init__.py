"""Formulas that are wider than the terminal: on several lines, none of them wider."""

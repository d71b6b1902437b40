"""What a formula means: its tree as an exact expression, its value, and whether two of them are equal."""

"""Mathematics as people, models and sympy write it, read into the same tree as LaTeX."""

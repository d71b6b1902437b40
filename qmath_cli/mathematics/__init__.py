"""Reading mathematics: LaTeX into a tree that says what was written, with no opinion on how it looks."""

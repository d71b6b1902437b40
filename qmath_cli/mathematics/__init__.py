"""Reading mathematics: LaTeX to a tree of what is written, independent of how it is drawn."""

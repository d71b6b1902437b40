"""Mathematical text to measure models on: problems with worked solutions, drawn by a seed; nothing of it is stored."""

"""Benchmarks: data sets, the schedule of a run, the file that stores it, grades, scores and their statistics."""

"""Grading: the answer that a text states, and the verdict on an answer and the expected one."""

"""The strict grader: whether a person would accept an answer for the expected one."""

"""The report of an evaluation: `text` for people, `record` for programs, `page` with every problem and its samples.

`figures` writes single values, `failures` lists the problems that were not solved.
"""

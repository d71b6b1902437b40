"""The history: every solved problem with its solutions, in one SQLite file.

`entry` says what is kept, `store` keeps it, `search` finds it again, `keeper` is what `solve` and the REPL hold,
`background` what `batch` holds: they never fail, because a problem that cannot be kept is solved all the same.
"""

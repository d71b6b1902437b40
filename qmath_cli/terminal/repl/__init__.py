"""The REPL: problems and slash commands in, solutions out, and nothing that stops one ends the session."""

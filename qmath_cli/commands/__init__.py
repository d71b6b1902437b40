"""One file per command: options -> records -> work -> render -> exit code."""

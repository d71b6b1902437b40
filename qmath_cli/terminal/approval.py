"""Asking a person before a program runs. The default is no; without a terminal on both ends nobody can say yes."""

from __future__ import annotations

import sys
from collections.abc import Callable

from qmath_cli.errors import UsageError
from qmath_cli.terminal.output import Terminal, clean


def asker(terminal: Terminal) -> Callable[[str], bool]:
    """A function that shows a program on stderr and asks; raises `UsageError` where there is nobody to ask."""
    if not (terminal.err.isatty() and sys.stdin is not None and sys.stdin.isatty()):
        raise UsageError("--approve needs a terminal to ask on", "leave it out, or run `qmath solve` in a terminal")

    def ask(code: str) -> bool:
        terminal.note("")
        for line in clean(code).splitlines():
            terminal.note(f"    {line}")
        terminal.err.write("run this program? [y/N] ")
        terminal.err.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    return ask

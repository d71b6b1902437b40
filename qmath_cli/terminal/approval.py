"""`--approve`: a yes-or-no prompt before a program runs. The default is no; it needs a terminal on both ends."""

from __future__ import annotations

import sys
from collections.abc import Callable

from qmath_cli.errors import UsageError
from qmath_cli.terminal.output import Terminal, clean


def approval_prompt(terminal: Terminal, *, streamed: bool = False) -> Callable[[str], bool]:
    """Make the function that decides whether a program may run.

    Args:
        terminal: The terminal whose stderr shows the program and the prompt; the reply is read from stdin.
        streamed: Whether the program stands on the terminal already, as the model wrote it.

    Returns:
        A function from a program's source to the user's decision.

    Raises:
        UsageError: stderr or stdin is not a terminal.
    """
    if not (terminal.err.isatty() and sys.stdin is not None and sys.stdin.isatty()):
        raise UsageError("--approve needs a terminal for its prompt", "leave it out, or run qmath in a terminal")

    def approve(code: str) -> bool:
        if not streamed:
            terminal.note("")
            for line in clean(code).splitlines():
                terminal.note(f"    {line}")
        return terminal.reply_to("run this program? [y/N] ").lower() in {"y", "yes"}

    return approve

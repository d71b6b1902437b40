"""What is typed while the model writes: not echoed into its text, and offered at the next prompt.

It is offered, not sent: it was typed unseen, so the user reads it first, and Enter sends it. On a dumb terminal, where
a line cannot be edited, whole lines stay in the terminal's own queue and are the next messages, as in a shell. Ctrl-C
and Ctrl-Z work as always; Ctrl-C drops what was typed. Whatever ends the wait, the terminal gets its settings back.

POSIX only; elsewhere, and where standard input is no terminal or belongs to another job, nothing is changed.
"""

from __future__ import annotations

import os
import re
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from qmath_cli.terminal.suspension import suspending

_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)  # of keys such as arrows: ECMA-48, 5.4
_BACKSPACES = {"\x08", "\x7f"}
_DELETE_LINE, _DELETE_WORD = "\x15", "\x17"
_LOCAL_MODES, _CONTROL_CHARACTERS = 3, 6  # in what termios.tcgetattr returns


class TypedAhead:
    """The keyboard between two prompts.

    Args:
        whole_lines: Leave lines to the terminal's queue instead of collecting them.
    """

    def __init__(self, *, whole_lines: bool) -> None:
        self._whole_lines = whole_lines
        self._typed = b""

    def take(self) -> str:
        """What was typed since it was last taken, edited by the keys that delete."""
        typed, self._typed = self._typed, b""
        return edited(typed.decode(errors="ignore"))

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Collect what is typed during the block."""
        termios, keyboard = _termios(), _keyboard()
        if termios is None or keyboard is None:
            yield
            return
        before = termios.tcgetattr(keyboard)
        quiet = _quiet(before, termios, canonical=self._whole_lines)

        def change(settings: list[Any]) -> None:
            if not _in_background(keyboard):  # the change would stop it
                with suppress(termios.error):  # the terminal is gone
                    termios.tcsetattr(keyboard, termios.TCSANOW, settings)

        with suspending(lambda: change(before), lambda: change(quiet)):
            try:
                change(quiet)
                yield
            finally:
                if not self._whole_lines:
                    self._typed += _waiting(keyboard)
                change(before)


def line_is_waiting() -> bool:
    """Whether a line was typed before it was asked for."""
    keyboard = _keyboard()
    return keyboard is not None and bool(select.select([keyboard], [], [], 0)[0])


def edited(typed: str) -> str:
    """The text that keys have typed: deleted characters are left out, and so are keys that type none."""
    text = ""
    for char in _SEQUENCES.sub("", typed).replace("\r", "\n"):
        if char in _BACKSPACES:
            text = text[:-1]
        elif char == _DELETE_LINE:
            text = text[: text.rfind("\n") + 1]
        elif char == _DELETE_WORD:
            text = re.sub(r"[^\s]*[ \t]*$", "", text)
        elif char == "\t":
            text += " "
        elif char == "\n" or char.isprintable():
            text += char
    return text.strip()


def _quiet(settings: list[Any], termios: ModuleType, *, canonical: bool) -> list[Any]:
    """Settings without echo; unless `canonical`, what is typed can be read before a line is whole."""
    quiet = [*settings[:_CONTROL_CHARACTERS], list(settings[_CONTROL_CHARACTERS])]
    quiet[_LOCAL_MODES] &= ~(termios.ECHO if canonical else termios.ECHO | termios.ICANON)
    if not canonical:
        quiet[_CONTROL_CHARACTERS][termios.VMIN] = 1
        quiet[_CONTROL_CHARACTERS][termios.VTIME] = 0
    return quiet


def _waiting(keyboard: int) -> bytes:
    """Everything that can be read without waiting."""
    found = b""
    while select.select([keyboard], [], [], 0)[0]:
        piece = os.read(keyboard, 4096)
        if not piece:  # the terminal was closed
            break
        found += piece
    return found


def _in_background(keyboard: int) -> bool:
    """Whether another job has the terminal."""
    try:
        return os.tcgetpgrp(keyboard) != os.getpgrp()
    except OSError:  # it controls no jobs
        return False


def _termios() -> ModuleType | None:
    try:
        import termios
    except ImportError:  # Windows
        return None
    return termios


def _keyboard() -> int | None:
    """The file descriptor of standard input, if it is a terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    return sys.stdin.fileno()

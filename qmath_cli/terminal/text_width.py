"""The width of text, and of the terminal that it is for."""

from __future__ import annotations

import shutil

from wcwidth import wcswidth

_MOST_TEXT = 100  # columns of prose that read well
_FEWEST = 20


def terminal_width() -> int:
    """Columns of the terminal at present; not cached, because windows are resized."""
    return max(_FEWEST, shutil.get_terminal_size().columns)


def text_width() -> int:
    """Columns of a line of prose: those of the terminal, up to what reads well."""
    return min(terminal_width(), _MOST_TEXT)


def columns(text: str) -> int:
    """Columns of one line of text: East Asian characters take two, combining marks none.

    Text with control characters has no defined width; each of its characters counts as one column.
    """
    if text.isascii():
        return len(text)
    width = wcswidth(text)
    return width if width >= 0 else len(text)


def clipped(text: str, width: int) -> str:
    """The beginning of one line of text that fits into so many columns."""
    while columns(text) > width:
        text = text[:-1]
    return text

"""The width of text in a terminal."""

from __future__ import annotations

from wcwidth import wcswidth


def columns(text: str) -> int:
    """Columns of one line of text: East Asian characters take two, combining marks none.

    Text with control characters has no defined width; each of its characters counts as one column.
    """
    if text.isascii():
        return len(text)
    width = wcswidth(text)
    return width if width >= 0 else len(text)

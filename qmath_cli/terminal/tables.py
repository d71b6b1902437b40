"""Plain aligned columns: they read well, and `awk` reads them too."""

from __future__ import annotations

from collections.abc import Sequence

from wcwidth import wcswidth

_GAP = "  "


def columns(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """One line per row, each column as wide as its widest cell; the columns in `right` are aligned to the right."""
    if not rows:
        return []
    widths = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [_GAP.join(_cell(row[i], widths[i], i in right) for i in range(len(row))).rstrip() for row in rows]


def _cell(text: str, width: int, to_the_right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if to_the_right else text + space


def _width(text: str) -> int:
    """Columns of a terminal; text with control characters counts as long as it is."""
    found = wcswidth(text)
    return len(text) if found < 0 else found

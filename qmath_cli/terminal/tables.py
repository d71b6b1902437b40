"""Tables as aligned columns, which people and tools like `awk` can read."""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.terminal import text_width

_GAP = "  "


def columns(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Lay out a table.

    Args:
        rows: The cells; every row has the same number.
        right: Indices of the columns that are aligned to the right.

    Returns:
        One line per row, each column as wide as its widest cell.
    """
    if not rows:
        return []
    widths = [max(text_width.columns(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [_GAP.join(_cell(row[i], widths[i], i in right) for i in range(len(row))).rstrip() for row in rows]


def _cell(text: str, width: int, to_the_right: bool) -> str:
    space = " " * (width - text_width.columns(text))
    return space + text if to_the_right else text + space

"""Boxes of characters: rows of one width, and the row on which neighbours line up. Pure geometry, no mathematics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wcwidth import wcswidth


def columns(text: str) -> int:
    """Terminal columns of one line; East Asian characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    width = wcswidth(text)
    return width if width >= 0 else len(text)


@dataclass(frozen=True, slots=True)
class Box:
    """Rows padded to one width. `base` is the index of the row that carries the line."""

    rows: tuple[str, ...]
    base: int = 0

    @property
    def width(self) -> int:
        """Columns."""
        return columns(self.rows[0])

    @property
    def height(self) -> int:
        """Rows."""
        return len(self.rows)


EMPTY = Box(("",))


def text(line: str) -> Box:
    """One row."""
    return Box((line,))


def pad(row: str, width: int, align: str = "c") -> str:
    """A row brought to `width` columns: l, c or r."""
    missing = width - columns(row)
    left = {"l": 0, "c": missing // 2, "r": missing}[align]
    return " " * left + row + " " * (missing - left)


def beside(boxes: Sequence[Box]) -> Box:
    """Boxes side by side, lined up on their bases."""
    above = max((box.base for box in boxes), default=0)
    below = max((box.height - box.base for box in boxes), default=1)
    grown = [grow(box, above - box.base, below - (box.height - box.base)) for box in boxes]
    return Box(tuple("".join(box.rows[row] for box in grown) for row in range(above + below)), above)


def grow(box: Box, above: int, below: int) -> Box:
    """A box with empty rows added."""
    blank = " " * box.width
    return Box((blank,) * above + box.rows + (blank,) * below, box.base + above)


def stacked(boxes: Sequence[Box], base: int, align: str = "c") -> Box:
    """Boxes on top of each other; the base is that of box number `base`."""
    width = max(box.width for box in boxes)
    rows = tuple(pad(row, width, align) for box in boxes for row in box.rows)
    return Box(rows, sum(box.height for box in boxes[:base]) + boxes[base].base)


def grid(cells: Sequence[Sequence[Box]], align: str, gaps: Sequence[str]) -> list[Box]:
    """Cells in columns, one box for each row of cells: `align` has a letter per column, `gaps` what goes before."""
    widths = [max((row[at].width for row in cells if at < len(row)), default=0) for at in range(len(align))]
    lines = []
    for row in cells:
        parts = []
        for at, width in enumerate(widths):
            cell = row[at] if at < len(row) else EMPTY
            parts.append(Box(tuple(pad(line, width, align[at]) for line in cell.rows), cell.base))
        body = beside(parts)
        lines.append(beside([one for gap, part in zip(gaps, parts, strict=True) for one in (_post(gap, body), part)]))
    return lines


def _post(sign: str, body: Box) -> Box:
    """The same sign on every row of a line of cells."""
    return Box((sign,) * body.height, body.base)

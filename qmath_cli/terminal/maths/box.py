"""Boxes of characters: rows of equal width, and a base row on which neighbours are aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qmath_cli.terminal.text_width import columns


@dataclass(frozen=True, slots=True)
class Box:
    """Rows padded to equal width. `base` is the index of the row that is aligned with the rest of the line."""

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
    """A box of one row."""
    return Box((line,))


def pad(row: str, width: int, align: str = "c") -> str:
    """Pad a row to `width` columns; `align` is l, c or r."""
    missing = width - columns(row)
    left = {"l": 0, "c": missing // 2, "r": missing}[align]
    return " " * left + row + " " * (missing - left)


def side_by_side(boxes: Sequence[Box]) -> Box:
    """Boxes side by side, aligned on their base rows."""
    above = max((box.base for box in boxes), default=0)
    below = max((box.height - box.base for box in boxes), default=1)
    grown = [grow(box, above - box.base, below - (box.height - box.base)) for box in boxes]
    return Box(tuple("".join(box.rows[row] for box in grown) for row in range(above + below)), above)


def grow(box: Box, above: int, below: int) -> Box:
    """A box with empty rows added above and below."""
    blank = " " * box.width
    return Box((blank,) * above + box.rows + (blank,) * below, box.base + above)


def stacked(boxes: Sequence[Box], base: int, align: str = "c") -> Box:
    """Boxes one above the other; the base row is that of `boxes[base]`."""
    width = max(box.width for box in boxes)
    rows = tuple(pad(row, width, align) for box in boxes for row in box.rows)
    return Box(rows, sum(box.height for box in boxes[:base]) + boxes[base].base)


def grid(cells: Sequence[Sequence[Box]], align: str, gaps: Sequence[str]) -> list[Box]:
    """Cells in columns, one box per row. `align` has a letter per column, `gaps` the text before each column."""
    widths = [max((row[at].width for row in cells if at < len(row)), default=0) for at in range(len(align))]
    lines = []
    for row in cells:
        parts = []
        for at, width in enumerate(widths):
            cell = row[at] if at < len(row) else EMPTY
            parts.append(Box(tuple(pad(line, width, align[at]) for line in cell.rows), cell.base))
        body = side_by_side(parts)
        spaced = [(Box((gap,) * body.height, body.base), part) for gap, part in zip(gaps, parts, strict=True)]
        lines.append(side_by_side([one for pair in spaced for one in pair]))
    return lines


def with_scripts(base: Box, raised: Box | None, lowered: Box | None) -> Box:
    """A base with full-sized scripts: above its top row and below its bottom row, on the right."""
    above = raised.height if raised else 0
    below = lowered.height if lowered else 0
    width = max(raised.width if raised else 0, lowered.width if lowered else 0)
    body = grow(base, above, below)
    rows = [row + " " * width for row in body.rows]
    for at in range(above):
        rows[at] = body.rows[at] + pad(raised.rows[at] if raised else "", width, "l")
    for at in range(below):
        rows[-below + at] = body.rows[-below + at] + pad(lowered.rows[at] if lowered else "", width, "l")
    return Box(tuple(rows), body.base)

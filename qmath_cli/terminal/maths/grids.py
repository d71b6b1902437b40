"""Tables in two dimensions: matrices, cases, aligned lines, arrays with rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qmath_cli.mathematics.tree import Atom, Grid, Node, Role, Row, Space, Table
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.box import EMPTY, Box, grid
from qmath_cli.terminal.maths.fences import fenced
from qmath_cli.terminal.maths.fragments import flat

Draw = Callable[[Node], Box]

_FORMULAS = {Grid.ALIGNED, Grid.LINES}  # whose rows are formulas
_FEWEST = 2  # numbers that a column aligns


def table(node: Table, draw: Draw, alphabet: Alphabet) -> Box:
    """Draw a table with its delimiters. Raises `Refused`."""
    cells = [
        [draw(_operand_before(node, at, cell, alone=above > 0 and len(row) == 1)) for at, cell in enumerate(row)]
        for above, row in enumerate(node.rows)
    ]
    count = max(len(row) for row in cells)
    bar, wall = ("-", "|") if alphabet is Alphabet.ASCII else ("─", "│")
    apart = any(cell.height > 1 for row in cells for cell in row)
    align, gaps = _layout(node, count, wall)
    spaced = [row for at, found in enumerate(cells) for row in ([[EMPTY], found] if apart and at else [found])]
    lines = grid([[*row, *[EMPTY] * (count - len(row))] for row in spaced], align, gaps)
    if node.columns.endswith("|") and count == len(node.columns.replace("|", "")):
        lines = [Box(tuple(f"{row} {wall}" for row in line.rows), line.base) for line in lines]
    rows: list[str] = []
    for at, line in enumerate(lines):
        first = not apart or at % 2 == 0
        if first and (at // (2 if apart else 1)) in node.rules:
            rows.append(bar * line.width)
        rows += line.rows
    if len(cells) in node.rules:
        rows.append(bar * lines[-1].width)
    base = lines[0].base if len(rows) == lines[0].height else (len(rows) - 1) // 2
    return fenced(node.left, Box(tuple(rows), base), node.right, alphabet)


def _operand_before(node: Table, column: int, cell: Node, *, alone: bool) -> Node:
    """A cell that goes on with a formula: its first sign is an operator, as in TeX, not the sign of a number.

    So is the plus of a row with no relation below another row (`alone`); a minus there may be a number's own.
    """
    items = flat(cell)
    at = next((at for at, item in enumerate(items) if not _is_blank(item)), len(items))
    if at + 1 >= len(items) or node.kind not in _FORMULAS or not _has_role(items[at], Role.BINARY):
        return cell
    if isinstance(items[at + 1], Space):
        return cell
    within = node.kind is Grid.ALIGNED and (bool(node.columns) or column % 2 == 1)
    below = alone and _is_sign(items[at], "+") and not any(_has_role(item, Role.RELATION) for item in items)
    return Row((*items[:at], items[at], Space(), *items[at + 1 :])) if within or below else cell


def _is_blank(item: Node) -> bool:
    """Whether nothing is drawn: a space, an empty group, or a phantom."""
    return isinstance(item, Space) or (isinstance(item, Row) and all(map(_is_blank, item.items)))


def _is_sign(item: Node, signs: str) -> bool:
    return isinstance(item, Atom) and item.text in set(signs)


def _has_role(item: Node, role: Role) -> bool:
    return isinstance(item, Atom) and item.role is role


def _layout(node: Table, count: int, wall: str) -> tuple[str, list[str]]:
    """The alignment letter of every column, and the text before each."""
    if node.kind is Grid.ALIGNED and not node.columns:
        align = "".join("rl"[at % 2] for at in range(count))
        return align, ["" if at == 0 else " " if at % 2 else "   " for at in range(count)]
    if node.kind is Grid.CASES:
        return "l" * count, [" ", *["  "] * (count - 1)]
    letters = node.columns.replace("|", "")
    align = letters[:count].ljust(count, "c")
    align = "".join("r" if letter == "c" and _numbers(node, at) else letter for at, letter in enumerate(align))
    if node.kind in {Grid.LINES, Grid.ALIGNED}:
        return align, ["", *[" "] * (count - 1)]
    ruled = {len(node.columns[:at].replace("|", "")) for at, letter in enumerate(node.columns) if letter == "|"}
    walls = [f" {wall} " if at else f"{wall} " for at in range(count)]
    return align, [walls[at] if at in ruled else "  " if at else "" for at in range(count)]


def _numbers(node: Table, column: int) -> bool:
    """Whether a column has whole numbers only, whose digits then stand below one another."""
    cells = [flat(row[column]) for row in node.rows if column < len(row)]
    filled = [items for items in cells if not all(map(_is_blank, items))]
    return len(filled) >= _FEWEST and all(map(_is_number, filled))


def _is_number(items: Sequence[Node]) -> bool:
    solid = [item for item in items if not _is_blank(item)]
    digits = solid[1:] if solid and _is_sign(solid[0], "+-−") else solid
    return bool(digits) and all(isinstance(item, Atom) and item.text.isdigit() for item in digits)

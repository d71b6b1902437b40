"""Tables in two dimensions: matrices, cases, aligned lines, arrays with rules."""

from __future__ import annotations

from collections.abc import Callable

from qmath_cli.mathematics.tree import Atom, Grid, Node, Role, Row, Space, Table
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.box import EMPTY, Box, grid
from qmath_cli.terminal.maths.fences import fenced
from qmath_cli.terminal.maths.fragments import flat

Draw = Callable[[Node], Box]


def table(node: Table, draw: Draw, alphabet: Alphabet) -> Box:
    """Draw a table with its delimiters. Raises `Refused`."""
    cells = [[draw(_operand_before(node, at, cell)) for at, cell in enumerate(row)] for row in node.rows]
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


def _operand_before(node: Table, column: int, cell: Node) -> Node:
    """A cell that goes on with a formula: its first sign is an operator, as in TeX, not the sign of a number."""
    items = flat(cell)
    continued = node.kind is Grid.ALIGNED and (bool(node.columns) or column % 2 == 1) and len(items) > 1
    if continued and isinstance(items[0], Atom) and items[0].role is Role.BINARY:
        return Row((items[0], Space(), *items[1:]))
    return cell


def _layout(node: Table, count: int, wall: str) -> tuple[str, list[str]]:
    """The alignment letter of every column, and the text before each."""
    if node.kind is Grid.ALIGNED and not node.columns:
        align = "".join("rl"[at % 2] for at in range(count))
        return align, ["" if at == 0 else " " if at % 2 else "   " for at in range(count)]
    if node.kind is Grid.CASES:
        return "l" * count, [" ", *["  "] * (count - 1)]
    letters = node.columns.replace("|", "")
    align = letters[:count].ljust(count, "c")
    if node.kind in {Grid.LINES, Grid.ALIGNED}:
        return align, ["", *[" "] * (count - 1)]
    ruled = {len(node.columns[:at].replace("|", "")) for at, letter in enumerate(node.columns) if letter == "|"}
    walls = [f" {wall} " if at else f"{wall} " for at in range(count)]
    return align, [walls[at] if at in ruled else "  " if at else "" for at in range(count)]

"""Tables on one line: matrices and cases with separators between cells and rows, aligned lines as statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qmath_cli.mathematics.tree import Grid, Node, Refused, Role, Table
from qmath_cli.terminal.maths.fragments import Binding, Fragment, flat

Join = Callable[[Sequence[Node]], Fragment]


def table(node: Table, join: Join) -> Fragment:
    """A table on one line; `join` draws nodes side by side. Raises `Refused`."""
    if node.rules or "|" in node.columns:
        raise Refused("a table with rules on one line")
    if node.kind in {Grid.ALIGNED, Grid.LINES} and not node.left:
        return _lines(node, join)
    cells = "; ".join(", ".join(_cell(cell, join) for cell in row) for row in node.rows)
    if node.kind is Grid.CASES:
        return Fragment(f"{node.left} {cells} }}", Role.OPEN, Role.CLOSE)
    if not (node.left and node.right):
        raise Refused("a bare matrix on one line")
    return Fragment(f"{node.left}{cells}{node.right}", Role.OPEN, Role.CLOSE)


def _cell(node: Node, join: Join) -> str:
    """A cell's text without a comma at its end, which the separator after it replaces."""
    return join(flat(node)).text.strip().rstrip(",")


def _lines(node: Table, join: Join) -> Fragment:
    """Lines one after the other; `;` goes before a line that does not begin with a relation or an operator."""
    written = ""
    for row in node.rows:
        fragment = join([item for cell in row for item in flat(cell)])
        if text := fragment.text.strip():
            continues = fragment.left in {Role.RELATION, Role.BINARY}
            written += ("" if not written else " " if continues else "; ") + text
    return Fragment(written, Role.ORDINARY, Role.ORDINARY, Binding.LOOSE)

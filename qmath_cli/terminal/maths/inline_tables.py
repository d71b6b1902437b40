"""Tables on one line: matrices and systems with separators between cells and rows, aligned lines as statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qmath_cli.mathematics.tree import Atom, Grid, Node, Refused, Role, Table
from qmath_cli.terminal.maths.fragments import Binding, Fragment, flat
from qmath_cli.terminal.maths.table_rows import ends_part, row_items, statements

Join = Callable[[Sequence[Node]], Fragment]


def table(node: Table, join: Join) -> Fragment:
    """A table on one line; `join` draws nodes side by side. Raises `Refused`."""
    if node.rules or "|" in node.columns:
        raise Refused("a table with rules on one line")
    if not node.left and not node.right:
        return _bare(node, join)
    if (node.left, node.right) in {("{", ""), ("", "}")}:
        return Fragment(f"{{ {_rows(node, join)} }}", Role.OPEN, Role.CLOSE)
    if not (node.left and node.right):
        raise Refused("a delimiter on one side of a table")
    if _binomial(node):
        return Fragment(f"C({', '.join(join(flat(row[0])).text for row in node.rows)})", Role.ORDINARY, Role.CLOSE)
    return Fragment(f"{node.left}{_rows(node, join)}{node.right}", Role.OPEN, Role.CLOSE)


def _rows(node: Table, join: Join) -> str:
    """The rows, separated by semicolons; a comma at a row's end gives way to one."""
    rows = [row_items(node, row) for row in node.rows]
    return "; ".join(join(items[:-1] if ends_part(items) else items).text.strip() for items in rows)


def _bare(node: Table, join: Join) -> Fragment:
    """Lines one after the other, with `;` between statements."""
    if node.kind not in {Grid.ALIGNED, Grid.LINES}:
        raise Refused("a bare matrix on one line")
    written = ""
    for items in statements(node):
        ended = written.endswith((",", ";", "，", "；"))
        written += ("" if not written else " " if ended else "; ") + join(items).text.strip()
    return Fragment(written, Role.ORDINARY, Role.ORDINARY, Binding.LOOSE)


def _binomial(node: Table) -> bool:
    r"""Whether an array is a binomial coefficient: `n` over a number or a letter that counts, in round brackets.

    A column vector is written in the same way, so anything that may be one is none.
    """
    if node.kind is not Grid.ARRAY or node.left + node.right != "()" or [len(row) for row in node.rows] != [1, 1]:
        return False
    top, bottom = (flat(row[0]) for row in node.rows)
    names = [{item.text for item in part if isinstance(item, Atom) and item.text.isalpha()} for part in (top, bottom)]
    simple = all(isinstance(item, Atom) and (item.text.isalnum() or item.text in "+-") for item in (*top, *bottom))
    return simple and bool(names[0]) and names[0] <= set("nmN") and names[1] <= set("kmrijpl") and names[0] != names[1]

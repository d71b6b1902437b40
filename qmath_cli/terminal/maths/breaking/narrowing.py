"""Parts that are too wide get several lines inside: a numerator, the content of a bracket, of a root or of a frame.

Tables that are too wide get one row per line, with commas or rules between what were columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qmath_cli.mathematics.tree import Accent, Boxed, Fence, Fraction, Grid, Node, Root, Row, Script, Stack, Table
from qmath_cli.terminal.maths.table_rows import row_items

#: Draws a node on several lines of at most so many columns, as one node.
Block = Callable[[Node, int], Node]
#: The columns of a node's drawing.
Width = Callable[[Node], int]


def narrowed(node: Node, room: int, block: Block, width: Width) -> Node:
    """A node that has its content on several lines; the node itself if it has no content to break."""
    match node:
        case Fraction():
            inner = room - 2  # two columns of a bar that is longer than another bar, or the brackets of a binomial
            return replace(node, top=block(node.top, inner), bottom=block(node.bottom, inner))
        case Root():
            return replace(node, radicand=block(node.radicand, room - (width(node) - width(node.radicand))))
        case Fence() | Boxed() | Accent():
            around = max(2, width(node) - width(node.body))
            return replace(node, body=block(node.body, room - max(around, 4 if isinstance(node, Boxed) else 0)))
        case _:
            return _narrowed_parts(node, room, block, width)


def _narrowed_parts(node: Node, room: int, block: Block, width: Width) -> Node:
    match node:
        case Script():
            return _script(node, room, block, width)
        case Stack():
            return _stack(node, room, block)
        case Table():
            return one_row_per_line(node, room, block)
        case _:
            return node


def _script(node: Script, room: int, block: Block, width: Width) -> Node:
    """The base in what its scripts leave; scripts that are wider than half the room are broken too."""
    half = room // 2
    sub = node.sub if node.sub is None or width(node.sub) <= half else block(node.sub, half)
    sup = node.sup if node.sup is None or width(node.sup) <= half else block(node.sup, half)
    beside = max((width(part) for part in (sub, sup) if part is not None), default=0)
    base = node.base
    if isinstance(base, Row):
        return replace(node, sub=sub, sup=sup)
    if width(base) > room - beside:
        base = narrowed(base, room - beside - (2 if isinstance(base, Fraction | Root | Script) else 0), block, width)
    return Script(base, sub, sup)


def _stack(node: Stack, room: int, block: Block) -> Node:
    over = None if node.over is None else block(node.over, room - 1)
    under = None if node.under is None else block(node.under, room - 1)
    return replace(node, base=node.base if node.arrow else block(node.base, room), over=over, under=under)


def one_row_per_line(table: Table, room: int, block: Block) -> Table:
    """A table of one column whose cells are the rows."""
    around = len(table.left) + len(table.right) + (table.kind is Grid.CASES)
    rows = tuple((block(Row(tuple(row_items(table, row, gap=2))), room - around),) for row in table.rows)
    kind = Grid.CASES if table.kind is Grid.CASES else Grid.LINES
    return Table(kind, rows, table.left, table.right, "l", table.rules)

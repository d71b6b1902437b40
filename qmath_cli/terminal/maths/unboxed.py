r"""A formula without the marks of `\boxed`, for lines that are read aloud.

A box also groups, so it goes only where nothing but relations, punctuation, words or a gap stands beside it:
`x = \boxed{2, 3}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qmath_cli.mathematics.tree import Atom, Boxed, Node, Role, Row, Space, Table, Text
from qmath_cli.terminal.maths.fragments import flat

_BESIDE = {Role.RELATION, Role.PUNCTUATION, Role.SPACE}
_GAP = 2  # columns, at least


def unboxed(node: Node) -> Node:
    """The formula with its boxes opened, those of a table's cells too."""
    if isinstance(node, Table):
        return replace(node, rows=tuple(tuple(map(unboxed, row)) for row in node.rows))
    items = [item for item in flat(node) if not isinstance(item, Space) or item.columns >= _GAP]
    if len(items) == 1 and isinstance(items[0], Table):
        return unboxed(items[0])
    free = {id(item) for at, item in enumerate(items) if _stands_free(items, at)}
    opened: list[Node] = []
    for item in flat(node):
        opened += flat(unboxed(item.body)) if isinstance(item, Boxed) and id(item) in free else [item]
    return Row(tuple(opened))


def _stands_free(items: Sequence[Node], at: int) -> bool:
    return all(map(_is_apart, [*items[max(at - 1, 0) : at], *items[at + 1 : at + 2]]))


def _is_apart(item: Node) -> bool:
    return isinstance(item, Space | Text) or (isinstance(item, Atom) and item.role in _BESIDE)

"""A table's row as one formula whose columns never touch: separated by commas, by blanks, or by what aligns them."""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.mathematics.symbols import delimiter
from qmath_cli.mathematics.tree import Atom, Fence, Grid, Node, Role, Row, Script, Space, Stack, Table
from qmath_cli.terminal.maths.fragments import flat

COMMA = Atom(",", Role.PUNCTUATION, ",")
_WALL = Atom("│", Role.ORDINARY, "|")
_ENDS_PART = frozenset({",", ";", "，", "；"})
_JOINING = frozenset({Role.RELATION, Role.BINARY})
_BRACKETS = frozenset("()[]")
_SIGNS = frozenset({"+", "-", "±", "∓"})


def row_items(table: Table, row: Sequence[Node]) -> list[Node]:
    """The cells of one row side by side, with what keeps them apart."""
    found: list[Node] = []
    for at, cell in enumerate(row):
        items = _trimmed(flat(cell))
        if found and items:
            found += _between(table, at, found[-1], items)
        found += items
    return found


def _between(table: Table, at: int, before: Node, items: Sequence[Node]) -> list[Node]:
    """What goes between column `at` and the filled one before it."""
    if _ruled(table, at):
        return [Space(), _WALL, Space()]
    if table.kind is Grid.ALIGNED and (table.columns or at % 2):
        return []
    system = table.kind is Grid.ALIGNED or not (table.left and table.right)
    if _joins(before, alone=not system) or _joins(items[0], alone=not system and len(items) > 1):
        return []
    if table.kind in {Grid.ALIGNED, Grid.LINES}:
        return [Space(3)]
    ended = isinstance(before, Atom) and before.text in _ENDS_PART
    return [Space()] if ended else [COMMA, Space()]


def _joins(node: Node, *, alone: bool) -> bool:
    """Whether a sign needs what stands beside it; in a matrix `-1` is a cell, but a minus alone needs both sides."""
    return role(node) in _JOINING and not (alone and isinstance(node, Atom) and node.text in _SIGNS)


def _ruled(table: Table, at: int) -> bool:
    return at in {len(table.columns[:end].replace("|", "")) for end, sign in enumerate(table.columns) if sign == "|"}


def statements(table: Table) -> list[list[Node]]:
    """The rows as formulas, a row that continues the one before it joined to it."""
    found: list[list[Node]] = []
    for row in table.rows:
        items = _split_fences(row_items(table, row))
        if found and items and continues(found[-1], items):
            found[-1] += items
        elif items:
            found.append(items)
    return found


def _split_fences(items: Sequence[Node]) -> list[Node]:
    """Brackets at one side of a fence as signs of their own: their partners are in other rows."""
    found: list[Node] = []
    for item in items:
        if isinstance(item, Fence) and bool(item.left) != bool(item.right) and item.left + item.right in _BRACKETS:
            sides = [[delimiter(side)] if side else [] for side in (item.left, item.right)]
            found += [*sides[0], *_split_fences(flat(item.body)), *sides[1]]
        else:
            found.append(item)
    return found


def continues(before: Sequence[Node], items: Sequence[Node]) -> bool:
    """Whether a row is the continuation of the one before it: one of them has an operator without its other side."""
    if role(before[-1]) in {*_JOINING, Role.OPEN} or _depth(before) > 0:
        return True
    if role(items[0]) is Role.RELATION:
        return True
    if role(items[0]) is not Role.BINARY:
        return False
    sign = isinstance(items[0], Atom) and items[0].text in _SIGNS
    return not sign or all(role(item) is not Role.RELATION for item in items)


def _depth(items: Sequence[Node]) -> int:
    roles = [role(item) for item in items]
    return roles.count(Role.OPEN) - roles.count(Role.CLOSE)


def role(node: Node) -> Role:
    """What a node is for its neighbours."""
    if isinstance(node, Script | Stack):
        return role(node.base)
    return node.role if isinstance(node, Atom) else Role.ORDINARY


def ends_part(items: Sequence[Node]) -> bool:
    """Whether a formula ends with its own comma or semicolon."""
    return bool(items) and isinstance(items[-1], Atom) and items[-1].text in _ENDS_PART


def _trimmed(items: Sequence[Node]) -> list[Node]:
    """The items without blanks at both ends; an empty base alone is nothing."""
    found = [item for item in items if not (isinstance(item, Row) and not item.items)]
    while found and isinstance(found[0], Space):
        found = found[1:]
    while found and isinstance(found[-1], Space):
        found = found[:-1]
    return found

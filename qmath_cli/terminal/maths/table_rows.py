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


def row_items(table: Table, row: Sequence[Node], gap: int = 1) -> list[Node]:
    """The cells of one row side by side, with what keeps them apart; `gap` blanks follow a comma between cells."""
    found: list[Node] = []
    last = 0
    for at, cell in enumerate(row):
        items = trimmed(flat(cell))
        if found and items:
            found += _between(table, (last, at), (found[-1], items), gap)
        found += items
        last = at if items else last
    return found


def _between(table: Table, columns: tuple[int, int], around: tuple[Node, Sequence[Node]], gap: int) -> list[Node]:
    """What goes between two filled columns, for the last sign of one and the signs of the other."""
    (left, right), (before, after) = columns, around
    if _ruled(table, right):
        return [Space(), _WALL, Space(gap)]
    if table.kind in {Grid.ALIGNED, Grid.LINES}:
        one_formula = bool(table.columns) or left // 2 == right // 2 or role(before) in _JOINING
        begins = right % 2 == 0 and role(after[0]) in _JOINING
        return [] if one_formula or begins else [Space(3)]
    matrix = bool(table.left and table.right)
    if _joins(before, alone=matrix) or _joins(after[0], alone=matrix and len(after) > 1):
        return []
    ended = isinstance(before, Atom) and before.text in _ENDS_PART
    return [Space(gap)] if ended else [COMMA, Space(gap)]


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
        if found and items and not several_formulas(table) and continues(found[-1], items):
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


def several_formulas(table: Table) -> bool:
    """Whether a row of aligned columns holds formulas side by side, so that no row is the end of the one before it."""
    return not table.columns and any(len(row) > 2 and trimmed(flat(row[-1])) for row in table.rows)


def continues(before: Sequence[Node], items: Sequence[Node]) -> bool:
    """Whether a row is the continuation of the one before it: one of them has an operator without its other side."""
    if role(before[-1]) in {*_JOINING, Role.OPEN} or _depth(before) > 0:
        return True
    if role(items[0]) is Role.RELATION:
        return True
    if role(items[0]) is not Role.BINARY:
        return False
    sign = isinstance(items[0], Atom) and items[0].text in _SIGNS
    return not sign or not (_related(before) and _related(items))


def _related(items: Sequence[Node]) -> bool:
    return any(role(item) is Role.RELATION for item in items)


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


def trimmed(items: Sequence[Node]) -> list[Node]:
    """The items without blanks at both ends; an empty base alone is nothing."""
    found = [item for item in items if not (isinstance(item, Row) and not item.items)]
    found = without_indent(found)
    while found and isinstance(found[-1], Space):
        found = found[:-1]
    return found


def without_indent(items: Sequence[Node]) -> list[Node]:
    """The items without blanks at their start."""
    start = 0
    while start < len(items) and isinstance(items[start], Space):
        start += 1
    return list(items[start:])

"""A formula in as many columns as there are: too wide a row goes on in the next, broken before a relation or a sum.

Where even that does not fit, the formula is refused, and the caller shows it in another way.
"""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.mathematics.tree import Atom, Node, Refused, Role, Script, Space, Stack
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.bits import flat
from qmath_cli.terminal.maths.box import Box, grow, stacked
from qmath_cli.terminal.maths.display import Drawer

_INDENT = 4


def display(node: Node, width: int, alphabet: Alphabet) -> Box:
    """The formula as a box of at most `width` columns. Raises `Refused`."""
    drawer = Drawer(alphabet)
    whole = drawer.draw(node)
    if whole.width <= width:
        return whole
    for roles in ({Role.RELATION}, {Role.RELATION, Role.BINARY}, {Role.RELATION, Role.BINARY, Role.PUNCTUATION}):
        lines = _lines(drawer, _segments(flat(node), roles), width)
        if lines is not None:
            return stacked(lines, 0, "l")
    raise Refused(f"wider than {width} columns")


def _segments(items: Sequence[Node], roles: set[Role]) -> list[list[Node]]:
    """The items cut before every sign of these roles (after it, for punctuation) that is outside brackets."""
    found: list[list[Node]] = [[]]
    depth = 0
    for item in items:
        role = _role(item)
        depth += (role is Role.OPEN) - (role is Role.CLOSE)
        if depth == 0 and role in roles - {Role.PUNCTUATION} and found[-1]:
            found.append([])
        found[-1].append(item)
        if depth == 0 and role is Role.PUNCTUATION and role in roles:
            found.append([])
    return [segment for segment in found if segment]


def _role(node: Node) -> Role:
    if isinstance(node, Script | Stack):
        return _role(node.base)
    return node.role if isinstance(node, Atom) else Role.ORDINARY


def _lines(drawer: Drawer, segments: list[list[Node]], width: int) -> list[Box] | None:
    """Segments filled into lines; None if one of them alone is too wide."""
    lines: list[Box] = []
    current: list[Node] = []
    for segment in segments:
        room = width - (_INDENT if lines else 0)
        if drawer.row(_trimmed(current + segment)).width > room:
            if not current:
                return None
            lines.append(_line(drawer, current, first=not lines))
            current = []
            if drawer.row(_trimmed(segment)).width > width - _INDENT:
                return None
        current += segment
    return [*lines, _line(drawer, current, first=not lines)]


def _line(drawer: Drawer, items: list[Node], *, first: bool) -> Box:
    drawn = drawer.row(_trimmed(items))
    if first:
        return drawn
    gap = 1 if drawn.height > 1 else 0
    indented = Box(tuple(" " * _INDENT + row for row in drawn.rows), drawn.base)
    return grow(indented, gap, 0)


def _trimmed(items: list[Node]) -> list[Node]:
    """Without the blanks at either end."""
    start, end = 0, len(items)
    while start < end and isinstance(items[start], Space):
        start += 1
    while end > start and isinstance(items[end - 1], Space):
        end -= 1
    return items[start:end]

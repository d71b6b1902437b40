"""Line breaking: a formula that is too wide is continued on further lines.

It is broken before relations, if that is not enough also before binary operators, then also after commas. A formula
that still does not fit is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.mathematics.tree import Atom, Node, Refused, Role, Script, Space, Stack
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.box import Box, grow, stacked
from qmath_cli.terminal.maths.display import DisplayRenderer
from qmath_cli.terminal.maths.fragments import flat

_INDENT = 4  # columns, for continuation lines


def display(node: Node, width: int, alphabet: Alphabet) -> Box:
    """The formula as a box of at most `width` columns. Raises `Refused`."""
    renderer = DisplayRenderer(alphabet)
    whole = renderer.draw(node)
    if whole.width <= width:
        return whole
    for roles in ({Role.RELATION}, {Role.RELATION, Role.BINARY}, {Role.RELATION, Role.BINARY, Role.PUNCTUATION}):
        lines = _lines(renderer, _segments(flat(node), roles), width)
        if lines is not None:
            return stacked(lines, 0, "l")
    raise Refused(f"wider than {width} columns")


def _segments(items: Sequence[Node], roles: set[Role]) -> list[list[Node]]:
    """The items cut before every sign of these roles (after it, for punctuation) outside brackets."""
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


def _lines(renderer: DisplayRenderer, segments: list[list[Node]], width: int) -> list[Box] | None:
    """The segments distributed over lines; None if a single one is too wide."""
    lines: list[Box] = []
    current: list[Node] = []
    for segment in segments:
        room = width - (_INDENT if lines else 0)
        if renderer.row(_trimmed(current + segment)).width > room:
            if not current:
                return None
            lines.append(_line(renderer, current, first=not lines))
            current = []
            if renderer.row(_trimmed(segment)).width > width - _INDENT:
                return None
        current += segment
    return [*lines, _line(renderer, current, first=not lines)]


def _line(renderer: DisplayRenderer, items: list[Node], *, first: bool) -> Box:
    drawn = renderer.row(_trimmed(items))
    if first:
        return drawn
    gap = 1 if drawn.height > 1 else 0
    indented = Box(tuple(" " * _INDENT + row for row in drawn.rows), drawn.base)
    return grow(indented, gap, 0)


def _trimmed(items: list[Node]) -> list[Node]:
    """The items without leading and trailing spaces."""
    start, end = 0, len(items)
    while start < end and isinstance(items[start], Space):
        start += 1
    while end > start and isinstance(items[end - 1], Space):
        end -= 1
    return items[start:end]

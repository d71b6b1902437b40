"""Line breaking: a formula that is too wide is continued on further lines, none of them wider than asked.

It is broken at the ends of statements and before relations, where that is not enough before operators, after commas and
inside brackets. A part without such a place gets several lines inside (`narrowing`), and as the last means it is
written on one line that is wrapped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qmath_cli.mathematics.tree import Grid, Node, Refused, Role, Row, Space, Table, Text
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.box import Box, grow, stacked
from qmath_cli.terminal.maths.breaking.narrowing import narrowed
from qmath_cli.terminal.maths.breaking.points import Level, operand_first, segments
from qmath_cli.terminal.maths.breaking.wrapping import wrapped
from qmath_cli.terminal.maths.display import DisplayRenderer
from qmath_cli.terminal.maths.fragments import flat
from qmath_cli.terminal.maths.line import LineRenderer
from qmath_cli.terminal.maths.table_rows import role, row_items, several_formulas, trimmed, without_indent
from qmath_cli.terminal.text_width import columns

_LINED = frozenset({Grid.ALIGNED, Grid.LINES})
_LEAST = 6  # columns below which the inside of a part is not broken any more
_SHORT = 8  # columns of a left side that does not get a line of its own


def display(node: Node, width: int, alphabet: Alphabet) -> Box:
    """The formula in two dimensions, as a box of at most `width` columns. Raises `Refused`."""
    breaker = _Breaker(alphabet)
    whole = breaker.renderer.draw(node)
    if whole.width <= width:
        return whole
    drawn = [breaker.renderer.row(line) for line in breaker.lines(node, width)]
    spaced = [grow(box, 1, 0) if at and box.height > 1 else box for at, box in enumerate(drawn)]
    return stacked(spaced, 0, "l")


def on_lines(node: Node, width: int, alphabet: Alphabet) -> list[str]:
    """The formula without a second dimension: on one line if it fits, else wrapped. Raises `Refused`."""
    renderer = LineRenderer(alphabet)
    table = _bare_table(node)
    if table is None:
        return wrapped(renderer.join(flat(node)).text, width, _indent(width))
    if not table.rules and table.kind in _LINED:
        whole = renderer.join([table]).text
        if columns(whole) <= width:
            return [whole]
    found: list[str] = []
    for items, continued in _rows(table):
        indent = _indent(width) if continued else 0
        pieces = wrapped(renderer.join(items).text, width - indent, 0 if continued else _indent(width))
        found += [" " * indent + piece for piece in pieces]
    return found


@dataclass(frozen=True, slots=True)
class _Part:
    """Items that stay on one line; `alone`: nothing else is on that line."""

    items: list[Node]
    alone: bool = False


class _Breaker:
    """Distributes the items of formulas over lines."""

    def __init__(self, alphabet: Alphabet) -> None:
        self.renderer = DisplayRenderer(alphabet)
        self._line = LineRenderer(alphabet)

    def lines(self, node: Node, width: int) -> list[list[Node]]:
        """The lines of a formula; a table without delimiters has one line or more per row."""
        table = _bare_table(node)
        if table is None or table.kind not in _LINED:
            return self._filled(flat(node), width)
        return [line for items, continued in _rows(table) for line in self._filled(items, width, continued=continued)]

    def _block(self, node: Node, room: int) -> Node:
        """A node as one that is no wider than `room`, if it can be broken."""
        if room < _LEAST:
            return node
        lines = self._filled(flat(node), room)
        if len(lines) == 1:
            return Row(tuple(lines[0]))
        return Table(Grid.LINES, tuple((Row(tuple(line)),) for line in lines), columns="l")

    def _filled(self, items: Sequence[Node], width: int, *, continued: bool = False) -> list[list[Node]]:
        """The items on lines of at most `width` columns, the continuation lines indented."""
        indent = _indent(width)
        first = width - indent if continued else width
        items = trimmed(items)
        if self._width(items) <= first:
            return [[Space(indent), *items] if continued else items]
        found: list[list[Node]] = []
        closed = True  # whether the last line takes nothing more
        for part in self._parts(items, width - indent):
            room = first if len(found) == 1 else width - indent
            if closed or part.alone or self._width([*found[-1], *part.items]) > room:
                found.append(_without_start(part.items))
            else:
                found[-1] += part.items
            closed = part.alone
        ended = [_without_end(line) for line in found]
        return [line if at == 0 and not continued else [Space(indent), *line] for at, line in enumerate(ended)]

    def _parts(self, items: list[Node], room: int, level: Level = Level.STATEMENT) -> Iterator[_Part]:
        """The items in parts of at most `room` columns, cut at the best places."""
        if self._width(items) <= room:
            yield _Part(items)
            return
        cuts = ((deeper, segments(items, deeper)) for deeper in Level if deeper >= level)
        level, found = next(((deeper, cut) for deeper, cut in cuts if len(cut) > 1), (level, []))
        if not found:
            yield from self._unbroken(trimmed(items), room)
            return
        if self._width(found[0]) <= _SHORT and self._width(found[1]) > room and level is not max(Level):
            found[:2] = [found[0] + found[1]]  # x = ... with its first part, not alone
            level = Level(level + 1)
        for segment in found:
            yield from self._parts(segment, room, level)

    def _unbroken(self, items: list[Node], room: int) -> Iterator[_Part]:
        """Parts of a segment that is too wide and has no place to break."""
        widths = [self._width_of(item) for item in items]
        widest = items[widths.index(max(widths))]
        left = room - (self._width(items) - max(widths))
        if left < _LEAST and len(items) > 1:
            for item, width in zip(items, widths, strict=True):
                yield from [_Part([item])] if width <= room else self._unbroken([item], room)
            return
        inside = self._with_lines_inside(items, widest, left)
        if inside is not None and self._width(inside) <= room:
            yield _Part(inside)
        else:
            text = self._line.join(items).text
            yield from (_Part([Text(piece)], alone=True) for piece in wrapped(text, room, 0))

    def _with_lines_inside(self, items: list[Node], widest: Node, room: int) -> list[Node] | None:
        try:
            new = narrowed(widest, room, self._block, self._width_of)
            self._width_of(new)
        except Refused:  # a delimiter that does not grow
            return None
        return [new if item is widest else item for item in items]

    def _width(self, items: Sequence[Node]) -> int:
        return self.renderer.row(trimmed(items)).width

    def _width_of(self, node: Node) -> int:
        return self.renderer.draw(node).width


def _without_start(items: Sequence[Node]) -> list[Node]:
    """A line without blanks at its start, also in upright text."""
    found = without_indent(items)
    return [Text(found[0].text.lstrip()), *found[1:]] if found and isinstance(found[0], Text) else found


def _without_end(items: Sequence[Node]) -> list[Node]:
    """A line without blanks at its end, also in upright text."""
    found = trimmed(items)
    return [*found[:-1], Text(found[-1].text.rstrip())] if found and isinstance(found[-1], Text) else found


def _bare_table(node: Node) -> Table | None:
    """A table without delimiters that is the whole formula."""
    return node if isinstance(node, Table) and not (node.left or node.right) else None


def _rows(table: Table) -> Iterator[tuple[list[Node], bool]]:
    """The rows of a table that are not empty, and whether each continues the one before it."""
    begun = False
    for row in table.rows:
        items = row_items(table, row)
        if items:
            continued = begun and not several_formulas(table) and role(items[0]) in {Role.RELATION, Role.BINARY}
            yield list(operand_first(items)) if continued else items, continued
            begun = True


def _indent(width: int) -> int:
    return 4 if width >= 24 else 2

"""A formula in two dimensions: fractions with bars, limits above and below, tall brackets, aligned columns.

A part that needs one row only is drawn by `line`.
"""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.mathematics.tree import (
    Accent,
    AccentMark,
    Atom,
    Boxed,
    Fence,
    Fraction,
    Node,
    Refused,
    Role,
    Root,
    Row,
    Script,
    Stack,
    Table,
)
from qmath_cli.terminal.maths import box as boxes
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.arrows import stretched
from qmath_cli.terminal.maths.box import Box, side_by_side, stacked, with_scripts
from qmath_cli.terminal.maths.fences import fenced
from qmath_cli.terminal.maths.fragments import Binding, Fragment, binding_of, flat, paired
from qmath_cli.terminal.maths.grids import table
from qmath_cli.terminal.maths.heights import Heights, has_limits
from qmath_cli.terminal.maths.line import LineRenderer
from qmath_cli.terminal.maths.roots import root, starts_in_index
from qmath_cli.terminal.text_width import columns

_OPENED = frozenset({Role.OPEN, Role.SPACE})  # after these a root's index has nothing to join


class DisplayRenderer:
    """Draws nodes as boxes, in one alphabet."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._alphabet = alphabet
        self._ascii = alphabet is Alphabet.ASCII
        self._line = LineRenderer(alphabet)
        self._heights = Heights(alphabet)
        self._bar = "-" if self._ascii else "─"

    # ------------------------------------------------------------ rows

    def draw(self, node: Node) -> Box:
        """Draw a node."""
        items = flat(node)
        return self.row(items) if len(items) != 1 else self._one(items[0])

    def row(self, items: Sequence[Node]) -> Box:
        """Draw nodes side by side, with the blanks that they have on one line."""
        tall = [self._heights.tall(item) for item in items]
        if not any(tall):
            return boxes.text(self._line.join(items).text)
        fragments = self._fragments(items)
        parts: list[Box] = []
        for at, (blank, written) in enumerate(self._line.layout(fragments)):
            index = at > 0 and tall[at] and starts_in_index(items[at]) and fragments[at - 1].right not in _OPENED
            if blank or index or (at and _bar_between(items[at - 1], items[at], fragments[at - 1], fragments[at])):
                parts.append(boxes.text(" "))
            parts.append(self._one(items[at]) if tall[at] else boxes.text(written))
        return side_by_side(parts)

    def _fragments(self, items: Sequence[Node]) -> list[Fragment]:
        return paired([_sides(item) if self._heights.tall(item) else self._line.fragment(item) for item in items])

    # ------------------------------------------------------------ single nodes

    def _one(self, node: Node) -> Box:
        if not self._heights.tall(node):
            return boxes.text(self._line.fragment(node).text)
        match node:
            case Row():
                return self.draw(node)
            case Fraction():
                return self._fraction(node)
            case Root():
                return self._root(node)
            case Script():
                return self._script(node)
            case _:
                return self._framed(node)

    def _framed(self, node: Node) -> Box:
        match node:
            case Accent():
                return self._accent(node)
            case Fence():
                return fenced(node.left, self.draw(node.body), node.right, self._alphabet)
            case Boxed():
                return self._boxed(self.draw(node.body))
            case Stack():
                return self._stack(node)
            case Table():
                return table(node, self.draw, self._alphabet)
            case _:
                return boxes.text(self._line.fragment(node).text)

    def _fraction(self, node: Fraction) -> Box:
        top, bottom = self.draw(node.top), self.draw(node.bottom)
        width = max(top.width, bottom.width)
        if not node.bar:
            return fenced("(", stacked([top, boxes.text(" " * width), bottom], 1), ")", self._alphabet)
        return stacked([top, boxes.text(self._bar * (width + 2 * _spanned_by_bar(top, bottom, self._bar))), bottom], 1)

    def _root(self, node: Root) -> Box:
        degree = "" if node.degree is None else self._line.inner(node.degree, compact=True).text
        return root(self.draw(node.radicand), degree, self._alphabet)

    def _accent(self, node: Accent) -> Box:
        body = self.draw(node.body)
        mark = {
            AccentMark.BAR: "─",
            AccentMark.UNDERLINE: "─",
            AccentMark.VECTOR: "─",
            AccentMark.ARC: "⌒",
            AccentMark.LINE: "─",
        }.get(node.mark)
        if mark is None or self._ascii:
            name = boxes.text(f"{node.mark}")
            return side_by_side([name, fenced("(", body, ")", self._alphabet)])
        over = mark * body.width
        if node.mark is AccentMark.VECTOR:
            over = "─" * (body.width - 1) + "→"
        if node.mark is AccentMark.LINE:
            over = ("←" + "─" * (body.width - 2) + "→") if body.width > 1 else "↔"
        if node.mark is AccentMark.ARC:
            over = boxes.pad("⌒", body.width)
        line = boxes.text(over)
        return stacked([body, line], 0) if node.mark is AccentMark.UNDERLINE else stacked([line, body], 1)

    def _boxed(self, body: Box) -> Box:
        corners, side = ("++++", "|") if self._ascii else ("┌┐└┘", "│")
        edge = self._bar * (body.width + 2)
        rows = [f"{corners[0]}{edge}{corners[1]}", *(f"{side} {row} {side}" for row in body.rows)]
        return Box((*rows, f"{corners[2]}{edge}{corners[3]}"), body.base + 1)

    # ------------------------------------------------------------ scripts and limits

    def _script(self, node: Script) -> Box:
        base = self._script_base(node.base)
        if has_limits(node.base):
            return self._limits(node, base)
        sup = None if node.sup is None else self._line.small(node.sup, up=True)
        if sup is not None and node.sub is None:
            blank = " " * columns(sup)
            return Box((base.rows[0] + sup, *(row + blank for row in base.rows[1:])), base.base)
        raised, lowered = (None if part is None else self.draw(part) for part in (node.sup, node.sub))
        return with_scripts(base, raised, lowered)

    def _script_base(self, base: Node) -> Box:
        """What a script belongs to, in brackets where the script would be that of a part: a numerator, an exponent."""
        drawn = self.draw(base)
        if isinstance(base, Row) and base.items and binding_of(self._fragments(flat(base))) is not Binding.SINGLE:
            raise Refused("a script on a bare group")
        wrapped = isinstance(base, Root) or (isinstance(base, Fraction) and base.bar)
        if wrapped or (isinstance(base, Script) and base.sup is not None):
            return fenced("(", drawn, ")", self._alphabet)
        return drawn

    def _limits(self, node: Script, base: Box) -> Box:
        over = [self.draw(node.sup)] if node.sup is not None else []
        under = [self.draw(node.sub)] if node.sub is not None else []
        return stacked([*over, base, *under], len(over))

    def _stack(self, node: Stack) -> Box:
        over = [self.draw(node.over)] if node.over is not None else []
        under = [self.draw(node.under)] if node.under is not None else []
        base = self.draw(node.base)
        if node.arrow:
            width = max(part.width for part in (*over, *under, base)) + 1
            base = boxes.text(stretched(base.rows[0], width, ascii_only=self._ascii))
        if node.brace:
            base = self._braced(base, above=node.under is None)
        return stacked([*over, base, *under], len(over))

    def _braced(self, body: Box, *, above: bool) -> Box:
        left, middle, right = ("/", "|", "\\") if self._ascii else ("╭", "┴", "╮") if above else ("╰", "┬", "╯")
        width = max(3, body.width)
        half = (width - 3) // 2
        brace = boxes.text(left + self._bar * half + middle + self._bar * (width - 3 - half) + right)
        return stacked([brace, body], 1) if above else stacked([body, brace], 0)


# ---------------------------------------------------------------- geometry


def _sides(node: Node) -> Fragment:
    """A placeholder with the roles that decide the spacing around a tall node."""
    left = right = Role.ORDINARY
    if isinstance(node, Script | Stack) and isinstance(node.base, Atom):
        left = right = node.base.role
    elif isinstance(node, Fence) or (isinstance(node, Table) and node.left):
        left, right = Role.OPEN, Role.CLOSE
    return Fragment("x", left, right)


def _bar_between(left: Node, right: Node, before: Fragment, after: Fragment) -> bool:
    """Whether a fraction's bar would touch its neighbour."""
    if Role.SPACE in {before.right, after.left} or after.left is Role.PUNCTUATION:
        return False
    return any(isinstance(node, Fraction) and node.bar for node in (left, right))


def _spanned_by_bar(top: Box, bottom: Box, bar: str) -> bool:
    """Whether a bar inside a fraction spans its width, so that the fraction's own bar must be longer."""
    width = max(top.width, bottom.width)
    return any(row.strip() == bar * width for part in (top, bottom) for row in part.rows)

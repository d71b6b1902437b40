"""Where a row of a formula can be broken: levels, from the end of a statement down to a word inside brackets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import pairwise

from qmath_cli.mathematics.tree import Atom, Fence, Node, Role, Script, Space, Text
from qmath_cli.terminal.maths.spacing import unary
from qmath_cli.terminal.maths.table_rows import role

_IMPLICATIONS = frozenset("⟹⇒⟺⇔⟸⇐∴∵→⟶↔")
_PRODUCTS = frozenset({"×", "⋅", "·", "*", "÷", "∗", "∘", "mod", "⊗", "⊙", "∙"})
_SEPARATORS = frozenset(",;，；、")
_WIDE = 2  # columns of a blank that ends a statement: \quad


class Level(IntEnum):
    """Kinds of break, the best first; the ones that end in `INSIDE` hold within brackets too."""

    STATEMENT = 0
    IMPLICATION = 1
    RELATION = 2
    COMMA = 3
    SUM = 4
    PRODUCT = 5
    WORD = 6
    FACTOR = 7
    RELATION_INSIDE = 8
    COMMA_INSIDE = 9
    SUM_INSIDE = 10
    PRODUCT_INSIDE = 11
    WORD_INSIDE = 12


_OUTSIDE = {
    Level.RELATION_INSIDE: Level.RELATION,
    Level.COMMA_INSIDE: Level.COMMA,
    Level.SUM_INSIDE: Level.SUM,
    Level.PRODUCT_INSIDE: Level.PRODUCT,
    Level.WORD_INSIDE: Level.WORD,
}


def segments(items: Sequence[Node], level: Level) -> list[list[Node]]:
    """The items, cut at every break of this level."""
    if level in {Level.WORD, Level.WORD_INSIDE}:
        items = [word for item in items for word in _words(item)]
    kind = _OUTSIDE.get(level, level)
    starts = _statements(items) if kind is Level.STATEMENT else set(_starts(items, kind, inside=kind is not level))
    found: list[list[Node]] = [[]]
    for at, item in enumerate(items):
        if at in starts and found[-1]:
            found.append([])
        found[-1].append(item)
    operators = kind in {Level.SUM, Level.PRODUCT}
    return [found[0], *(operand_first(each) if operators else each for each in found[1:])]


def _starts(items: Sequence[Node], kind: Level, *, inside: bool) -> Iterator[int]:
    """The indices before which the items can be broken."""
    depths = _depths(items)
    for at in range(1, len(items)):
        if (inside or depths[at] == 0) and _breaks(items, at, kind):
            yield at


def _breaks(items: Sequence[Node], at: int, kind: Level) -> bool:
    before, after = items[at - 1], items[at]
    match kind:
        case Level.IMPLICATION:
            return isinstance(after, Atom) and after.text in _IMPLICATIONS
        case Level.RELATION:
            return role(after) is Role.RELATION and role(before) is not Role.RELATION
        case Level.SUM | Level.PRODUCT:
            product = isinstance(after, Atom) and after.text in _PRODUCTS
            return role(after) is Role.BINARY and not _is_sign(items, at) and product == (kind is Level.PRODUCT)
        case Level.COMMA:
            number = isinstance(after, Atom) and after.role is Role.NUMBER  # 1,000
            return isinstance(before, Atom) and before.text in _SEPARATORS and not number
        case Level.WORD:
            return isinstance(before, Space | Text) or isinstance(after, Text)
        case _:
            return _closes(before) and _opens(after)


def _is_sign(items: Sequence[Node], at: int) -> bool:
    """Whether a plus or minus belongs to what follows it."""
    before = next((item for item in reversed(items[:at]) if not isinstance(item, Space)), None)
    return unary(None if before is None else role(before))


def _closes(node: Node) -> bool:
    if isinstance(node, Script):
        return _closes(node.base)
    return isinstance(node, Fence) or role(node) is Role.CLOSE


def _opens(node: Node) -> bool:
    if isinstance(node, Script):
        return _opens(node.base)
    return isinstance(node, Fence) or role(node) in {Role.OPEN, Role.BIG}


def _depths(items: Sequence[Node]) -> list[int]:
    """For every item, the brackets that are open before it. An even number of bars opens and closes alternately."""
    roles = [role(item) for item in items]
    bars = [at for at, found in enumerate(roles) if found is Role.BAR]
    for turn, at in enumerate(bars if len(bars) % 2 == 0 else []):
        roles[at] = Role.CLOSE if turn % 2 else Role.OPEN
    found, depth = [], 0
    for each in roles:
        depth = max(0, depth - (each is Role.CLOSE))
        found.append(depth)
        depth += each is Role.OPEN
    return found


def _statements(items: Sequence[Node]) -> set[int]:
    """Breaks after wide blanks, after semicolons, and after commas between two parts that both have a relation."""
    depths = _depths(items)
    found = {at + 1 for at, item in enumerate(items) if isinstance(item, Space) and item.columns >= _WIDE}
    ends = [
        at for at, item in enumerate(items) if isinstance(item, Atom) and item.text in _SEPARATORS and depths[at] == 0
    ]
    bounds = pairwise([-1, *ends, len(items)])
    related = [any(role(item) is Role.RELATION for item in items[start + 1 : end]) for start, end in bounds]
    for which, at in enumerate(ends):
        mark = items[at]
        if (isinstance(mark, Atom) and mark.text in ";；") or (related[which] and related[which + 1]):
            found.add(at + 1)
    return found


def _words(node: Node) -> list[Node]:
    """Upright text word by word, each with the blank that follows it."""
    if not isinstance(node, Text) or " " not in node.text.strip():
        return [node]
    words = node.text.replace(" ", " \n").split("\n")
    return [Text(word) for word in words if word]


def operand_first(items: Sequence[Node]) -> list[Node]:
    """The items of a continued line: an operator at their start is no sign of what follows it."""
    if len(items) > 1 and isinstance(items[0], Atom) and items[0].role is Role.BINARY:
        return [items[0], Space(), *items[1:]]
    return list(items)

r"""Side conditions behind an answer, and systems and cases behind a brace."""

from __future__ import annotations

import re

from qmath_cli.grading.strict.kinds import Both, Conditioned, Items, Piecewise, Shape, Words
from qmath_cli.grading.strict.reading.lists import Read, is_statement
from qmath_cli.mathematics.meaning.rows import flat, is_blank, is_relation, is_sign, trimmed
from qmath_cli.mathematics.meaning.terms import NotUnderstood
from qmath_cli.mathematics.tree import Atom, Fence, Node, Space, Text

_INTRODUCES = re.compile(
    r"(?i)^(?:where|for|if|when|with|whenever|provided(?: that)?|其中|当|若|如果|这里|此处)\b\s*(.*)$", re.DOTALL
)
_HAN = re.compile(r"^(其中|当|若|如果|这里)(.*)$", re.DOTALL)
_OTHERWISE = ("otherwise", "else", "其他", "其它", "否则")


def conditioned(items: list[Node], read: Read) -> Shape | None:
    r"""`2n-1 (n\in\mathbb{N}^*)` and `kx \text{ where } k \text{ is a constant}`; None without a condition."""
    for k, item in enumerate(items):
        if k and isinstance(item, Text) and (found := _introduced(item)) is not None:
            rest = [*([Text(found)] if found else []), *items[k + 1 :]]
            return Conditioned(read(_without_comma(items[:k])), (_condition(rest, read),))
    if len(items) > 1 and _is_condition(items[-1]):
        fence = items[-1]
        before = _without_comma(items[:-1])
        joined = bool(before) and (is_relation(before[-1]) or is_sign(before[-1], "∧", "∨"))
        if isinstance(fence, Fence) and before and not joined:
            return Conditioned(read(before), (read(flat(fence.body)),))
    return None


def _introduced(item: Text) -> str | None:
    text = item.text.strip()
    found = _INTRODUCES.match(text)
    if found:
        return found[1]
    han = _HAN.match(text)
    return han[2] if han else None


def _without_comma(items: list[Node]) -> list[Node]:
    found = trimmed(items)
    while found and is_sign(found[-1], ","):
        found = trimmed(found[:-1])
    return found


def _condition(items: list[Node], read: Read) -> Shape:
    """A condition; what is not understood of it stays words."""
    try:
        return read(trimmed(items))
    except NotUnderstood:
        return Words("condition")


def _is_condition(item: Node) -> bool:
    """Whether brackets hold a relation that restricts something."""
    if not isinstance(item, Fence) or item.left not in {"(", "["} or item.right not in {")", "]"}:
        return False
    inner = flat(item.body)
    return any(is_relation(one) and not is_sign(one, "∣") for one in inner)


# ---------------------------------------------------------------- behind a brace


def cases(rows: list[list[Node]], read: Read) -> Shape:
    """A system of statements, or a function defined piece by piece."""
    pieces = [_piece([flat(cell) for cell in row], read) for row in rows]
    if all(condition is None and is_statement(value) for value, condition in pieces):
        return Both(tuple(value for value, _ in pieces))
    if all(condition is None for _, condition in pieces):
        split = [_split(value) for value, _ in pieces]
        if any(condition is not None for _, condition in split):
            return Piecewise(tuple(split))
        return Items(tuple(value for value, _ in pieces))
    return Piecewise(tuple(pieces))


def _split(shape: Shape) -> tuple[Shape, Shape | None]:
    if isinstance(shape, Conditioned) and not is_statement(shape.shape):
        conditions = shape.conditions
        return shape.shape, conditions[0] if len(conditions) == 1 else Both(conditions)
    if isinstance(shape, Items) and not is_statement(shape.items[0]) and all(map(is_statement, shape.items[1:])):
        return shape.items[0], shape.items[1] if len(shape.items) == 2 else Both(shape.items[1:])
    return shape, None


def _piece(cells: list[list[Node]], read: Read) -> tuple[Shape, Shape | None]:
    """A row: a statement whose sides may be in several cells, or a value with its condition."""
    if len(cells) > 2 or any(cell and isinstance(cell[0], Atom) and is_relation(cell[0]) for cell in cells[1:]):
        return read([item for cell in cells for item in cell]), None
    if len(cells) == 1:
        return read(cells[0]), None
    return read(_without_comma(cells[0])), _case_condition(cells[1], read)


def _case_condition(items: list[Node], read: Read) -> Shape:
    items = [item for item in trimmed(items) if not isinstance(item, Space)]
    while items and isinstance(items[0], Text):
        text = items[0].text.strip()
        if any(word in text for word in _OTHERWISE):
            return Words("otherwise")
        rest = _introduced(items[0])
        if rest is None and not is_blank(items[0]):
            break
        items = [*([Text(rest)] if rest else []), *items[1:]]
    while items and isinstance(items[-1], Text) and (is_blank(items[-1]) or items[-1].text.strip() in {"时", "if"}):
        items = items[:-1]
    return read(items) if items else Words("otherwise")

"""The kind of an answer: its outermost signs decide.

Ambiguous texts get their usual meaning: `(1,2)` is a point unless it is compared with a set, `2, 3` is a list without
order, `24; 112` are the answers to two blanks, in order. `1,234` is a number; `read_all` also gives the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from qmath_cli.grading.strict.kinds import EMPTY, REALS, Blanks, Both, Items, NamedSet, Shape, Words
from qmath_cli.grading.strict.reading import (
    brackets,
    conditions,
    counting,
    leaves,
    lists,
    numbered,
    plus_minus,
    program_output,
    relations,
)
from qmath_cli.grading.strict.reading.thousands import joined
from qmath_cli.mathematics.meaning.rows import flat, is_blank, is_sign, split, trimmed
from qmath_cli.mathematics.meaning.terms import NotUnderstood
from qmath_cli.mathematics.tree import Atom, Grid, Node, Refused, Role, Table
from qmath_cli.mathematics.typed.reader import read as read_tree

_EMPTY_TEXT = re.compile(
    r"(?i)(?:\\text\{)?\s*(?:\\emptyset|\\varnothing|\\\{ ?\\\}|\{ ?\}"
    r"|no (?:real |such )?(?:solutions?|roots?|values?|numbers?)(?: exists?)?|none"
    r"|(?:方程|不等式)?无(?:实数)?(?:解|根)|(?:没有|不存在)(?:实数)?(?:解|根)|空集|EmptySet)\s*\}?"
)
_REALS_TEXT = re.compile(
    r"(?i)(?:\\text\{)?\s*(?:(?:all|any|the set of (?:all )?) ?reals?(?: numbers?)?"
    r"|(?:全体|一切|所有|任意)?实数集?|Reals)\s*\}?"
)


_INTEGERS_TEXT = re.compile(r"(?i)(?:\\text\{)?\s*(?:(?:all|any|the) integers?|(?:全体|一切|所有)?整数集?)\s*\}?")
_MARKS = frozenset({r"\sqrt", r"\times", r"\checkmark", "✓", "✗", "√", "×"})


def read_all(text: str) -> list[Shape]:
    """The shapes that a cleaned text may have, the usual one first.

    Raises:
        NotUnderstood: It has none; the message names the piece.
    """
    fixed = _fixed(text)
    if fixed is not None:
        return [fixed]
    try:
        node = read_tree(text)
    except Refused as exc:
        raise NotUnderstood(str(exc)) from exc
    items = flat(node)
    usual, other = joined(items), items
    found = [shape(usual)]
    if usual != other:
        found.append(shape(other))
    return found


def _fixed(text: str) -> Shape | None:
    """Answers that are words with one meaning, and number words."""
    if not text:
        return Words("")
    if _EMPTY_TEXT.fullmatch(text):
        return EMPTY
    if _REALS_TEXT.fullmatch(text):
        return REALS
    if _INTEGERS_TEXT.fullmatch(text):
        return NamedSet("ℤ")
    if text in _MARKS:
        return Words(text)
    return counting.in_words(text)


def shape(items: Sequence[Node]) -> Shape:
    """The shape of a row whose brackets are paired. Raises `NotUnderstood`."""
    items = _trimmed(items)
    if not items:
        return Words("")
    for take in _KINDS:
        found = take(items, shape)
        if found is not None:
            return found
    return leaves.leaf(items)


def _trimmed(items: Sequence[Node]) -> list[Node]:
    """The items without blanks and punctuation at the ends, and without an equals sign in front."""
    found = trimmed(items)
    while found and is_sign(found[-1], ",", ";", ".", ":"):
        found = trimmed(found[:-1])
    while found and is_sign(found[0], ",", ";", ":", "=", "⇒", "∴", "⟹", "→"):
        found = trimmed(found[1:])
    return found


def _blanks(items: list[Node], read: lists.Read) -> Shape | None:
    """`24; 112`, and `(1) 24 (2) 112`."""
    marked = numbered.numbered(items)
    if marked is not None:
        return Blanks(tuple(read(part) for part in marked))
    parts, separators = split(items, lambda node: is_sign(node, ";"))
    parts = numbered.without_numbers([trimmed(part) for part in parts if trimmed(part)])
    if len(parts) < 2 or not separators:
        return None
    return Blanks(tuple(read(part) for part in parts))


def _rows(items: list[Node], read: lists.Read) -> Shape | None:
    r"""Lines: a system or cases behind a brace, equations below each other, a set of answers."""
    table = items[0]
    if len(items) != 1 or not isinstance(table, Table) or table.kind is Grid.MATRIX:
        return None
    rows = [[cell for cell in row if not is_blank(cell)] for row in table.rows]
    rows = [row for row in rows if row]
    if not rows:
        return None
    if table.left in {"{", ""} and not table.right and (table.kind is Grid.CASES or table.left == "{"):
        return conditions.cases(rows, read)
    if table.kind in {Grid.ALIGNED, Grid.LINES} and not table.left:
        return _lines([[item for cell in row for item in flat(cell)] for row in rows], read)
    return None


def _lines(rows: list[list[Node]], read: lists.Read) -> Shape | None:
    """Lines below each other: a chain of equations goes on with its sign; other lines hold together."""
    others = rows[1:]
    if others and all(isinstance(row[0], Atom) and row[0].role is Role.RELATION for row in others):
        return read([item for row in rows for item in row])
    parts = [read(row) for row in rows]
    statements = all(lists.is_statement(part) for part in parts)
    return (Both(tuple(parts)) if statements else Items(tuple(parts))) if others else parts[0]


#: The kinds in the order in which they are tried.
_KINDS: tuple[Callable[[list[Node], lists.Read], Shape | None], ...] = (
    _rows,
    program_output.printed,
    _blanks,
    conditions.conditioned,
    lists.listed,
    plus_minus.both_signs,
    brackets.region,
    relations.related,
    brackets.bracketed,
    relations.ratio,
)

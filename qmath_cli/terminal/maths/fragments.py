"""Fragments of a line: how tightly each one binds, and where parentheses are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from qmath_cli.mathematics.tree import Atom, Node, Refused, Role, Row
from qmath_cli.terminal.maths.spacing import FACTORS

_LOOSE_ROLES = frozenset(
    {Role.BINARY, Role.RELATION, Role.PUNCTUATION, Role.FUNCTION, Role.BIG, Role.SPACE, Role.SLASH, Role.BAR}
)
_SYMBOLS = frozenset({Role.ORDINARY, Role.NUMBER})
_OF_A_NUMBER = frozenset({"%", "‰", "°", " deg"})
_DIVISIONS = frozenset({"÷", "/", ":", "mod"})


class Binding(IntEnum):
    """How tightly a fragment binds."""

    LOOSE = 0  # a sum, a relation, a list: anything with blanks in it
    FRACTION = 1
    PRODUCT = 2  # 2x, n!
    SINGLE = 3  # x, 12, (a + b), x²


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a line, with the roles that decide the spacing on its left and on its right."""

    text: str
    left: Role
    right: Role
    binding: Binding = Binding.SINGLE
    number: bool = False  # a whole number, or a fraction of such
    before_factor: str = ""  # the text to use if a factor follows directly
    ends_in_script: bool = False  # a number must not follow directly
    starts_in_index: bool = False  # nothing must stand directly before


def text_between(fragments: Sequence[Fragment], at: int) -> str:
    """The text of fragment number `at`, in parentheses if its neighbours would change its reading."""
    fragment = fragments[at]
    before, after = _neighbour(fragments[:at][::-1]), _neighbour(fragments[at + 1 :])
    touched = after is not None and after.left in FACTORS - {Role.CLOSE}
    if fragment.binding is not Binding.FRACTION:
        beside_root = after is not None and after.text[:1] == fragment.text[:1]  # √2√3 needs no parentheses
        return fragment.before_factor if touched and fragment.before_factor and not beside_root else fragment.text
    if before is not None and before.number and fragment.number and before is fragments[at - 1]:
        if touched and not (after is not None and after.text in _OF_A_NUMBER):
            raise Refused("a mixed number times something")
        return fragment.text
    opened = {Role.OPEN, Role.BIG}
    touched |= before is not None and before.right in FACTORS - opened and not before.text.startswith("lim")
    touched |= before is not None and (before.right is Role.SLASH or before.text in _DIVISIONS)
    touched |= after is not None and after.left in {Role.SLASH, Role.POSTFIX}
    return f"({fragment.text})" if touched else fragment.text


def has_word(before: Fragment, fragment: Fragment) -> bool:
    """Whether one of two neighbours is a word, so that a blank must separate them."""
    return any(len(each.text) > 1 and not each.number for each in (before, fragment))


def flat(node: Node) -> tuple[Node, ...]:
    """The items of a row, nested rows expanded: braces alone draw nothing."""
    if not isinstance(node, Row):
        return (node,)
    return tuple(inner for item in node.items for inner in flat(item))


def words(text: str) -> Fragment:
    """Upright text as a fragment; blanks at its ends count as explicit space."""
    left = Role.SPACE if text[:1].isspace() else Role.ORDINARY
    right = Role.SPACE if text[-1:].isspace() else Role.ORDINARY
    return Fragment(text, left, right, Binding.LOOSE if " " in text.strip() else Binding.SINGLE)


def _neighbour(fragments: Sequence[Fragment]) -> Fragment | None:
    """The nearest fragment that is not blank: a blank does not separate factors."""
    return next((fragment for fragment in fragments if fragment.text.strip()), None)


def paired(fragments: list[Fragment]) -> list[Fragment]:
    """Give bars their roles: an even number opens and closes alternately, otherwise they separate, as in P(A|B)."""
    bars = [at for at, fragment in enumerate(fragments) if Role.BAR in {fragment.left, fragment.right}]
    if len(bars) % 2:
        return fragments
    found = list(fragments)
    for turn, at in enumerate(bars):
        role = Role.CLOSE if turn % 2 else Role.OPEN
        found[at] = replace(fragments[at], left=role, right=role)
    return found


def plain(node: Node) -> bool:
    """Whether a script is a plain string of signs, so that small characters are unambiguous."""
    items = flat(node)
    roles = {item.role for item in items if isinstance(item, Atom)}
    return all(isinstance(item, Atom) for item in items) and not roles & {Role.FUNCTION, Role.BIG}


def binding_of(fragments: Sequence[Fragment]) -> Binding:
    """How tightly a row binds; the content of its brackets does not matter."""
    if _one_group(fragments):
        return Binding.SINGLE
    depth, outside = 0, []
    for one in fragments:
        closes = one.left is one.right is Role.CLOSE
        depth += (one.left is Role.OPEN and one.right is not Role.CLOSE) - closes
        outside += [one] if depth == 0 and not closes else []
    roles = {role for one in outside for role in (one.left, one.right)}
    if depth or roles & _LOOSE_ROLES or any(one.binding < Binding.PRODUCT for one in outside if one.left in _SYMBOLS):
        return Binding.LOOSE
    return Binding.PRODUCT


def _one_group(fragments: Sequence[Fragment]) -> bool:
    """Whether one pair of brackets spans the row."""
    depth = 0
    for at, one in enumerate(fragments):
        single = one.left is Role.OPEN and one.right is Role.CLOSE  # a fence: both brackets in one fragment
        depth += 0 if single else (one.left is Role.OPEN) - (one.left is one.right is Role.CLOSE)
        if depth == 0 and at < len(fragments) - 1:
            return False
    return depth == 0 and fragments[0].left is Role.OPEN and fragments[-1].right is Role.CLOSE

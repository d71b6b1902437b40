"""Pieces of a line: how tightly each holds together, and where parentheses have to go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from qmath_cli.mathematics.tree import Atom, Node, Refused, Role, Row
from qmath_cli.terminal.maths.spacing import FACTORS

_LOOSENING = frozenset(
    {Role.BINARY, Role.RELATION, Role.PUNCTUATION, Role.FUNCTION, Role.BIG, Role.SPACE, Role.SLASH, Role.BAR}
)
_MATTER = frozenset({Role.ORDINARY, Role.NUMBER})
_DIVISIONS = frozenset({"÷", "/", ":", "mod"})


class Binding(IntEnum):
    """How tightly a piece holds together."""

    LOOSE = 0  # a sum, a relation, a list: anything with blanks in it
    FRACTION = 1
    PRODUCT = 2  # 2x, n!
    SINGLE = 3  # x, 12, (a + b), x²


@dataclass(frozen=True, slots=True)
class Bit:
    """A piece of line, and how it behaves beside others on its left and on its right."""

    text: str
    left: Role
    right: Role
    hold: Binding = Binding.SINGLE
    number: bool = False  # a whole number, or a fraction of such
    before_factor: str = ""  # what to write instead where a factor follows directly
    raised: bool = False  # ends in a script: a number must not follow directly


def in_company(bits: Sequence[Bit], at: int) -> str:
    """A bit's text between its neighbours: in parentheses where it would be read differently without."""
    bit = bits[at]
    before, after = _neighbour(bits[:at][::-1]), _neighbour(bits[at + 1 :])
    touched = after is not None and after.left in FACTORS - {Role.CLOSE}
    if bit.hold is not Binding.FRACTION:
        beside_root = after is not None and after.text[:1] == bit.text[:1]  # √2√3 needs no help
        return bit.before_factor if touched and bit.before_factor and not beside_root else bit.text
    if before is not None and before.number and bit.number and before is bits[at - 1]:
        if touched:
            raise Refused("a mixed number times something")
        return bit.text
    opened = {Role.OPEN, Role.BIG}
    touched |= before is not None and before.right in FACTORS - opened and not before.text.startswith("lim")
    touched |= before is not None and (before.right is Role.SLASH or before.text in _DIVISIONS)
    touched |= after is not None and after.left in {Role.SLASH, Role.POSTFIX}
    return f"({bit.text})" if touched else bit.text


def worded(before: Bit, bit: Bit) -> bool:
    """Whether either neighbour is a word, which must not grow together with what stands beside it."""
    return any(len(each.text) > 1 and not each.number for each in (before, bit))


def flat(node: Node) -> tuple[Node, ...]:
    """The things in a row, with rows inside rows opened: braces alone do not show."""
    if not isinstance(node, Row):
        return (node,)
    return tuple(inner for item in node.items for inner in flat(item))


def words(text: str) -> Bit:
    """Text as a bit; blanks at its ends are its own."""
    left = Role.SPACE if text[:1].isspace() else Role.ORDINARY
    right = Role.SPACE if text[-1:].isspace() else Role.ORDINARY
    return Bit(text, left, right, Binding.LOOSE if " " in text.strip() else Binding.SINGLE)


def _neighbour(bits: Sequence[Bit]) -> Bit | None:
    """The nearest bit that is not mere space: a blank does not separate factors."""
    return next((bit for bit in bits if bit.text.strip()), None)


def paired(bits: list[Bit]) -> list[Bit]:
    """Bars that come in pairs open and close by turns; a lone one stands between, as in P(A|B)."""
    bars = [at for at, bit in enumerate(bits) if Role.BAR in {bit.left, bit.right}]
    if len(bars) % 2:
        return bits
    found = list(bits)
    for turn, at in enumerate(bars):
        role = Role.CLOSE if turn % 2 else Role.OPEN
        found[at] = replace(bits[at], left=role, right=role)
    return found


def plain(node: Node) -> bool:
    """Whether a script is a mere string of signs, so that its small characters cannot be read otherwise."""
    items = flat(node)
    roles = {item.role for item in items if isinstance(item, Atom)}
    return all(isinstance(item, Atom) for item in items) and not roles & {Role.FUNCTION, Role.BIG}


def hold_of(bits: Sequence[Bit]) -> Binding:
    """How tightly a row holds together; what is inside its brackets does not matter."""
    if _one_group(bits):
        return Binding.SINGLE
    depth, outside = 0, []
    for bit in bits:
        closes = bit.right is Role.CLOSE and bit.left is Role.CLOSE
        depth += (bit.left is Role.OPEN and bit.right is not Role.CLOSE) - closes
        outside += [bit] if depth == 0 and not closes else []
    roles = {role for bit in outside for role in (bit.left, bit.right)}
    if depth or roles & _LOOSENING or any(bit.hold < Binding.PRODUCT for bit in outside if bit.left in _MATTER):
        return Binding.LOOSE
    return Binding.PRODUCT


def _one_group(bits: Sequence[Bit]) -> bool:
    """Whether one pair of brackets spans the row."""
    depth = 0
    for at, bit in enumerate(bits):
        single = bit.left is Role.OPEN and bit.right is Role.CLOSE  # a fence is closed in itself
        depth += 0 if single else (bit.left is Role.OPEN) - (bit.right is Role.CLOSE and bit.left is Role.CLOSE)
        if depth == 0 and at < len(bits) - 1:
            return False
    return depth == 0 and bits[0].left is Role.OPEN and bits[-1].right is Role.CLOSE

"""Comparing several statements: systems, and the values of several names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qmath_cli.grading.strict.kinds import (
    Blanks,
    Both,
    Bracketed,
    Either,
    Items,
    Named,
    Shape,
)
from qmath_cli.grading.strict.matching import in_order, one_to_one

if TYPE_CHECKING:
    from qmath_cli.grading.strict.comparison import Comparer

_COORDINATES = frozenset("xyz")


def same_statements(comparison: Comparer, a: Shape, b: Shape) -> bool:
    """Systems statement by statement; the values of names as a point or list."""
    if isinstance(a, (Both, Either)) and isinstance(b, (Both, Either)):
        return isinstance(a, Both) is isinstance(b, Both) and _same_parts(comparison, a.parts, b.parts)
    several, other = (a, b) if isinstance(a, (Both, Either)) else (b, a)
    if isinstance(other, Named):
        other = _assigned(other)
        if isinstance(other, Both) and isinstance(several, Both):
            return _same_parts(comparison, several.parts, other.parts)
    values = _values(several) if isinstance(several, (Both, Either)) else None
    if values is None:
        return False
    orders = _orders(values) if isinstance(other, Bracketed) and other.opening == "(" else iter([values])
    items = other.items if isinstance(other, (Bracketed, Items, Blanks)) and not getattr(other, "braces", False) else ()
    if not items:
        return False
    return any(in_order([one.value for one in order], items, comparison.same) for order in orders)


def _same_parts(comparison: Comparer, left: tuple[Shape, ...], right: tuple[Shape, ...]) -> bool:
    """The parts in any order; where both sides only name values, name by name."""
    if all(isinstance(one, Named) for one in (*left, *right)):
        named = [{one.name: one for one in side if isinstance(one, Named)} for side in (left, right)]
        if set(named[0]) == set(named[1]):
            return in_order(list(named[0].values()), [named[1][name] for name in named[0]], comparison.same)
    return one_to_one(left, right, comparison.same)


def _assigned(named: Named) -> Shape:
    """`(x, y) = (1, 2)` as the values of x and y."""
    names = named.name.split(",")
    if len(names) < 2 or not isinstance(named.value, Bracketed) or len(named.value.items) != len(names):
        return named
    return Both(tuple(Named(name, value) for name, value in zip(names, named.value.items, strict=True)))


def _values(several: Both | Either) -> list[Named] | None:
    named = [one for one in several.parts if isinstance(one, Named)]
    return named if len(named) == len(several.parts) and isinstance(several, Both) else None


def _orders(values: list[Named]) -> Iterator[list[Named]]:
    """The orders in which named values are the coordinates of a point: as written, and x before y before z."""
    names = [one.name for one in values]
    ordered = sorted(values, key=lambda one: one.name)
    if set(names) <= _COORDINATES:
        return iter([ordered])
    return iter([values])

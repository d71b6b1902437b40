"""Comparing functions defined piece by piece, and remainders."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from qmath_cli.grading.strict.kinds import (
    Congruence,
    Named,
    Piecewise,
    Shape,
    Value,
    Words,
)
from qmath_cli.mathematics.meaning.terms import (
    NotUnderstood,
    Term,
)
from qmath_cli.mathematics.meaning.values import Evaluator

if TYPE_CHECKING:
    from qmath_cli.grading.strict.comparison import Comparer


def same_pieces(comparison: Comparer, a: Shape, b: Shape) -> bool:
    """Functions defined piece by piece: the same values under the same conditions, in any order."""
    left, right = (_inner(one) for one in (a, b))
    if not isinstance(left, Piecewise) or not isinstance(right, Piecewise) or len(left.pieces) != len(right.pieces):
        return False
    return _matched_pieces(comparison, left.pieces, right.pieces)


def _matched_pieces(
    comparison: Comparer, left: tuple[tuple[Shape, Shape | None], ...], right: tuple[tuple[Shape, Shape | None], ...]
) -> bool:
    """Every piece with the one under the same condition; what is left on both sides are the other cases."""
    rest = list(right)
    others = []
    for value, condition in left:
        found = next((one for one in rest if _same_condition(comparison, condition, one[1])), None)
        if found is None:
            others.append((value, condition))
        elif not comparison.same(value, found[0]):
            return False
        else:
            rest.remove(found)
    if len(others) > 1 or not all(
        _is_otherwise(a) or _is_otherwise(b) for (_, a), (_, b) in zip(others, rest, strict=True)
    ):
        return False
    return all(comparison.same(a, b) for (a, _), (b, _) in zip(others, rest, strict=True))


def _is_otherwise(condition: Shape | None) -> bool:
    return condition is None or isinstance(condition, Words)


def _same_condition(comparison: Comparer, one: Shape | None, other: Shape | None) -> bool:
    if one is None or other is None or _is_otherwise(one) or _is_otherwise(other):
        return _is_otherwise(one) and _is_otherwise(other)
    return comparison.same(one, other)


def _inner(shape: Shape) -> Shape:
    return shape.value if isinstance(shape, Named) else shape


def same_residues(comparison: Comparer, a: Shape, b: Shape) -> bool:
    r"""`x \equiv 3 \pmod 7` and `x \equiv 10 \pmod 7`; `42 \pmod{100}` for 42."""
    if isinstance(a, Congruence) and isinstance(b, Congruence):
        lefts = a.left is None or b.left is None or comparison.equal(a.left, b.left)
        return lefts and comparison.equal(a.modulus, b.modulus) and _congruent(a.value, b.value, b.modulus)
    residue, other = (a, b) if isinstance(a, Congruence) else (b, a)
    if not isinstance(residue, Congruence) or not isinstance(other, Value):
        return False
    return comparison.equal(residue.value, other.term) or _congruent(residue.value, other.term, residue.modulus)


def _congruent(left: Term, right: Term, modulus: Term) -> bool:
    import mpmath

    try:
        values = [Evaluator(mpmath.mp).value(one) for one in (left, right, modulus)]
    except NotUnderstood:
        return False
    if not all(isinstance(one, Fraction) and one.denominator == 1 for one in values) or values[2] == 0:
        return False
    return bool((values[0] - values[1]) % values[2] == 0)

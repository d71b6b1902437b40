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
    rest = list(right.pieces)
    for value, condition in left.pieces:
        found = next((one for one in rest if _same_piece(comparison, (value, condition), one)), None)
        if found is None:
            return False
        rest.remove(found)
    return True


def _inner(shape: Shape) -> Shape:
    return shape.value if isinstance(shape, Named) else shape


def _same_piece(comparison: Comparer, one: tuple[Shape, Shape | None], other: tuple[Shape, Shape | None]) -> bool:
    if not comparison.same(one[0], other[0]):
        return False
    conditions = one[1], other[1]
    if any(condition is None or isinstance(condition, Words) for condition in conditions):
        return True
    return comparison.same(conditions[0] or Words(""), conditions[1] or Words(""))


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

"""Whether two terms are equal, and whether one rounds to the other.

Numbers: rationals are compared as integers. Other constants differ if intervals of growing precision prove it, and are
equal if sympy proves that their difference is zero; where neither is proved the question is undecided, however many
digits agree. Expressions with variables are compared at points (`points`).

May take any time: call it in a process that can be killed.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from qmath_cli.mathematics.meaning import points
from qmath_cli.mathematics.meaning.terms import (
    Bound,
    Constant,
    Matrix,
    NotUnderstood,
    Number,
    Product,
    Term,
    difference,
    symbols,
    walk,
)
from qmath_cli.mathematics.meaning.values import Evaluator

_DIGITS = 40
_PRECISIONS = (80, 320, 1280, 5120)  # bits of the intervals


class Undecided(Exception):
    """Two numbers that could be neither proved equal nor proved different; the message says why."""


def equal(left: Term, right: Term, integers: frozenset[str] = frozenset()) -> bool:
    """Whether two terms are equal.

    Args:
        left: A term.
        right: Another one.
        integers: The variables that are integers.

    Raises:
        Undecided: Neither equality nor difference could be proved.
        NotUnderstood: A term has no value that can be computed.
    """
    if left == right:
        return True
    if isinstance(left, Matrix) or isinstance(right, Matrix):
        return _equal_grids(left, right, integers)
    left, right = worked_out(left), worked_out(right)
    if endless(left) or endless(right):
        return endless(left) == endless(right)
    names = symbols(left) | symbols(right)
    return points.equal(left, right, integers) if names else _equal_numbers(left, right)


def worked_out(term: Term) -> Term:
    """The term without integrals, limits and derivatives, and without sums that are not finite."""
    if not any(isinstance(one, Bound) and not _is_finite(one) for one in walk(term)):
        return term
    from qmath_cli.mathematics.meaning.algebra import resolved

    return resolved(term)


def _is_finite(term: Bound) -> bool:
    """Whether a sum or product has bounds between which it can be added up."""
    return term.operator in {"sum", "product"} and not any(Constant.INFINITY in walk(limit) for limit in term.limits)


def endless(term: Term) -> int:
    """1 for infinity, -1 for minus infinity, 0 for any other term."""
    match term:
        case Constant.INFINITY:
            return 1
        case Product(factors=(Number(value=value), Constant.INFINITY)):
            return 1 if value > 0 else -1
    return 0


def _equal_grids(left: Term, right: Term, integers: frozenset[str]) -> bool:
    if not isinstance(left, Matrix) or not isinstance(right, Matrix):
        return False
    sizes = [(len(one.rows), len(one.rows[0])) for one in (left, right)]
    entries = [[entry for row in one.rows for entry in row] for one in (left, right)]
    return sizes[0] == sizes[1] and all(equal(a, b, integers) for a, b in zip(*entries, strict=True))


# ---------------------------------------------------------------- numbers


def _equal_numbers(left: Term, right: Term) -> bool:
    import mpmath

    with mpmath.workdps(_DIGITS):
        here = Evaluator(mpmath.mp)
        a, b = here.value(left), here.value(right)
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return a == b
        near = _near(here.real(a), here.real(b), 10 ** (15 - _DIGITS))
    apart = difference(left, right)
    if not near:
        return not _proved_different(apart, _PRECISIONS[:2])
    if _proved_different(apart, _PRECISIONS[:2]):
        return False
    return _proved_zero(apart, f"{_DIGITS - 15}")


def _proved_zero(apart: Term, digits: str) -> bool:
    from qmath_cli.mathematics.meaning.zero import is_zero

    proof = is_zero(apart)
    if proof is not None:
        return proof
    if _proved_different(apart, _PRECISIONS[2:]):
        return False
    raise Undecided(
        f"the two numbers agree in more than {digits} digits, and neither equality nor difference is proved"
    )


def _proved_different(apart: Term, precisions: tuple[int, ...]) -> bool:
    """Whether intervals show that a real constant is not zero; where there are no intervals, rounded values."""
    import mpmath

    for precision in precisions:
        before = mpmath.iv.prec
        mpmath.iv.prec = precision
        try:
            found = Evaluator(mpmath.iv).value(apart)
        except NotUnderstood:
            return _far_from_zero(apart, precision)
        finally:
            mpmath.iv.prec = before
        if isinstance(found, Fraction):
            return found != 0
        if 0 not in found:
            return True
    return False


def _far_from_zero(apart: Term, precision: int) -> bool:
    """Whether values with two precisions agree that a constant (complex, or of other functions) is not zero."""
    import mpmath

    sizes = []
    for bits in (precision, 2 * precision):
        with mpmath.workprec(bits):
            here = Evaluator(mpmath.mp)
            sizes.append(abs(here.real(here.value(apart))))
    smallest = min(sizes)
    return bool(smallest > mpmath.mpf(2) ** (-precision // 2) and abs(sizes[0] - sizes[1]) < smallest / 1000)


def _near(a: Any, b: Any, tolerance: float) -> bool:  # noqa: ANN401
    return bool(abs(a - b) <= (abs(a) + abs(b)) * tolerance)


def rounds_to(exact: Term, rounded: Fraction, unit: Fraction) -> bool:
    """Whether a constant rounds to a number.

    Args:
        exact: The constant.
        rounded: The number.
        unit: One in the last digit of the number.

    Raises:
        NotUnderstood: The constant has no value.
    """
    import mpmath

    if symbols(exact) or endless(exact):
        return False
    with mpmath.workdps(_DIGITS + max(0, len(str(unit.denominator)))):
        here = Evaluator(mpmath.mp)
        apart = abs(here.real(here.value(worked_out(exact))) - here.real(rounded))
        return bool(apart <= here.real(unit) * mpmath.mpf("0.5000001"))

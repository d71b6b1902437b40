"""Whether two terms are equal, and whether one rounds to the other.

Numbers: rationals are compared as integers. Other constants differ if intervals of growing precision prove it, and are
equal if sympy proves that their difference is zero; where neither is proved the question is undecided, however many
digits agree. Expressions with variables are compared at several points, exactly where the values are rational, and to
20 digits elsewhere; equal values at all of them count as equal expressions, which is no proof. Points where a side is
not real count only if there are no others.

May take any time: call it in a process that can be killed.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from qmath_cli.mathematics.meaning.terms import (
    Apply,
    Bound,
    Constant,
    Matrix,
    NotUnderstood,
    Number,
    Power,
    Product,
    Term,
    difference,
    symbols,
    walk,
)
from qmath_cli.mathematics.meaning.values import Evaluator

#: Values of the variables: fractions without common factors, so that special values are avoided.
_POINTS = tuple(Fraction(one) for one in ("7/11", "-3/5", "23/9", "-31/13", "41/7", "-53/10", "97/8"))
_WHOLE = (5, 3, 8, 4, 11, 7, 6)
_DIGITS = 40
_PRECISIONS = (80, 320, 1280, 5120)  # bits of the intervals
_INTEGER_FUNCTIONS = {"factorial", "double factorial", "binomial", "permutations", "gcd", "lcm", "mod"}


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
    return equal_at_points(left, right, integers) if names else _equal_numbers(left, right)


def worked_out(term: Term) -> Term:
    """The term without integrals, limits and derivatives, and without sums that are not finite."""
    if not any(isinstance(one, Bound) for one in walk(term)):
        return term
    from qmath_cli.mathematics.meaning.algebra import resolved

    return resolved(term)


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
    from qmath_cli.mathematics.meaning.algebra import is_zero

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


# ---------------------------------------------------------------- expressions with variables


def equal_at_points(left: Term, right: Term, integers: frozenset[str] = frozenset()) -> bool:
    """Whether two expressions have equal values at several points. Raises `NotUnderstood` where they have none."""
    pairs = point_values(left, right, integers)
    return all(_same_value(a, b) for a, b in pairs)


def point_values(left: Term, right: Term, integers: frozenset[str] = frozenset()) -> list[tuple[Any, Any]]:
    """The values of two terms at points: the real ones, or all if none is real.

    Raises:
        NotUnderstood: There is no point at which both have a value.
    """
    import mpmath

    names = sorted(symbols(left) | symbols(right))
    whole = _whole_variables(left) | _whole_variables(right) | integers
    real: list[tuple[Any, Any]] = []
    others: list[tuple[Any, Any]] = []
    reason = "no value at any point"
    with mpmath.workdps(_DIGITS):
        for shift in range(len(_POINTS)):
            here = Evaluator(mpmath.mp, _environment(names, whole, shift))
            try:
                pair = here.value(left), here.value(right)
            except NotUnderstood as exc:
                reason = str(exc)
                continue
            if all(_is_finite(one) for one in pair):
                (real if all(_is_real(one) for one in pair) else others).append(pair)
    if not real and not others:
        raise NotUnderstood(reason)
    return real or others


def _environment(names: list[str], whole: frozenset[str], shift: int) -> dict[str, Fraction]:
    count = len(_POINTS)
    return {
        name: Fraction(_WHOLE[(shift + 3 * k) % count] + k) if name in whole else _POINTS[(shift + 3 * k) % count] + k
        for k, name in enumerate(names)
    }


def _whole_variables(term: Term) -> frozenset[str]:
    """The variables that must be integers for the term to have its usual meaning."""
    found = frozenset[str]()
    for one in walk(term):
        match one:
            case Apply(function=function) if function in _INTEGER_FUNCTIONS:
                found |= symbols(one)
            case Power(base=Number(value=value), exponent=exponent) if value < 0:
                found |= symbols(exponent)
            case Bound(operator="sum" | "product", limits=limits):
                found |= frozenset[str]().union(*(symbols(limit) for limit in limits))
    return found


def _is_finite(value: Any) -> bool:  # noqa: ANN401
    import mpmath

    return isinstance(value, Fraction) or bool(mpmath.isfinite(value))


def _is_real(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, Fraction) or not value.imag or abs(value.imag) < abs(value) * 10 ** (10 - _DIGITS)


def _same_value(a: Any, b: Any) -> bool:  # noqa: ANN401
    import mpmath

    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a == b
    with mpmath.workdps(_DIGITS):
        here = Evaluator(mpmath.mp)
        x, y = here.real(a), here.real(b)
        return bool(abs(x - y) <= (abs(x) + abs(y) + mpmath.mpf("1e-12")) * mpmath.mpf(10) ** (18 - _DIGITS))


def proportional(left: Term, right: Term, *, positive: bool, integers: frozenset[str] = frozenset()) -> bool:
    """Whether left = c * right for one constant c other than 0 (above 0, if `positive`)."""
    import mpmath

    ratios = []
    with mpmath.workdps(_DIGITS):
        here = Evaluator(mpmath.mp)
        for a, b in point_values(left, right, integers):
            if (a == 0) is not (b == 0):
                return False
            if b != 0:
                ratios.append(
                    here.real(a) / here.real(b) if not isinstance(a, Fraction) or not isinstance(b, Fraction) else a / b
                )
    if not ratios:
        return True
    return all(_same_value(one, ratios[0]) for one in ratios[1:]) and (not positive or ratios[0].real > 0)

"""Comparing expressions with variables by their values at points.

The points are fractions without common factors, small and large, so that special values and one side of a kink are not
all that is seen; variables of factorials, remainders and the like are whole numbers, those inside a floor are both.
Values are real numbers: where a root or logarithm of a negative number occurs a side has no value, unless the
imaginary unit is in the terms. A point where only one side has a value is a difference only if absolute values make it.

Equal values at all points count as equality; it is no proof.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from qmath_cli.mathematics.meaning.terms import (
    Apply,
    Bound,
    Constant,
    NotUnderstood,
    Number,
    Power,
    Term,
    symbols,
    walk,
)
from qmath_cli.mathematics.meaning.values import Evaluator

_NEAR = tuple(Fraction(one) for one in ("7/11", "-3/5", "23/9", "-31/13", "41/7", "-53/10", "97/8"))
_FAR = tuple(Fraction(one) for one in ("1013/9", "-1457/13", "10007/3"))
_WHOLE_NEAR = (5, 3, 8, 4, 11, 7, 6)
_WHOLE_FAR = (29, 106, 211)
_DIGITS = 40
_MANY_DIGITS = 4000  # where a far point seems to differ, cancellation is ruled out
_WHOLE_FUNCTIONS = {"factorial", "double factorial", "binomial", "permutations", "gcd", "lcm", "mod"}
_STEPS = {"floor", "ceil"}
_COUNTERS = frozenset("nmk")

Pair = tuple[Any, Any]


def equal(left: Term, right: Term, integers: frozenset[str] = frozenset()) -> bool:
    """Whether two expressions have equal values at the points.

    Args:
        left: A term with variables.
        right: Another one.
        integers: The variables that are integers.

    Raises:
        NotUnderstood: There is no point at which both have a value.
    """
    found = False
    reason = ""
    for environment, far in _environments(left, right, integers):
        pair, reason_here = _values(left, right, environment, _DIGITS)
        if pair is None:
            if reason_here == _ONE_SIDED and _has_absolute(left) is not _has_absolute(right):
                return False
            reason = reason or reason_here
            continue
        if not same_value(*pair):
            again = _values(left, right, environment, _MANY_DIGITS)[0] if far else pair
            if again is None or not same_value(*again):
                return False
        found = True
    if not found:
        raise NotUnderstood(reason or "no value at any point")
    return True


def pairs(left: Term, right: Term, integers: frozenset[str] = frozenset()) -> list[Pair]:
    """The values of two terms at the near points where both have one. Raises `NotUnderstood` where there is none."""
    found = []
    reason = "no value at any point"
    for environment, far in _environments(left, right, integers):
        pair, why = (None, "") if far else _values(left, right, environment, _DIGITS)
        if pair is not None:
            found.append(pair)
        reason = why or reason
    if not found:
        raise NotUnderstood(reason)
    return found


def same_value(a: Any, b: Any) -> bool:  # noqa: ANN401
    """Whether two values are equal: rational ones exactly, others to 20 digits."""
    import mpmath

    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a == b
    with mpmath.workdps(_DIGITS):
        here = Evaluator(mpmath.mp)
        x, y = here.real(a), here.real(b)
        return bool(abs(x - y) <= (abs(x) + abs(y) + mpmath.mpf("1e-12")) * mpmath.mpf(10) ** (18 - _DIGITS))


# ---------------------------------------------------------------- points

_ONE_SIDED = "a value on one side only"


def _environments(left: Term, right: Term, integers: frozenset[str]) -> list[tuple[dict[str, Fraction], bool]]:
    """The points, and whether each is a far one."""
    names = sorted(symbols(left) | symbols(right))
    whole = _whole_variables(left) | _whole_variables(right) | integers
    stepped = _stepped_variables(left) | _stepped_variables(right)
    whole |= stepped & _COUNTERS
    count = len(_NEAR) + len(_FAR)
    found = [(_environment(names, whole, shift), shift >= len(_NEAR)) for shift in range(count)]
    positive = [{name: abs(value) for name, value in found[shift][0].items()} for shift in range(2)]
    found += [(environment, False) for environment in positive]
    if stepped - whole:
        found += [(_environment(names, whole | stepped, shift), shift >= len(_NEAR)) for shift in range(count)]
    return found


def _environment(names: list[str], whole: frozenset[str], shift: int) -> dict[str, Fraction]:
    near = shift < len(_NEAR)
    fractions, integers = (_NEAR, _WHOLE_NEAR) if near else (_FAR, _WHOLE_FAR)
    at = shift if near else shift - len(_NEAR)
    return {
        name: Fraction(integers[(at + (3 if near else 2) * k) % len(integers)] + k)
        if name in whole
        else fractions[(at + (3 if near else 2) * k) % len(fractions)] + (k if near else Fraction(37 * k, 5))
        for k, name in enumerate(names)
    }


def _values(left: Term, right: Term, environment: dict[str, Fraction], digits: int) -> tuple[Pair | None, str]:
    """The values of both sides at a point, or None with the reason."""
    import mpmath

    real = not any(Constant.I in walk(term) for term in (left, right))
    values: list[Any] = []
    reasons: list[str] = []
    with mpmath.workdps(digits):
        here = Evaluator(mpmath.mp, environment, real=real)
        for term in (left, right):
            try:
                value = here.value(term)
            except NotUnderstood as exc:
                reasons.append(str(exc))
                continue
            if isinstance(value, Fraction) or mpmath.isfinite(value):
                values.append(value)
            else:
                reasons.append("no value")
    if len(values) == 2:
        return (values[0], values[1]), ""
    return None, _ONE_SIDED if len(values) == 1 and "large" not in reasons[0] else reasons[0]


def _has_absolute(term: Term) -> bool:
    return any(isinstance(one, Apply) and one.function == "abs" for one in walk(term))


def _stepped_variables(term: Term) -> frozenset[str]:
    steps = [symbols(one) for one in walk(term) if isinstance(one, Apply) and one.function in _STEPS]
    return frozenset[str]().union(*steps)


def _whole_variables(term: Term) -> frozenset[str]:
    """The variables that must be integers for the term to have its usual meaning."""
    found = frozenset[str]()
    for one in walk(term):
        match one:
            case Apply(function=function) if function in _WHOLE_FUNCTIONS:
                found |= symbols(one)
            case Power(base=Number(value=value), exponent=exponent) if value < 0:
                found |= symbols(exponent)
            case Power(base=Constant.I, exponent=exponent):
                found |= symbols(exponent)
            case Bound(operator="sum" | "product", limits=limits):
                found |= frozenset[str]().union(*(symbols(limit) for limit in limits))
    return found


def proportional(left: Term, right: Term, *, positive: bool, integers: frozenset[str] = frozenset()) -> bool:
    """Whether left = c * right for one constant c other than 0 (above 0, if `positive`)."""
    import mpmath

    ratios = []
    with mpmath.workdps(_DIGITS):
        here = Evaluator(mpmath.mp)
        for a, b in pairs(left, right, integers):
            if (a == 0) is not (b == 0):
                return False
            if b != 0:
                exact = isinstance(a, Fraction) and isinstance(b, Fraction)
                ratios.append(a / b if exact else here.real(a) / here.real(b))
    if not ratios:
        return True
    return all(same_value(one, ratios[0]) for one in ratios[1:]) and (not positive or ratios[0].real > 0)

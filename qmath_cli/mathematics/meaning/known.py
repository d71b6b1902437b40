"""The values of the functions with a known meaning, exact where the arguments are rational and the value is."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from qmath_cli.mathematics.meaning.terms import NotUnderstood

if TYPE_CHECKING:
    from qmath_cli.mathematics.meaning.values import Evaluator

Value = Any

_MOST_FACTORIAL = 20_000
_MOST_ROUNDED_FACTORIAL = 10**15
_NEAR = 1e-15  # a rounded value this near to an integer has no certain floor
_RECIPROCAL = {"cot": "tan", "sec": "cos", "csc": "sin", "coth": "tanh"}
_NAMES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "ln": "log", "arsinh": "asinh", "arcosh": "acosh",
          "artanh": "atanh"}  # fmt: skip


def known_value(evaluator: Evaluator, function: str, values: list[Value]) -> Value:
    """The value of a function.

    Args:
        evaluator: Where the arguments were evaluated.
        function: One of `terms.FUNCTIONS`, without `det` and `transpose`.
        values: The values of the arguments.

    Raises:
        NotUnderstood: It has no value for these arguments, or none in this context.
    """
    if function in _EXACT:
        return _EXACT[function](evaluator, values)
    if len(values) != 1:
        raise NotUnderstood(f"{function} of {len(values)} arguments")
    return _elementary(evaluator, function, values[0])


def _elementary(evaluator: Evaluator, function: str, argument: Value) -> Value:
    context = evaluator.context
    at = evaluator.real(argument)
    if function in _RECIPROCAL:
        bottom = _elementary(evaluator, _RECIPROCAL[function], argument)
        return evaluator.power(bottom, Fraction(-1))
    if function == "arccot":
        return context.pi / 2 - _elementary(evaluator, "arctan", argument)
    if function == "tan" and evaluator.intervals:
        return context.sin(at) / context.cos(at)
    if function in {"ln", "log"}:
        return _logarithm(evaluator, argument, at)
    found = getattr(context, _NAMES.get(function, function), None)
    if found is None or (evaluator.intervals and function not in {"exp", "sin", "cos"}):
        raise NotUnderstood(f"{function} in intervals")
    if evaluator.only_real and function in {"arcsin", "arccos"} and abs(at) > 1:
        raise NotUnderstood(f"{function} of a number above 1")
    return Fraction(0) if argument == 0 and function in {"sin", "arcsin", "arctan", "sinh", "tanh"} else found(at)


def _logarithm(evaluator: Evaluator, argument: Value, at: Value) -> Value:
    if argument == 1:
        return Fraction(0)
    if argument == 0 or (evaluator.intervals and not at.a > 0) or (evaluator.only_real and at.real < 0):
        raise NotUnderstood("a logarithm that has no value")
    return evaluator.context.log(at)


# ---------------------------------------------------------------- integers


def _whole(value: Value, name: str) -> int:
    if isinstance(value, Fraction) and value.denominator == 1:
        return int(value)
    raise NotUnderstood(f"{name} of a number that is no integer")


def _factorial(evaluator: Evaluator, values: list[Value]) -> Value:
    (value,) = values
    if isinstance(value, Fraction) and value.denominator == 1 and value >= 0:
        if value <= _MOST_FACTORIAL:
            return Fraction(math.factorial(int(value)))
        if value > _MOST_ROUNDED_FACTORIAL or evaluator.intervals:
            raise NotUnderstood("a factorial that is too large")
        return evaluator.context.gamma(evaluator.real(value) + 1)
    if evaluator.intervals or (isinstance(value, Fraction) and value.denominator == 1):
        raise NotUnderstood("a factorial of a negative number")
    return evaluator.context.gamma(evaluator.real(value) + 1)


def _double_factorial(_evaluator: Evaluator, values: list[Value]) -> Value:
    number = _whole(values[0], "a double factorial")
    if not -1 <= number <= _MOST_FACTORIAL:
        raise NotUnderstood("a double factorial that is too large")
    return Fraction(math.prod(range(number, 0, -2)))


def _binomial(_evaluator: Evaluator, values: list[Value]) -> Value:
    total, chosen = values
    if not isinstance(total, Fraction):
        raise NotUnderstood("a binomial coefficient of a number that is not rational")
    count = _whole(chosen, "a binomial coefficient")
    if count < 0:
        return Fraction(0)
    if count > _MOST_FACTORIAL or total.numerator.bit_length() > 200:
        raise NotUnderstood("a binomial coefficient that is too large")
    if total.denominator == 1 and total >= 0:
        return Fraction(math.comb(int(total), count))
    return math.prod(((total - k) / (k + 1) for k in range(count)), start=Fraction(1))


def _permutations(evaluator: Evaluator, values: list[Value]) -> Value:
    return _binomial(evaluator, values) * _factorial(evaluator, values[1:])


def _gcd(_evaluator: Evaluator, values: list[Value]) -> Value:
    return Fraction(math.gcd(*(_whole(value, "gcd") for value in values)))


def _lcm(_evaluator: Evaluator, values: list[Value]) -> Value:
    return Fraction(math.lcm(*(_whole(value, "lcm") for value in values)))


def _mod(_evaluator: Evaluator, values: list[Value]) -> Value:
    if len(values) != 2 or not all(isinstance(value, Fraction) for value in values) or values[1] == 0:
        raise NotUnderstood("a remainder of numbers that are not rational")
    return values[0] % values[1]


# ---------------------------------------------------------------- sizes


def _absolute(_evaluator: Evaluator, values: list[Value]) -> Value:
    return abs(values[0])


def _conjugate(evaluator: Evaluator, values: list[Value]) -> Value:
    value = values[0]
    return value if isinstance(value, Fraction) or evaluator.intervals else evaluator.context.conj(value)


def _floor(evaluator: Evaluator, values: list[Value]) -> Value:
    import mpmath

    value = values[0]
    if isinstance(value, Fraction):
        return Fraction(math.floor(value))
    if evaluator.intervals:
        low, high = (int(mpmath.floor(mpmath.mp.make_mpf(end))) for end in value._mpi_)  # its two ends, exactly
        if low != high:
            raise NotUnderstood("a floor that is not certain")
        return Fraction(low)
    nearest = evaluator.context.nint(value.real)
    if value.imag or abs(value - nearest) < _NEAR:
        raise NotUnderstood("a floor that is not certain")
    return Fraction(int(evaluator.context.floor(value.real)))


def _ceil(evaluator: Evaluator, values: list[Value]) -> Value:
    return -_floor(evaluator, [-values[0]])


def _sign(evaluator: Evaluator, values: list[Value]) -> Value:
    if not isinstance(values[0], Fraction) and (evaluator.intervals or values[0].imag):
        raise NotUnderstood("a sign that is not certain")
    return Fraction((values[0] > 0) - (values[0] < 0))


def _largest(evaluator: Evaluator, values: list[Value]) -> Value:
    return max(values, key=_ordered(evaluator))


def _smallest(evaluator: Evaluator, values: list[Value]) -> Value:
    return min(values, key=_ordered(evaluator))


def _ordered(evaluator: Evaluator) -> Callable[[Value], Any]:
    if evaluator.intervals:
        raise NotUnderstood("a maximum in intervals")
    return lambda value: value if isinstance(value, Fraction) else Fraction(str(evaluator.context.nstr(value, 30)))


def _argument(evaluator: Evaluator, values: list[Value]) -> Value:
    if evaluator.intervals:
        raise NotUnderstood("an argument in intervals")
    return evaluator.context.arg(evaluator.real(values[0]))


_EXACT: dict[str, Callable[[Evaluator, list[Value]], Value]] = {
    "factorial": _factorial,
    "double factorial": _double_factorial,
    "binomial": _binomial,
    "permutations": _permutations,
    "gcd": _gcd,
    "lcm": _lcm,
    "mod": _mod,
    "abs": _absolute,
    "norm": _absolute,
    "conjugate": _conjugate,
    "floor": _floor,
    "ceil": _ceil,
    "max": _largest,
    "min": _smallest,
    "sgn": _sign,
    "sign": _sign,
    "arg": _argument,
}

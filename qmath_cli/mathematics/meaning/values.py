"""The value of a term: exact where it is rational, otherwise a number of an mpmath context.

The context decides what a result means: `mpmath.mp` gives a rounded value (real or complex), `mpmath.iv` an interval
that certainly contains the value. Promises: a `Fraction` in a result is exact; no computation with numbers that do not
fit into memory is started. The random-looking value of an unknown function depends on its name and arguments only.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from qmath_cli.mathematics.meaning.terms import (
    FUNCTIONS,
    Apply,
    Bound,
    Constant,
    Matrix,
    NotUnderstood,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
    Term,
)

_MOST_BITS = 4_000_000  # of an exact power
_MOST_EXPONENT_BITS = 4_000  # of an exponent whose power is approximated
_MOST_TERMS = 2_000  # of a sum that is added up

Value = Any  # a Fraction, or a number of the context
Environment = Mapping[str, Fraction]


class Evaluator:
    """Evaluates terms in one mpmath context, with values for the variables.

    Args:
        context: `mpmath.mp`, or `mpmath.iv` for intervals.
        environment: The values of the variables.
        real: Whether roots and logarithms of negative numbers have no value.
    """

    def __init__(self, context: Any, environment: Environment | None = None, *, real: bool = False) -> None:  # noqa: ANN401
        self.context = context
        self.only_real = real
        self.environment = environment or {}
        self.intervals = type(context).__name__ == "MPIntervalContext"

    def value(self, term: Term) -> Value:  # noqa: PLR0911  one line for each kind of term
        """The value of a term. Raises `NotUnderstood` where it has none, or none that can be computed."""
        match term:
            case Number(value=value):
                return value
            case Symbol(name=name):
                return self._variable(name)
            case Constant():
                return self._constant(term)
            case Sum(terms=terms):
                return self._sum([self.value(one) for one in terms])
            case Product(factors=factors):
                return self._product([self.value(one) for one in factors])
            case Power(base=base, exponent=exponent):
                return self.power(self.value(base), self.value(exponent))
            case Apply():
                return self._apply(term)
            case Bound():
                return self._series(term)
        raise NotUnderstood("a matrix where a number must stand")

    def real(self, value: Value) -> Value:
        """A value as a number of the context."""
        if isinstance(value, Fraction):
            return self.context.mpf(value.numerator) / value.denominator
        return value

    # ------------------------------------------------------------ leaves and arithmetic

    def _variable(self, name: str) -> Value:
        if name not in self.environment:
            raise NotUnderstood(f"the variable {name} without a value")
        return self.environment[name]

    def _constant(self, constant: Constant) -> Value:
        match constant:
            case Constant.PI:
                return +self.context.pi
            case Constant.E:
                return +self.context.e
            case Constant.DEGREE:
                return self.context.pi / 180
            case Constant.I if not self.intervals:
                return self.context.mpc(0, 1)
        raise NotUnderstood(f"{constant.value} as a number")

    def _sum(self, values: list[Value]) -> Value:
        exact = sum((one for one in values if isinstance(one, Fraction)), Fraction(0))
        rest = [one for one in values if not isinstance(one, Fraction)]
        return exact if not rest else sum(rest[1:], rest[0]) + (self.real(exact) if exact else 0)

    def _product(self, values: list[Value]) -> Value:
        exact = math.prod((one for one in values if isinstance(one, Fraction)), start=Fraction(1))
        rest = [one for one in values if not isinstance(one, Fraction)]
        if not rest or exact == 0:
            return exact
        found = rest[0]
        for one in rest[1:]:
            found = found * one
        return found * self.real(exact) if exact != 1 else found

    # ------------------------------------------------------------ powers

    def power(self, base: Value, exponent: Value) -> Value:
        """A power; an odd root of a negative number is its real root."""
        if isinstance(exponent, Fraction):
            if exponent == 0:
                return Fraction(1)
            if isinstance(base, Fraction):
                return self._rational_power(base, exponent)
            return self._root_power(base, exponent)
        if isinstance(base, Fraction) and base == 0:
            raise NotUnderstood("a power of zero")
        return self._exponential(self.real(base), exponent)

    def _rational_power(self, base: Fraction, exponent: Fraction) -> Value:
        if base == 0 and exponent < 0:
            raise NotUnderstood("a division by zero")
        if base in {0, 1}:
            return base
        if exponent.denominator > 1:
            exact = _exact_root(base, exponent.denominator)
            if exact is not None:
                return self._rational_power(exact, Fraction(exponent.numerator))
            return self._root_power(self.real(base), exponent)
        if _bits(base) * abs(exponent) <= _MOST_BITS:
            return base**exponent.numerator
        size = self._exponential(self.real(abs(base)), self.real(exponent), exponent)
        return -size if base < 0 and exponent.numerator % 2 else size

    def _root_power(self, base: Value, exponent: Fraction) -> Value:
        """A number of the context to a rational power."""
        if exponent.denominator == 1 and abs(exponent.numerator) < 10_000:
            if exponent < 0 and base == 0:
                raise NotUnderstood("a division by zero")
            return base**exponent.numerator
        negative = self._is_real(base) and self._sign(base) < 0
        if negative and exponent.denominator % 2:
            size = self._exponential(-base, self.real(exponent), exponent)
            return -size if exponent.numerator % 2 else size
        return self._exponential(base, self.real(exponent), exponent)

    def _exponential(self, base: Value, exponent: Value, exact: Fraction | None = None) -> Value:
        if exact is not None and exact.numerator.bit_length() > _MOST_EXPONENT_BITS:
            raise NotUnderstood("a power that is too large")
        if not self.intervals:
            if base == 0:
                raise NotUnderstood("a power of zero")
            if self.only_real and base.real < 0:
                raise NotUnderstood("a power of a negative number")
            if self.context.mag(exponent) > _MOST_EXPONENT_BITS:
                raise NotUnderstood("a power that is too large")
            return self.context.exp(exponent * self.context.log(base))
        if self._sign(base) <= 0:
            raise NotUnderstood("a power of a negative number")
        return self.context.exp(exponent * self.context.log(base))

    def _is_real(self, value: Value) -> bool:
        return isinstance(value, Fraction) or self.intervals or not value.imag

    def _sign(self, value: Value) -> int:
        """The sign of a real number; of an interval, 0 if it contains zero."""
        if not self.intervals or isinstance(value, Fraction):
            number = value if isinstance(value, Fraction) else value.real
            return (number > 0) - (number < 0)
        return int(value.a > 0) - int(value.b < 0)

    # ------------------------------------------------------------ functions

    def _apply(self, term: Apply) -> Value:
        if term.function == "det":
            return self._determinant(term.arguments[0])
        values = [self.value(one) for one in term.arguments]
        if term.function not in FUNCTIONS:
            return self._unknown(term.function, values)
        from qmath_cli.mathematics.meaning.known import known_value

        return known_value(self, term.function, values)

    def _unknown(self, name: str, values: list[Value]) -> Value:
        """A value that depends on name and arguments only, so that equal calls are equal."""
        written = [self.context.nstr(self.real(one), 15) for one in values]
        digest = hashlib.sha256(repr((name, written)).encode()).digest()
        return Fraction(int.from_bytes(digest[:4]), 2**30) + 1

    def _determinant(self, grid: Term) -> Value:
        if not isinstance(grid, Matrix) or len(grid.rows) != len(grid.rows[0]) or len(grid.rows) > 6:
            raise NotUnderstood("a determinant of something that is no square matrix")
        return self._expanded([[self.value(entry) for entry in row] for row in grid.rows])

    def _expanded(self, rows: list[list[Value]]) -> Value:
        if len(rows) == 1:
            return rows[0][0]
        minors = [[row[:k] + row[k + 1 :] for row in rows[1:]] for k in range(len(rows))]
        signed = [Fraction(-1 if k % 2 else 1) for k in range(len(rows))]
        return self._sum([self._product([s, rows[0][k], self._expanded(minors[k])]) for k, s in enumerate(signed)])

    def _series(self, term: Bound) -> Value:
        """A finite sum or product, term by term."""
        if term.operator not in {"sum", "product"}:
            raise NotUnderstood(f"the {term.operator} has no value")
        first, last = (self.value(one) for one in term.limits)
        whole = (
            isinstance(first, Fraction) and isinstance(last, Fraction) and first.denominator == last.denominator == 1
        )
        if not whole or last - first > _MOST_TERMS:
            raise NotUnderstood(f"a {term.operator} of so many terms")
        combine: Callable[[list[Value]], Value] = self._sum if term.operator == "sum" else self._product
        return combine(
            [
                Evaluator(self.context, {**self.environment, term.variable: Fraction(k)}, real=self.only_real).value(
                    term.body
                )
                for k in range(int(first), int(last) + 1)
            ]
        )


def _bits(number: Fraction) -> int:
    return max(number.numerator.bit_length(), number.denominator.bit_length(), 1) if abs(number) != 1 else 0


def _exact_root(number: Fraction, degree: int) -> Fraction | None:
    """The root of a rational number if it is rational (and real)."""
    if number < 0 and degree % 2 == 0:
        return None
    top, bottom = _integer_root(abs(number.numerator), degree), _integer_root(number.denominator, degree)
    if top is None or bottom is None:
        return None
    return Fraction(top, bottom) * (-1 if number < 0 else 1)


def _integer_root(number: int, degree: int) -> int | None:
    if degree == 2:
        found = math.isqrt(number)
    elif degree > number.bit_length():
        found = 1
    else:
        found = _floor_root(number, degree)
    return found if found**degree == number else None


def _floor_root(number: int, degree: int) -> int:
    """The largest integer whose power is at most `number`, by bisection."""
    low, high = 0, 1 << (number.bit_length() // degree + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= number else (low, middle)
    return low

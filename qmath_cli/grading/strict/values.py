r"""Values with their units: equal numbers, other units of the same quantity, percentages, degrees, rounded decimals.

A unit that one side lacks is forgiven, a multiplier (`million`, `万`) never is. Where both sides have a unit that is
not known, or one that the other cannot be converted to, equal numbers are undecided. An exact answer that rounds to an
expected decimal of two places or more is equal to the digits given; a decimal does not equal an exact expected number.
"""

from __future__ import annotations

from fractions import Fraction

from qmath_cli.grading.strict.kinds import Value
from qmath_cli.grading.strict.measures import Dimension
from qmath_cli.grading.strict.units import NONE, Unit
from qmath_cli.grading.strict.units import read as read_unit
from qmath_cli.mathematics.meaning import equality, matrices
from qmath_cli.mathematics.meaning.equality import Undecided
from qmath_cli.mathematics.meaning.terms import (
    Apply,
    Constant,
    Number,
    Power,
    Product,
    Symbol,
    Term,
    number,
    product,
    quotient,
    replaced,
    walk,
)

ROUNDED = "equal to the digits given"
UNIT_MISSING = "a unit on one side only"
_ANGLE, _PERCENT, _RADIAN = (("angle", 1),), (("percent", 1),), (("radian", 1),)
_TEN = number(10)


class Values:
    """Compares values; what had to be forgiven is appended to `notes`.

    Args:
        notes: The list that remarks for the verdict are appended to.
        exact: Whether rounded values are refused.
        integers: The variables that are integers.
    """

    def __init__(self, notes: list[str], *, exact: bool, integers: frozenset[str]) -> None:
        self.notes = notes
        self.exact = exact
        self.integers = integers

    def same(self, a: Value, b: Value) -> bool:
        """Whether value `a` is accepted for the expected value `b`. Raises `Undecided` or `NotUnderstood`."""
        left, right = matrices.worked_out(a.term), matrices.worked_out(b.term)
        if a.unit.is_known is not b.unit.is_known:
            a, b = _with_letter_unit(a, b), _with_letter_unit(b, a)
            left, right = matrices.worked_out(a.term), matrices.worked_out(b.term)
        if a.unit.is_known and b.unit.is_known:
            return self._in_one_unit(left, a.unit, right, b.unit, b)
        if self._equal_numbers(left, right, b):
            return self._forgiven(a.unit, b.unit)
        return self._converted(left, a.unit, right, b.unit)

    # ------------------------------------------------------------ units

    def _in_one_unit(self, left: Term, mine: Unit, right: Term, theirs: Unit, b: Value) -> bool:
        if mine.dimension == theirs.dimension:
            if mine.factor == theirs.factor:
                return self._equal_numbers(left, right, b)
            return self._equal(product(left, number(mine.factor)), product(right, number(theirs.factor)))
        angles: dict[Dimension, Term] = {_ANGLE: Constant.DEGREE, _RADIAN: number(1)}
        if mine.dimension in angles and theirs.dimension in angles:
            return self._equal(product(left, angles[mine.dimension]), product(right, angles[theirs.dimension]))
        return False

    def _forgiven(self, mine: Unit, theirs: Unit) -> bool:
        """Whether equal numbers stay equal with these units, one of which is not known."""
        if mine == theirs or (mine.unknown == theirs.unknown and mine.is_known is theirs.is_known):
            return True
        named = [
            one.unknown or ("counted" if one.counted else "") or (one.is_known and "unit") for one in (mine, theirs)
        ]
        if all(named) and named[0] != named[1] and not all(one.counted or one.unknown for one in (mine, theirs)):
            raise Undecided("the units cannot be compared")
        if mine.unknown and theirs.unknown:
            raise Undecided(f"the units {mine.unknown!r} and {theirs.unknown!r} are not known")
        self.notes.append(UNIT_MISSING)
        return True

    def _converted(self, left: Term, mine: Unit, right: Term, theirs: Unit) -> bool:
        """`50%` for `0.5`, 90 degrees for `pi/2`: the unit is on one side only."""
        factors: dict[Dimension, Term] = {_PERCENT: number(Fraction(1, 100)), _ANGLE: Constant.DEGREE}
        if theirs == NONE and mine.dimension in factors:
            return self._equal(product(left, factors[mine.dimension]), right)
        if mine == NONE and theirs.dimension in factors:
            return self._equal(left, product(right, factors[theirs.dimension]))
        return False

    # ------------------------------------------------------------ numbers

    def _equal_numbers(self, left: Term, right: Term, expected: Value) -> bool:
        return self._equal(left, right) or self._rounds(left, expected.term)

    def _equal(self, left: Term, right: Term) -> bool:
        if equality.equal(left, right, self.integers):
            return True
        return self._in_tens(left, right) or self._without_degrees(left, right)

    def _in_tens(self, left: Term, right: Term) -> bool:
        r"""Whether the terms are equal if `\log` is the logarithm to base 10, as in schools."""
        changes: dict[Term, Term] = {
            one: quotient(Apply("ln", one.arguments), Apply("ln", (_TEN,)))
            for term in (left, right)
            for one in walk(term)
            if isinstance(one, Apply) and one.function == "log"
        }
        if not changes:
            return False
        found = equality.equal(replaced(left, changes), replaced(right, changes), self.integers)
        if found:
            self.notes.append("log to base 10")
        return found

    def _without_degrees(self, left: Term, right: Term) -> bool:
        """Whether the terms are equal if a sum in degrees is a sum of plain numbers where only one side has degrees."""
        has = [Constant.DEGREE in walk(term) for term in (left, right)]
        if has[0] is has[1] or any(isinstance(one, Apply) for term in (left, right) for one in walk(term)):
            return False
        plain = [replaced(term, {Constant.DEGREE: number(1)}) for term in (left, right)]
        found = equality.equal(plain[0], plain[1], self.integers)
        if found:
            self.notes.append(UNIT_MISSING)
        return found

    def _rounds(self, left: Term, right: Term) -> bool:
        decimal = as_decimal(right)
        if self.exact or decimal is None or as_decimal(left) is not None or decimal[2] < 2:
            return False
        found = equality.rounds_to(left, decimal[0], decimal[1])
        if found:
            self.notes.append(ROUNDED)
        return found


def _with_letter_unit(value: Value, other: Value) -> Value:
    """`12m` with the letter as its unit, where the other side has a unit of that kind."""
    match value.term:
        case Product(factors=(Number() as size, Symbol(name=name))) if value.unit == NONE:
            unit = read_unit(name)
            if unit.is_known and unit.dimension == other.unit.dimension:
                return Value(size, unit, value.rough)
    return value


def as_decimal(term: Term) -> tuple[Fraction, Fraction, int] | None:
    r"""Value, unit of the last digit, and places of a number written as a decimal, also with a power of ten."""
    match term:
        case Number(value=value, places=places) if places is not None:
            return value, Fraction(1, 10**places), places
        case Product(factors=(Number(value=value, places=places), Power(base=base, exponent=Number(value=power)))) if (
            places is not None and base == _TEN and power.denominator == 1
        ):
            scale = Fraction(10) ** int(power)
            return value * scale, scale / 10**places, places
    return None

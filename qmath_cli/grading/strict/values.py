r"""Values with their units: equal numbers, other units of the same quantity, percentages, degrees, rounded decimals.

A unit that one side lacks is forgiven, a multiplier (`million`, `万`) never is. Where both sides have a unit that is
not known, or one that the other cannot be converted to, equal numbers are undecided. An exact answer that rounds to an
expected decimal of two places or more is equal to the digits given; a decimal does not equal an exact expected number.
"""

from __future__ import annotations

import re
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
_TELLING_WORDS = """
wrong false incorrect impossible undefined extraneous excluded rejected invalid omitted not more less most least later
ago earlier early late over under up down left right north south east west northern southern profit loss gain older
younger taller shorter longer faster slower higher lower bigger smaller larger greater deducted added increase
increased decrease decreased forward backward forwards backwards ahead behind away clockwise counterclockwise
anticlockwise odd even prime composite positive negative squared cubed factorial root th st nd rd
"""
#: Words that say something about the number, even alone.
_TELLING = re.compile(
    rf"(?i)\b(?:{'|'.join(_TELLING_WORDS.split())})\b"
    r"|平方|立方|倒数|相反|[以前后多半余内外不大小上下左右增减亏盈赚赔东南西北错舍弃]"
)


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
        if a.limit and b.limit and a.limit != b.limit:
            return False
        if a.unit.is_known is not b.unit.is_known:
            a, b = _with_letter_unit(a, b), _with_letter_unit(b, a)
        left, right = matrices.worked_out(a.term), matrices.worked_out(b.term)
        if a.unit.is_known and b.unit.is_known:
            return self._in_one_unit(left, a.unit, right, b.unit, b) and self._forgiven(a.unit, b.unit)
        converts = a.unit.is_known is not b.unit.is_known and {_PERCENT} & {a.unit.dimension, b.unit.dimension}
        if self._equal(left, right) or (not converts and self._rounds(left, b.term)):
            return self._forgiven(a.unit, b.unit)
        return self._converted(left, a.unit, right, b.unit) and self._forgiven(a.unit, b.unit)

    # ------------------------------------------------------------ units

    def _in_one_unit(self, left: Term, mine: Unit, right: Term, theirs: Unit, b: Value) -> bool:
        if mine.dimension == theirs.dimension:
            if mine.factor == theirs.factor:
                return self._equal_numbers(left, right, b)
            factors = product(left, number(mine.factor)), product(right, number(theirs.factor))
            return equality.equal(*factors, self.integers)
        angles: dict[Dimension, Term] = {_ANGLE: Constant.DEGREE, _RADIAN: number(1)}
        if mine.dimension in angles and theirs.dimension in angles:
            turned = product(left, angles[mine.dimension]), product(right, angles[theirs.dimension])
            return equality.equal(*turned, self.integers)
        return False

    def _forgiven(self, mine: Unit, theirs: Unit) -> bool:
        """Whether equal numbers stay equal with these units, words and nouns; a side without any is forgiven."""
        if mine.unknown != theirs.unknown and (_is_telling(mine) or _is_telling(theirs)):
            raise Undecided(f"the words {(mine.unknown or theirs.unknown)!r} are not understood")
        if mine.unknown == theirs.unknown and mine.is_known is theirs.is_known and _one_noun(mine, theirs):
            return True
        if _is_bare(mine) or _is_bare(theirs):
            self.notes.append(UNIT_MISSING)
            return True
        if mine.unknown and theirs.unknown:
            raise Undecided(f"the units {mine.unknown!r} and {theirs.unknown!r} are not known")
        raise Undecided("the units cannot be compared")

    def _converted(self, left: Term, mine: Unit, right: Term, theirs: Unit) -> bool:
        """`50%` for `0.5`, 90 degrees for `pi/2`: the unit is on one side only."""
        factors: dict[Dimension, Term] = {_PERCENT: number(Fraction(1, 100)), _ANGLE: Constant.DEGREE}
        if theirs == NONE and mine.dimension in factors:
            return self._equal(product(left, factors[mine.dimension]), right)
        if mine == NONE and theirs.dimension in factors:
            factor = factors[theirs.dimension]
            return self._equal(left, product(right, factor)) or self._rounds(quotient(left, factor), right)
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
    """`12m` and `20 m/s` with the letters as a unit, where the other side has a unit of that kind."""
    if value.unit != NONE or not isinstance(value.term, Product):
        return value
    names = [_letter_power(one) for one in _factors(value.term)]
    letters = [one for one in names if one]
    if not letters or names[: len(names) - len(letters)] != [""] * (len(names) - len(letters)):
        return value
    unit = read_unit(" ".join(letters))
    if not unit.is_known or unit.dimension != other.unit.dimension:
        return value
    size = _factors(value.term)[: len(names) - len(letters)]
    return Value(product(*size) if size else number(1), unit, value.rough, value.limit)


def _factors(term: Term) -> list[Term]:
    """The factors of nested products."""
    return [one for factor in term.factors for one in _factors(factor)] if isinstance(term, Product) else [term]


def _letter_power(term: Term) -> str:
    """A letter with its power as a unit is written; empty for anything else."""
    match term:
        case Symbol(name=name):
            return name
        case Power(base=Symbol(name=name), exponent=Number(value=value)) if value.denominator == 1:
            return f"{name}^{value}"
        case Power(base=Power(base=Symbol(name=name), exponent=Number(value=value)), exponent=Number(value=outer)):
            return f"{name}^{value * outer}"
    return ""


def _is_telling(unit: Unit) -> bool:
    """Whether the words behind a number may say more than what is counted."""
    return len(unit.unknown.split()) > 1 or bool(unit.unknown and (unit.is_known or _TELLING.search(unit.unknown)))


def _is_bare(unit: Unit) -> bool:
    return not unit.is_known and not unit.unknown and not unit.noun


def _one_noun(mine: Unit, theirs: Unit) -> bool:
    return mine.noun == theirs.noun or mine.noun in {"", "*"} or theirs.noun in {"", "*"}


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

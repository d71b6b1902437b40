"""Terms: expressions with the grammar resolved, exact, and independent of sympy.

A difference is a sum with a factor of -1, a quotient a product with a power of -1. All terms are frozen and hashable;
equal terms are written alike, not necessarily equal in value (`equality` decides that).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class NotUnderstood(Exception):
    """A piece of an answer that has no meaning here, or a value that cannot be had; the message says which piece."""


class Constant(StrEnum):
    """A number with a name."""

    PI = "pi"
    E = "e"
    I = "i"  # noqa: E741  the imaginary unit
    INFINITY = "infinity"
    DEGREE = "degree"  # pi / 180


@dataclass(frozen=True, slots=True)
class Number:
    """A rational number; `places` counts the digits after the point if it is written as a decimal."""

    value: Fraction
    places: int | None = None


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable, vector or named quantity: `x`, `x_1`, `vec a`, `∠ABC`."""

    name: str


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of its terms."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """The product of its factors."""

    factors: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """A base with an exponent. An odd root of a negative number is its real root."""

    base: Term
    exponent: Term


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of its arguments; one that has no known meaning is a name."""

    function: str
    arguments: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """A sum, product, integral, limit or derivative over a variable; `limits` are its bounds, or the point."""

    operator: str
    variable: str
    body: Term
    limits: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix."""

    rows: tuple[tuple[Term, ...], ...]


Term = Number | Constant | Symbol | Sum | Product | Power | Apply | Bound | Matrix

_FUNCTION_NAMES = """
abs norm floor ceil factorial binomial permutations gcd lcm max min mod conjugate det transpose ln log exp sin cos tan
cot sec csc arcsin arccos arctan arccot sinh cosh tanh coth arsinh arcosh artanh arg sgn sign
"""
#: The functions with a known meaning; any other name stands for an unknown function.
FUNCTIONS = frozenset(_FUNCTION_NAMES.split()) | {"double factorial"}

ZERO = Number(Fraction(0))
ONE = Number(Fraction(1))
MINUS_ONE = Number(Fraction(-1))


def number(value: int | Fraction) -> Number:
    """A rational number as a term."""
    return Number(Fraction(value))


def negative(term: Term) -> Term:
    """The term with the other sign; the sign of a number becomes part of it."""
    if isinstance(term, Number):
        return Number(-term.value, term.places)
    if isinstance(term, Product) and isinstance(term.factors[0], Number):
        return Product((negative(term.factors[0]), *term.factors[1:]))
    return Product((MINUS_ONE, term))


def difference(left: Term, right: Term) -> Term:
    """Left minus right."""
    return Sum((left, negative(right)))


def product(*factors: Term) -> Term:
    """The product; a single factor is itself."""
    return factors[0] if len(factors) == 1 else Product(factors)


def quotient(top: Term, bottom: Term) -> Term:
    """Top over bottom; of two integers, the rational number."""
    plain = isinstance(top, Number) and isinstance(bottom, Number) and top.places is None and bottom.places is None
    if plain and isinstance(top, Number) and isinstance(bottom, Number) and bottom.value != 0:
        return Number(top.value / bottom.value)
    return Product((top, Power(bottom, MINUS_ONE)))


def children(term: Term) -> tuple[Term, ...]:
    """The terms directly below `term`."""
    match term:
        case Sum(terms=found) | Product(factors=found) | Apply(arguments=found):
            return found
        case Power(base=base, exponent=exponent):
            return base, exponent
        case Bound(body=body, limits=limits):
            return body, *limits
        case Matrix(rows=rows):
            return tuple(entry for row in rows for entry in row)
    return ()


def walk(term: Term) -> Iterator[Term]:
    """The term and all below it."""
    yield term
    for child in children(term):
        yield from walk(child)


def symbols(term: Term) -> frozenset[str]:
    """The names of the free variables; an unknown function counts as one, with brackets behind its name."""
    if isinstance(term, Symbol):
        return frozenset({term.name})
    if isinstance(term, Apply) and term.function not in FUNCTIONS:
        return frozenset({f"{term.function}()"}).union(*(symbols(child) for child in term.arguments))
    found = frozenset[str]().union(*(symbols(child) for child in children(term)))
    return found - {term.variable} if isinstance(term, Bound) and term.operator != "derivative" else found


def replaced(term: Term, changes: Mapping[Term, Term]) -> Term:  # noqa: PLR0911  one line for each kind of term
    """The term with every subterm that is a key of `changes` replaced."""
    if term in changes:
        return changes[term]
    match term:
        case Sum(terms=terms):
            return Sum(tuple(replaced(one, changes) for one in terms))
        case Product(factors=factors):
            return Product(tuple(replaced(one, changes) for one in factors))
        case Power(base=base, exponent=exponent):
            return Power(replaced(base, changes), replaced(exponent, changes))
        case Apply(function=function, arguments=arguments):
            return Apply(function, tuple(replaced(one, changes) for one in arguments))
        case Bound(operator=operator, variable=variable, body=body, limits=limits):
            return Bound(operator, variable, replaced(body, changes), tuple(replaced(one, changes) for one in limits))
        case Matrix(rows=rows):
            return Matrix(tuple(tuple(replaced(one, changes) for one in row) for row in rows))
    return term

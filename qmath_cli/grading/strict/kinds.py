"""The kinds of answer; their leaves are terms. `reading` decides which kind a text is, `comparison` compares them."""

from __future__ import annotations

from dataclasses import dataclass

from qmath_cli.grading.strict.units import NONE, Unit
from qmath_cli.mathematics.meaning.terms import Term


@dataclass(frozen=True, slots=True)
class Value:
    """An expression or matrix with its unit.

    `rough` if the answer marks it as rounded; `limit` is `least` or `most` if it says `at least` or `at most`.
    """

    term: Term
    unit: Unit = NONE
    rough: bool = False
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """Text that is not mathematics."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """Several values without order; in braces, repetitions do not count."""

    items: tuple[Shape, ...]
    braces: bool = False


@dataclass(frozen=True, slots=True)
class Blanks:
    """The answers to several blanks, in order."""

    items: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Numbers in a ratio."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Bracketed:
    """A point, vector, list or interval: brackets, and the items between the commas."""

    opening: str
    items: tuple[Shape, ...]
    closing: str


@dataclass(frozen=True, slots=True)
class Region:
    """Sets of numbers joined (`∪`), cut (`∩`) or taken away (`∖`)."""

    operator: str
    parts: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A set with a letter of its own: the real numbers, the positive integers."""

    name: str


@dataclass(frozen=True, slots=True)
class Builder:
    """A set by what its members are: an expression, and the conditions on its letters."""

    member: Shape
    conditions: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """`a < b <= c`: terms, and the signs between them (`<`, `<=`, `>`, `>=`, `=`, `!=`, or another sign)."""

    terms: tuple[Term, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Congruence:
    """Numbers that leave one remainder; with `left` it is a statement about that term."""

    value: Term
    modulus: Term
    left: Term | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """`x = 5`, `f(x) = 2x`, `A = {1, 2}`: what has a name, with the parameter of a function."""

    name: str
    value: Shape
    term: Term | None = None
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """`x ∈ S`."""

    subject: Shape
    region: Shape


@dataclass(frozen=True, slots=True)
class Both:
    """Statements that hold together: a system, the values of several names, conditions."""

    parts: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Statements of which one holds."""

    parts: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Piecewise:
    """Values with the conditions under which they hold; a missing condition is `None`."""

    pieces: tuple[tuple[Shape, Shape | None], ...]


@dataclass(frozen=True, slots=True)
class Conditioned:
    """An answer with side conditions."""

    shape: Shape
    conditions: tuple[Shape, ...]


Shape = (
    Value
    | Words
    | Items
    | Blanks
    | Ratio
    | Bracketed
    | Region
    | NamedSet
    | Builder
    | Relation
    | Congruence
    | Named
    | Member
    | Both
    | Either
    | Piecewise
    | Conditioned
)

EMPTY = Items((), braces=True)
REALS = NamedSet("ℝ")

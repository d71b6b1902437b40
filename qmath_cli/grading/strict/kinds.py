"""The kinds of answer. Leaves are LaTeX; `shape` decides which kind a text is."""

from __future__ import annotations

from dataclasses import dataclass

from qmath_cli.grading.strict.units import NONE, Unit


@dataclass(frozen=True, slots=True)
class Value:
    """An expression in LaTeX, with its unit; `rough` if the answer marks it as rounded."""

    tex: str
    unit: Unit = NONE
    rough: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Text that is not mathematics, case folded."""

    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Several values without order; in braces, repetitions do not count."""

    items: tuple[Shape, ...]
    braces: bool = False


@dataclass(frozen=True, slots=True)
class Ordered:
    """The answers to several blanks, or numbers in a ratio."""

    items: tuple[Shape, ...]
    ratio: bool = False


@dataclass(frozen=True, slots=True)
class Bracketed:
    """A point, vector or interval: brackets, and the items between the commas."""

    opening: str
    items: tuple[Shape, ...]
    closing: str


@dataclass(frozen=True, slots=True)
class Union:
    """Intervals and finite sets joined."""

    parts: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of entries."""

    rows: tuple[tuple[Shape, ...], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """`a < b <= c`: terms, and the signs between them (`<`, `<=`, `>`, `>=`, `=`, `!=`)."""

    terms: tuple[str, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day; `half` is `a`, `p` or empty."""

    hour: int
    minute: int
    half: str = ""


Shape = Clock | Value | Words | Listing | Ordered | Bracketed | Union | Matrix | Relation

EMPTY = Listing((), braces=True)
REALS = Union((Relation(("x", "x"), ("=",)),))  # a condition that every number meets

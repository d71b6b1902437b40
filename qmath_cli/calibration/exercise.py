"""What a kind of problem gives: a problem with its answer and the way to it, in English and in Chinese at once.

How it is worded and laid out is decided elsewhere (`wording`). Outputs of programs are computed by the kind, with
Python's own numbers; tests run the programs and compare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

Words = tuple[str, str]
"""The same in English and in Chinese."""

Kind = Callable[[Random], "Exercise"]
"""Draws a problem of one kind."""


@dataclass(frozen=True, slots=True)
class Line:
    """A step of the reasoning: what is done, and the formula that it gives; the formula may be empty."""

    words: Words
    formula: str = ""


@dataclass(frozen=True, slots=True)
class Calculation:
    """A program, what it is for, and what it prints."""

    purpose: Words
    code: str
    output: str


@dataclass(frozen=True, slots=True)
class Exercise:
    """A problem with its solution.

    Attributes:
        problem: ways to ask it.
        answer: in LaTeX; empty for a proof.
        lines: the reasoning.
        calculations: programs that find the answer, in one namespace; none where the problem needs no computation.
        result: the last sentence without its full stop; `{}` is the place of the answer.
    """

    problem: tuple[Words, ...]
    answer: str
    lines: tuple[Line, ...]
    calculations: tuple[Calculation, ...]
    result: Words


def line(english: str, chinese: str, formula: str = "") -> Line:
    """A step of the reasoning."""
    return Line((english, chinese), formula)


def calculation(english: str, chinese: str, code: str, output: object) -> Calculation:
    """A program; `output` is what it prints, without the last newline."""
    return Calculation((english, chinese), code, str(output))


def frac(value: Fraction | int) -> str:
    """A rational number in LaTeX, with its sign in front."""
    value = Fraction(value)
    if value.denominator == 1:
        return str(value.numerator)
    return f"{'-' if value < 0 else ''}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def nonzero(rng: Random, low: int, high: int) -> int:
    """A whole number from `low` to `high` that is not 0."""
    while True:
        if found := rng.randint(low, high):
            return found


def polynomial(coefficients: Sequence[int], name: str = "x", *, python: bool = False) -> str:
    """A polynomial from its coefficients, the highest power first, in LaTeX or in Python."""
    degree, text = len(coefficients) - 1, ""
    for i, c in enumerate(coefficients):
        if not c:
            continue
        power = degree - i
        sign = (" - " if c < 0 else " + ") if text else ("-" if c < 0 else "")
        text += sign + _term(abs(c), name, power, python=python)
    return text or "0"


def _term(size: int, name: str, power: int, *, python: bool) -> str:
    if not power:
        return str(size)
    factor = "" if size == 1 else f"{size}*" if python else str(size)
    raised = "" if power == 1 else f"**{power}" if python else f"^{power}" if power < 10 else f"^{{{power}}}"
    return f"{factor}{name}{raised}"


def signed(value: int) -> str:
    """A whole number as a summand behind others: `+ 3` or `- 3`."""
    return f"{'-' if value < 0 else '+'} {abs(value)}"


def inside(value: int) -> str:
    """A whole number as a factor: in parentheses where it is negative."""
    return f"({value})" if value < 0 else str(value)

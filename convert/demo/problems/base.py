"""The records of the problem generators, and the functions that every kind uses.

A kind of problem is a function `(random.Random, Language) -> Draft`. The draft's programs, run one after the other
in one namespace, must print the draft's answer last; `solutions.py` checks this. All random numbers come from the
given generator, so a seed determines the draft.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from random import Random


class Language(StrEnum):
    """The two languages of Qwen2.5-Math."""

    EN = "en"
    ZH = "zh"


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence and the program that follows it.

    A `mistake` is a program that fails on purpose. The model does not learn to write it.
    """

    prose: str
    code: str
    mistake: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A problem with its answer (LaTeX), the programs that find it, and written-out reasoning."""

    problem: str
    answer: str
    steps: tuple[Step, ...]
    closing: str
    """The last sentence; `{box}` stands for the boxed answer."""
    reasoning: str
    """The steps of the chain-of-thought solution, without the closing sentence."""

    def closed(self, answer: str) -> str:
        """The last sentence, with `answer` in its box."""
        return self.closing.replace("{box}", rf"\boxed{{{answer}}}")


Draw = Callable[[Random, Language], Draft]


def say(language: Language, english: str, chinese: str) -> str:
    """The sentence in `language`."""
    return english if language is Language.EN else chinese


def ask(rng: Random, phrase: str) -> str:
    """A question as a person would type it: sometimes without its final full stop."""
    if phrase[-1] in ".。" and rng.random() < 0.3:
        return phrase[:-1]
    return phrase


def pick(rng: Random, language: Language, english: Sequence[str], chinese: Sequence[str]) -> str:
    """One of the phrasings in `language`, asked as a person would."""
    return ask(rng, rng.choice(english if language is Language.EN else chinese))


def maths(rng: Random, plain: str, latex: str | None = None) -> str:
    """A formula as people write it: plain text, plain text without spaces, or LaTeX in dollars."""
    style = rng.random()
    if style < 0.5:
        return plain
    if style < 0.65:
        return plain.replace(" ", "")
    return f"${latex if latex is not None else plain}$"


def nonzero(rng: Random, low: int, high: int) -> int:
    """A whole number in [low, high] that is not 0."""
    return rng.choice([n for n in range(low, high + 1) if n != 0])


def frac(value: Fraction | int) -> str:
    r"""A rational number in the LaTeX that sympy prints: `- \frac{3}{4}`, or `5`."""
    value = Fraction(value)
    sign = "- " if value < 0 else ""
    if value.denominator == 1:
        return str(value.numerator)
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def polynomial(coefficients: Sequence[int], name: str = "x") -> str:
    """`(1, -5, 6)` (highest power first) as `x^2 - 5x + 6`."""
    return _terms(coefficients, name, times="", power="^")


def python_polynomial(coefficients: Sequence[int], name: str = "x") -> str:
    """`(1, -5, 6)` (highest power first) as `x**2 - 5*x + 6`."""
    return _terms(coefficients, name, times="*", power="**")


def _terms(coefficients: Sequence[int], name: str, times: str, power: str) -> str:
    degree = len(coefficients) - 1
    text = ""
    for exponent, c in zip(range(degree, -1, -1), coefficients, strict=True):
        if c == 0:
            continue
        variable = "" if exponent == 0 else name if exponent == 1 else f"{name}{power}{exponent}"
        size = "" if abs(c) == 1 and variable else f"{abs(c)}{times if variable else ''}"
        sign = (" + " if c > 0 else " - ") if text else ("" if c > 0 else "-")
        text += f"{sign}{size}{variable}"
    return text or "0"

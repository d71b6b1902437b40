r"""Random arithmetic in the spellings that people and models use, with its value.

An expression is written together with the `fractions.Fraction` it stands for, so the value rests on no parser. Only
spellings that every reader takes alike are written: no `6/2(3)`, no `2^{3}^{2}`, no mixed number as a factor without
parentheses, and none of two signs in a row.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

_MOST_DIGITS = 12  # of numerators and denominators, in all parts of an expression


class Style(IntEnum):
    """How an expression is spelled."""

    LATEX = 0
    PLAIN = 1


class Tie(IntEnum):
    """How tightly the outermost operation of a text binds; the weakest is first."""

    SUM = 0
    PRODUCT = 1
    MIXED = 2
    POWER = 3
    ATOM = 4
    GROUP = 5  # in parentheses


@dataclass(frozen=True, slots=True)
class Written:
    """A text and what it is worth.

    Attributes:
        text: LaTeX, or what a person types.
        value: The exact value.
        tie: Its outermost operation.
        factor: Whether a parenthesis may follow and multiply: true unless the text ends a quotient on one line.
    """

    text: str
    value: Fraction
    tie: Tie
    factor: bool = True


@dataclass(frozen=True, slots=True)
class Sample:
    """An expression, its value and another value, all as text."""

    expression: str
    value: str
    wrong: str


class TooLarge(Exception):
    """A division by zero, or a number with too many digits: another expression has to be drawn."""


def samples(count: int, seed: int) -> Iterator[Sample]:
    """`count` different expressions, half of them in LaTeX, each with its value and a wrong value."""
    draw, seen = random.Random(seed), set[str]()
    while len(seen) < count:
        style = Style(len(seen) % 2)
        try:
            written = _Writer(draw, style).expression(draw.choice((1, 2, 2, 3)))
        except TooLarge:
            continue
        if written.text in seen or written.tie is Tie.GROUP:
            continue
        seen.add(written.text)
        spelling = draw.choice(_SPELLINGS[style])
        yield Sample(written.text, spelling(written.value), spelling(_wrong(written, draw)))


def _wrong(written: Written, draw: random.Random) -> Fraction:
    """A value near the true one, or related to it."""
    value = written.value
    step = Fraction(1, value.denominator)
    near = [value + step, value - step, value + 1, value * 2, value * 10, -value]
    near += [1 / value] if value and len(str(value.numerator)) < 6 else []
    return draw.choice([one for one in near if one != value])


def _ratio(value: Fraction) -> str:
    return str(value)


def _frac(value: Fraction) -> str:
    sign = "-" if value < 0 else ""
    top, bottom = abs(value).numerator, value.denominator
    return f"{sign}{top}" if bottom == 1 else rf"{sign}\frac{{{top}}}{{{bottom}}}"


def _mixed(value: Fraction) -> str:
    whole, rest = divmod(abs(value), 1)
    if not whole or not rest:
        return _frac(value)
    return f"{'-' if value < 0 else ''}{whole}{_frac(rest)}"


def _plain_mixed(value: Fraction) -> str:
    whole, rest = divmod(abs(value), 1)
    return f"{'-' if value < 0 else ''}{whole} {rest}" if whole and rest else str(value)


def _decimal(value: Fraction) -> str:
    """A decimal fraction if it ends within six places, else a ratio."""
    if 10**6 % value.denominator:
        return str(value)
    digits = f"{abs(value.numerator) * 10**6 // value.denominator:07d}"
    return f"{'-' if value < 0 else ''}{digits[:-6]}.{digits[-6:]}".rstrip("0").rstrip(".")


_SPELLINGS: dict[Style, list[Callable[[Fraction], str]]] = {
    Style.LATEX: [_frac, _frac, _mixed, _decimal],
    Style.PLAIN: [_ratio, _ratio, _plain_mixed, _decimal],
}


class _Writer:
    """Writes one expression."""

    def __init__(self, draw: random.Random, style: Style) -> None:
        self._draw = draw
        self._latex = style is Style.LATEX

    def expression(self, depth: int) -> Written:
        """An expression with at most `depth` operations inside one another."""
        if depth == 0:
            return self._number()
        kinds = (self._sum, self._juxtaposed, self._juxtaposed, self._product, self._quotient, self._power, self._minus)
        written = self._draw.choice(kinds)(depth - 1)
        if max(len(str(abs(written.value.numerator))), len(str(written.value.denominator))) > _MOST_DIGITS:
            raise TooLarge
        return written

    def _number(self) -> Written:
        kind = self._draw.randrange(10)
        if kind < 6:
            whole = self._draw.choice((self._draw.randint(0, 9), self._draw.randint(10, 300)))
            return Written(str(whole), Fraction(whole), Tie.ATOM)
        if kind == 6:
            value = Fraction(self._draw.randint(1, 99), self._draw.choice((2, 4, 5, 10)))
            return Written(_decimal(value), value, Tie.ATOM)
        top, bottom = self._draw.randint(1, 12), self._draw.randint(2, 12)
        if kind == 9 and top < bottom:
            whole = self._draw.randint(1, 12)
            return Written(f"{whole}{self._fraction(top, bottom)}", whole + Fraction(top, bottom), Tie.MIXED)
        return self._ratio(Written(str(top), Fraction(top), Tie.ATOM), Written(str(bottom), Fraction(bottom), Tie.ATOM))

    def _fraction(self, top: int, bottom: int) -> str:
        """The second part of a mixed number."""
        if not self._latex:
            return f" {top}/{bottom}"
        return self._draw.choice(
            (rf"\frac{{{top}}}{{{bottom}}}", rf"\dfrac{{{top}}}{{{bottom}}}", *self._bare(top, bottom))
        )

    def _bare(self, top: int, bottom: int) -> list[str]:
        return [rf"\frac{top}{bottom}"] if max(top, bottom) < 10 else []

    def _sum(self, depth: int) -> Written:
        left, right = self.expression(depth), self.expression(depth)
        plus = self._draw.random() < 0.5
        text = self._grouped(right) if right.text.startswith("-") or (not plus and right.tie is Tie.SUM) else right.text
        sign = self._draw.choice((" + ", "+") if plus else (" - ", "-"))
        value = left.value + right.value if plus else left.value - right.value
        return Written(f"{left.text}{sign}{text}", value, Tie.SUM)

    def _juxtaposed(self, depth: int) -> Written:
        r"""A product without a sign: `3(4)`, `(2)(9)`, `3(4)^{2}`, `\frac12(3)(4)`, `4(5)\frac12`."""
        first, second = self.expression(depth), self.expression(depth)
        bare = first.tie in (Tie.ATOM, Tie.POWER) and first.factor and self._draw.random() < 0.7
        left = first.text if bare else self._grouped(first)
        raised = second.tie is Tie.POWER and second.text.startswith(("(", r"\left("))
        right = second.text if raised and self._draw.random() < 0.7 else self._grouped(second)
        text, value = f"{left}{right}", first.value * second.value
        more = self._draw.randrange(8)
        if more == 0:
            third = self._number()
            return Written(f"{text}{self._grouped(third)}", value * third.value, Tie.PRODUCT)
        if more == 1 and self._latex:
            top, bottom = self._draw.randint(1, 9), self._draw.randint(2, 9)
            return Written(text + rf"\frac{{{top}}}{{{bottom}}}", value * Fraction(top, bottom), Tie.PRODUCT)
        return Written(text, value, Tie.PRODUCT)

    def _product(self, depth: int) -> Written:
        left, right = self.expression(depth), self.expression(depth)
        signs = (r"\cdot ", r" \cdot ", r"\times ", r" \times ") if self._latex else ("*", " * ", " × ", "·")
        parts = (self._factor(left), self._draw.choice(signs), self._factor(right, last=True))
        return Written("".join(parts), left.value * right.value, Tie.PRODUCT)

    def _quotient(self, depth: int) -> Written:
        return self._ratio(self.expression(depth), self.expression(depth))

    def _ratio(self, top: Written, bottom: Written) -> Written:
        if not bottom.value:
            raise TooLarge
        value = top.value / bottom.value
        if self._latex and self._draw.random() < 0.8:
            command = self._draw.choice((r"\frac", r"\frac", r"\dfrac", r"\tfrac"))
            return Written(f"{command}{{{top.text}}}{{{bottom.text}}}", value, Tie.ATOM)
        sign = self._draw.choice((r" \div ", r"\div ", "/") if self._latex else ("/", " / ", "÷"))
        text = f"{self._factor(top)}{sign}{self._factor(bottom, last=True)}"
        return Written(text, value, Tie.PRODUCT, factor=False)

    def _power(self, depth: int) -> Written:
        base, exponent = self.expression(depth), self._draw.choice((2, 2, 3, 4, 0, -1, -2))
        if not base.value and exponent <= 0:
            raise TooLarge
        bare = base.tie is Tie.ATOM and base.text.replace(".", "").isdigit()
        left = base.text if bare else self._grouped(base)
        return Written(f"{left}{self._exponent(exponent)}", base.value**exponent, Tie.POWER)

    def _exponent(self, exponent: int) -> str:
        if self._latex:
            return self._draw.choice((f"^{exponent}", f"^{{{exponent}}}")) if exponent >= 0 else f"^{{{exponent}}}"
        sign = self._draw.choice(("^", "**"))
        return f"{sign}{exponent}" if exponent >= 0 else self._draw.choice((f"{sign}({exponent})", f"{sign}{exponent}"))

    def _minus(self, depth: int) -> Written:
        one = self.expression(depth)
        text = self._grouped(one) if one.tie is Tie.SUM or one.text.startswith("-") else one.text
        return Written(f"-{text}", -one.value, Tie.SUM)

    def _factor(self, one: Written, *, last: bool = False) -> str:
        """A part of a product or quotient with a sign: in parentheses if it needs them, and at times if it does not."""
        loose = one.tie in (Tie.SUM, Tie.MIXED) or (last and one.tie is Tie.PRODUCT)
        return self._grouped(one) if loose or self._draw.random() < 0.1 else one.text

    def _grouped(self, one: Written) -> str:
        if self._latex and self._draw.random() < 0.4:
            return rf"\left({one.text}\right)"
        return f"[{one.text}]" if "(" in one.text and self._draw.random() < 0.1 else f"({one.text})"

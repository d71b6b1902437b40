r"""Rules that write the same value in another form: fractions as decimals, products, sums, another order, algebra."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from math import gcd

from tests.grading.rewritings.kinds import (
    Rewrite,
    Rewritten,
    choice,
    decimal,
    equation,
    fraction,
    integer,
    members,
    mixed,
    natural,
    number,
    only,
    roots,
    sub,
)


def _of_integer(write: Callable[[int], str | None], low: int = 1, high: int = 10**12) -> Rewrite:
    """A rule for whole numbers in a range."""

    def rewrite(truth: str) -> Rewritten:
        value = integer(truth)
        return write(value) if value is not None and low <= value < high else None

    return rewrite


def _of_fraction(write: Callable[[str, int, int], str | None]) -> Rewrite:
    """A rule for fractions: sign, numerator, denominator."""

    def rewrite(truth: str) -> Rewritten:
        found = fraction(truth)
        return write(*found) if found else None

    return rewrite


def _factors(value: int) -> tuple[int, int]:
    """The most even factors of a number."""
    return max((one, value // one) for one in range(1, int(value**0.5) + 1) if value % one == 0)


def _as_product(form: str) -> Rewrite:
    """A rule that writes a number as a product of two factors above 1."""

    def write(value: int) -> str | None:
        one, other = _factors(value)
        return form.format(one, other) if one > 1 else None

    return _of_integer(write, 4, 10**6)


def _terminating(sign: str, top: int, bottom: int) -> str | None:
    return f"{sign}{top * (10**6 // bottom) / 10**6:g}" if 10**6 % bottom == 0 and top < 10**3 else None


def _improper(sign: str, top: int, bottom: int) -> str | None:
    whole, rest = divmod(top, bottom)
    return rf"{sign}{whole}\frac{{{rest}}}{{{bottom}}}" if whole and rest else None


def _reduced(sign: str, top: int, bottom: int) -> str | None:
    common = gcd(top, bottom)
    return rf"{sign}\frac{{{top // common}}}{{{bottom // common}}}" if 1 < common < bottom else None


def _scientific(sign: str) -> Rewrite:
    def write(value: int) -> str:
        digits = str(value).rstrip("0")
        first = digits[0] + ("." + digits[1:] if digits[1:] else "")
        return f"{first}{sign.format(len(str(value)) - 1)}"

    return _of_integer(write, 1000)


def _as_fraction(truth: str) -> str:
    value = Fraction(truth)
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def _mixed_as_fraction(truth: str) -> str | None:
    found = mixed(truth)
    return rf"\frac{{{found[0] * found[2] + found[1]}}}{{{found[2]}}}" if found else None


def _mixed_as_decimal(truth: str) -> str | None:
    found = mixed(truth)
    if found is None or 10**6 % found[2]:
        return None
    return f"{found[0] + found[1] / found[2]:g}"


def _turned(truth: str) -> str | None:
    r"""`1+3\sqrt{2}` as `3\sqrt{2}+1`, `1-i` as `-i+1`."""
    found = re.fullmatch(r"(\d+|\\sqrt\{\d+\})([-+])((?:\d*\\sqrt\{\d+\}|\d+|\d*i))", truth)
    return f"{found[2] if found[2] == '-' else ''}{found[3]}+{found[1]}" if found else None


def _of_members(write: Callable[[list[str]], str]) -> Rewrite:
    def rewrite(truth: str) -> Rewritten:
        found = members(truth)
        return write(found) if found and len(found) > 1 else None

    return rewrite


def _of_roots(write: Callable[[list[str]], str]) -> Rewrite:
    def rewrite(truth: str) -> Rewritten:
        found = roots(truth)
        return write(found) if found else None

    return rewrite


def _of_equation(write: Callable[[str, str], str]) -> Rewrite:
    def rewrite(truth: str) -> Rewritten:
        sides = equation(truth)
        return write(*sides) if sides else None

    return rewrite


def _curve(truth: str) -> bool:
    """Whether a truth is an equation in x and y, whose value is the curve and not one side."""
    return equation(truth) is not None and "x" in truth and "y" in truth


def _parts(truth: str) -> bool:
    """Whether a truth has the answers to several parts of a problem."""
    return ";" in truth and " or " not in truth


VALUE: tuple[tuple[str, Rewrite], ...] = (
    ("decimal for a fraction", _of_fraction(_terminating)),
    ("fraction for a decimal", only(decimal, _as_fraction)),
    ("fraction not reduced", _of_fraction(lambda sign, top, bottom: rf"{sign}\frac{{{3 * top}}}{{{3 * bottom}}}")),
    ("fraction reduced", _of_fraction(_reduced)),
    ("mixed number for a fraction", _of_fraction(_improper)),
    ("fraction for a mixed number", _mixed_as_fraction),
    ("decimal for a mixed number", _mixed_as_decimal),
    ("numerator times a fraction", _of_fraction(lambda sign, top, bottom: rf"{sign}{top}\cdot\frac{{1}}{{{bottom}}}")),
    (
        "fraction in parentheses",
        _of_fraction(lambda sign, top, bottom: rf"{sign}{top}\left(\frac{{1}}{{{bottom}}}\right)"),
    ),
    ("power of minus one", _of_fraction(lambda sign, top, bottom: rf"{sign}{top}\cdot {bottom}^{{-1}}")),
    ("minus in the numerator", sub(r"^-\\frac\{(\d+)\}", r"\\frac{-\1}")),
    ("minus in the denominator", sub(r"^-\\frac\{(\d+)\}\{(\d+)\}$", r"\\frac{\1}{-\2}")),
    ("trailing zero", _of_integer(lambda value: f"{value}.0")),
    ("two trailing zeros", only(decimal, lambda truth: f"{truth}00")),
    ("plus sign", _of_integer(lambda value: f"+{value}")),
    ("two minus signs", _of_integer(lambda value: f"-(-{value})")),
    ("powers of ten", _scientific(r"\times 10^{{{}}}")),
    ("powers of ten typed", _scientific("*10^{}")),
    ("E notation", _scientific("e{}")),
    (
        "percentage for a decimal",
        only(decimal, lambda truth: rf"{Fraction(truth) * 100!s}\%" if "/" not in str(Fraction(truth) * 100) else None),
    ),
    ("fraction for a percentage", sub(r"^(\d+(?:\.\d+)?)\\?%$", r"\\frac{\1}{100}")),
    ("product", _as_product("{}({})")),
    ("product of parentheses", _as_product("({})({})")),
    ("product with left and right", _as_product(r"{}\left({}\right)")),
    ("cdot", _as_product(r"{}\cdot {}")),
    ("times", _as_product(r"{}\times {}")),
    ("asterisk", _as_product("{}*{}")),
    ("halved product", _of_integer(lambda value: rf"\frac{{{value}(4)}}{{4}}", 1, 1000)),
    ("sum", _of_integer(lambda value: f"{value - 1}+1", 2)),
    ("product and sum", _of_integer(lambda value: f"2({value // 2})+{value % 2}", 4, 10**6)),
    ("root of a square", _of_integer(lambda value: rf"\sqrt{{{value * value}}}", 1, 1000)),
    ("root sign of a square", _of_integer(lambda value: f"√{value * value}", 1, 1000)),
    ("root of a square typed", _of_integer(lambda value: f"sqrt({value * value})", 1, 1000)),
    ("cube root", _of_integer(lambda value: rf"\sqrt[3]{{{value**3}}}", 1, 100)),
    ("cube root of a negative number", _of_integer(lambda value: rf"-\sqrt[3]{{-{value**3}}}", 1, 100)),
    ("absolute value", _of_integer(lambda value: f"|-{value}|", 1, 1000)),
    ("floor", _of_integer(lambda value: rf"\lfloor {value}.5\rfloor", 1, 1000)),
    ("greatest common divisor", _of_integer(lambda value: rf"\gcd({2 * value},{3 * value})", 1, 1000)),
    ("binomial", _of_integer(lambda value: rf"\binom{{{value}}}{{1}}", 1, 1000)),
    ("binomial times a number", _of_integer(lambda value: rf"\frac{{\binom{{{value}}}{{1}}(6)}}{{6}}", 1, 1000)),
    ("logarithm times a number", _of_integer(lambda value: rf"\log_2 8\cdot {value}-{2 * value}", 1, 1000)),
    ("sine times a number", _of_integer(lambda value: rf"\sin 30^\circ\cdot {2 * value}", 1, 1000)),
    ("logarithms", _of_integer(lambda value: rf"{value}\log_2 3\cdot\log_3 2", 1, 1000)),
    ("万", _of_integer(lambda value: f"{value // 10000}万" if value % 10000 == 0 else None, 10000)),
    ("thousand", _of_integer(lambda value: rf"{value // 1000}\text{{ thousand}}" if value % 1000 == 0 else None, 1000)),
    (
        "hours and minutes",
        only(natural, lambda truth: (f"{truth} hours 30 minutes", f"{int(truth) * 60 + 30} minutes")),
    ),
    ("小时和分", only(natural, lambda truth: (f"{truth}小时15分", f"{int(truth) * 60 + 15}分钟"))),
    ("one added and taken away", only(number, lambda truth: f"1+{truth}-1" if not truth.startswith("-") else None)),
    ("half of the double", only(number, lambda truth: rf"\frac{{2\left({truth}\right)}}{{2}}")),
    ("cdot for juxtaposition", sub(r"(?<=\d)(?=\\sqrt|\\pi)", r"\\cdot ")),
    ("times for juxtaposition", sub(r"(?<=\d)(?=\\sqrt|\\pi)", r"\\times ")),
    ("factor in parentheses", sub(r"(?<=\d)(\\sqrt\{\d+\}|\\pi)", r"(\1)")),
    ("factors turned", sub(r"^(\d+)(\\sqrt\{\d+\}|\\pi)$", r"\2\\cdot \1")),
    ("fraction before a root", sub(r"^(-?)\\frac\{(\\sqrt\{\d+\}|\\pi)\}\{(\d+)\}$", r"\1\\frac{1}{\3}\2")),
    ("root over a number on one line", sub(r"^(-?)\\frac\{(\\sqrt\{\d+\}|\\pi)\}\{(\d+)\}$", r"\1\2/\3")),
    ("root as a power", sub(r"(?<!\d)\\sqrt\{(\d+)\}", r"\1^{\\frac{1}{2}}")),
    ("root as a power of one half", sub(r"(?<!\d)\\sqrt\{(\d+)\}", r"\1^{1/2}")),
    (
        "root under one root",
        sub(r"^(\d)\\sqrt\{(\d+)\}$", lambda found: rf"\sqrt{{{int(found[1]) ** 2 * int(found[2])}}}"),
    ),
    ("terms turned", _turned),
    ("members turned", _of_members(lambda found: rf"\{{{','.join(reversed(found))}\}}")),
    ("members with blanks", _of_members(lambda found: rf"\{{ {' , '.join(found)} \}}")),
    ("member twice", _of_members(lambda found: rf"\{{{','.join([*found, found[0]])}\}}")),
    ("commas for semicolons or or", _of_roots(", ".join)),
    ("and for semicolons", only(_parts, _of_roots(r"\text{ and }".join))),
    ("或 for or", sub(r"\s+or\s+", "或")),
    (
        "numbered parts",
        only(_parts, _of_roots(lambda found: "；".join(f"（{n}）{one}" for n, one in enumerate(found, 1)))),
    ),
    ("choices turned", only(lambda truth: choice(truth) and len(truth) > 1, lambda truth: truth[::-1])),
    ("sides turned", _of_equation(lambda left, right: f"{right}={left}")),
    ("all on one side", only(_curve, _of_equation(lambda left, right: f"{left}-({right})=0"))),
    ("both sides doubled", only(_curve, _of_equation(lambda left, right: f"2({left})=2({right})"))),
    ("set-builder as an interval", sub(r"^\\\{x\|(-?\d+)\\leq x < (\d+)\\\}$", r"[\1,\2)")),
    ("interval as a set-builder", sub(r"^\[(\d+),(\d+)\)$", r"\\{x\\mid \1\\le x<\2\\}")),
)

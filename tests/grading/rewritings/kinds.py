r"""What a ground truth is, as far as its text shows: a number, a fraction, a set, a choice, an interval.

Also how rules are built from patterns. Rules that need a kind get its regular expression here, so that no two rules
mean different things by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

Rewritten = str | tuple[str, str] | None
"""An answer for the truth itself, an answer and what is expected, or None where a rule does not apply."""

Rewrite = Callable[[str], Rewritten]

_NUMERIC_SIGNS = re.compile(r"\\(?:[dt]?frac|sqrt|pi|cdot|times|left|right)(?![a-zA-Z])|[-\d.+/^{}()\[\] ]")
_FRACTION = re.compile(r"(-?)(?:\\frac\{(\d+)\}\{(\d+)\}|\\frac(\d)(\d)|(\d+)/(\d+))")
_MIXED = re.compile(r"(\d+)\\frac(?:\{(\d+)\}\{(\d+)\}|(\d)(\d))")
_INTERVAL = re.compile(r"(?:\\left)?([\[(])([^,;]+),([^,;]+?)(?:\\right)?([\])])")
_CHOICE = re.compile(r"[A-K](?: ?[A-K]){0,3}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to rewrite a truth.

    Attributes:
        name: Of the rule, in a few words.
        rewrite: From a truth to what the rule makes of it.
        equal: Whether the two answers of the result are equal.
    """

    name: str
    rewrite: Rewrite
    equal: bool

    def pair(self, truth: str) -> tuple[str, str] | None:
        """The answer and what is expected; None where the rule does not apply."""
        done = self.rewrite(truth)
        pair = (done, truth) if isinstance(done, str) else done
        return None if pair is None or pair[0] == pair[1] else pair


def sub(old: str, new: str | Callable[[re.Match[str]], str], count: int = 0) -> Rewrite:
    """A rule that replaces a pattern."""
    pattern = re.compile(old)
    return lambda truth: pattern.sub(new, truth, count=count)


def only(kind: Callable[[str], object], rewrite: Rewrite) -> Rewrite:
    """A rule for the truths of one kind."""
    return lambda truth: rewrite(truth) if kind(truth) else None


def integer(truth: str) -> int | None:
    """The value of a truth that is a whole number without separators."""
    return int(truth) if re.fullmatch(r"-?\d+", truth) else None


def natural(truth: str) -> bool:
    """Whether a truth is a whole number from 1 to 999."""
    return re.fullmatch(r"[1-9]\d{0,2}", truth) is not None


def decimal(truth: str) -> bool:
    """Whether a truth is a decimal fraction."""
    return re.fullmatch(r"-?\d+\.\d+", truth) is not None


def plain_number(truth: str) -> bool:
    """Whether a truth is digits with a sign and a point at most."""
    return integer(truth) is not None or decimal(truth)


def fraction(truth: str) -> tuple[str, int, int] | None:
    """Sign, numerator and denominator of a truth that is one fraction."""
    found = _FRACTION.fullmatch(truth)
    if found is None:
        return None
    sign, *numbers = found.groups()
    top, bottom = (int(one) for one in numbers if one)
    return sign, top, bottom


def mixed(truth: str) -> tuple[int, int, int] | None:
    """The whole, the numerator and the denominator of a mixed number."""
    found = _MIXED.fullmatch(truth)
    if found is None:
        return None
    whole, top, bottom = (int(one) for one in found.groups() if one)
    return whole, top, bottom


def number(truth: str) -> bool:
    """Whether a truth is one number: digits, roots, fractions, pi, signs."""
    return bool(truth) and not _NUMERIC_SIGNS.sub("", truth) and fraction(truth) != ("", 0, 0)


def interval(truth: str) -> tuple[str, str, str, str] | None:
    """Bracket, end, end and bracket of an interval; also a point with two coordinates."""
    found = _INTERVAL.fullmatch(truth)
    return (found[1], found[2].strip(), found[3].strip(), found[4]) if found else None


def members(truth: str) -> list[str] | None:
    r"""The members of a set that is written as a list."""
    found = re.fullmatch(r"\\\{(.*)\\\}", truth)
    return None if found is None or re.search(r"\||\\mid", found[1]) else parts(found[1], ",")


def parts(text: str, separator: str) -> list[str]:
    """`text` divided at the separators that stand in no brackets."""
    found, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == separator and depth == 0 and text[:place][-1:] != "\\":
            found.append(text[start:place].strip())
            start = place + 1
    return [*found, text[start:].strip()]


def roots(truth: str) -> list[str] | None:
    """The answers of a truth that has several, separated by semicolons or by "or"."""
    found = re.split(r"\s+or\s+", truth) if " or " in truth else parts(truth, ";")
    return found if len(found) > 1 and not re.search(r"[\u4e00-\u9fff]", truth) else None


def choice(truth: str) -> str | None:
    """The letters of a truth that is a choice, without blanks."""
    return truth.replace(" ", "") if _CHOICE.fullmatch(truth) else None


def equation(truth: str) -> tuple[str, str] | None:
    """The two sides of a truth that is one equation without a list."""
    sides = parts(truth, "=")
    return (sides[0], sides[1]) if len(sides) == 2 and not re.search(r"[;,<>]|\\pm", truth) else None

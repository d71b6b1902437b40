"""Numerals: decimals, scientific notation, repeating decimals, digits with their base as an index."""

from __future__ import annotations

import re
from fractions import Fraction

from qmath_cli.mathematics.meaning.terms import NotUnderstood, Number

_MOST_DIGITS = 4000  # of an exponent of ten written as 1e9999
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def decimal(text: str) -> Number:
    """`12`, `1.50`, `.5`, `2.`, `1.2e5` as a number; its places are the digits after the point."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, point, after = mantissa.partition(".")
    power = int(exponent or 0)
    if abs(power) > _MOST_DIGITS:
        raise NotUnderstood(f"the number {text}")
    value = Fraction(int((whole or "0") + after), 10 ** len(after)) * Fraction(10) ** power
    is_decimal = bool(point and after) or (bool(exponent) and power < 0)
    return Number(value, max(0, len(after) - power) if is_decimal else None)


def repeating(whole: str, fixed: str, period: str) -> Number:
    """`0.1666...` from its digits before the point, those that do not repeat, and the period."""
    nines = int("9" * len(period) + "0" * len(fixed))
    value = Fraction(int(fixed + period) - int(fixed or "0"), nines) + int(whole or "0")
    return Number(value)


def in_base(digits: str, base: int) -> Number:
    """The value of a numeral written with its base. Raises `NotUnderstood` where a digit is too large for it."""
    if not 2 <= base <= 36 or not re.fullmatch(r"[0-9A-Za-z]+", digits):
        raise NotUnderstood(f"{digits} in base {base}")
    if any(_DIGITS.index(digit) >= base for digit in digits.upper()):
        raise NotUnderstood(f"{digits} is no numeral in base {base}")
    return Number(Fraction(int(digits, base)))

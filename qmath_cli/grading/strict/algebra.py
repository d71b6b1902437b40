r"""Leaves of an answer: LaTeX to sympy by math-verify's parser, and whether two expressions are equal.

Numbers are compared exactly, or to 30 digits where sympy has no closed form. Expressions with variables are compared by
value at several points; points where either side is not real count only if there are no others. If a decimal is
expected, an exact number that rounds to it is equal; a decimal does not equal an exact expected number.

May take any time and memory: call it only in a process that can be killed (`child`).
"""

from __future__ import annotations

import re
from typing import Any

# Values of the variables: fractions without common factors, so that special values are avoided.
_POINTS = ("7/11", "-3/5", "23/9", "-31/13", "41/7", "-53/10", "97/8")
_DIGITS = 30
_DECIMAL = re.compile(r"-?\s*\d*\.(\d+)(?:\s*(?:\\times|\\cdot)\s*10\^\{?-?\d+\}?)?")
_BASE = re.compile(r"\(?(\d+)\)?_\{?\(?(\d+)\)?\}?")
_REPEATING = re.compile(r"(\d*)\.(\d*?)\\(?:overline|dot|bar)\{(\d+)\}(?:(\d*)\\dot\{(\d)\})?")


class Unreadable(Exception):
    """Text that is not an expression, or expressions that cannot be compared; the message is the reason."""


def parse(tex: str) -> Any:  # noqa: ANN401  sympy has no useful types
    """The sympy expression of a leaf. Raises `Unreadable`."""
    import sympy
    from latex2sympy2_extended import latex2sympy
    from latex2sympy2_extended.latex2sympy2 import ConversionConfig

    if re.search(r"\d\s+\d|\\text|\\begin\{v|['\"@#&]|[\u4e00-\u9fff]", tex) or not tex.strip():
        raise Unreadable(tex)
    tex = _REPEATING.sub(_fraction, tex)
    based = _BASE.fullmatch(tex.strip())
    if based:
        return _in_base(based[1], int(based[2]))
    try:
        found = latex2sympy(tex, conversion_config=ConversionConfig(lowercase_symbols=False))
    except (RecursionError, MemoryError):
        raise
    except Exception as exc:  # the generated parser raises plain Exception for invalid text
        raise Unreadable(f"cannot read {tex[:60]!r}") from exc
    if not isinstance(found, (sympy.Basic, sympy.MatrixBase)):
        raise Unreadable(tex)
    return found.subs({sympy.Symbol("i"): sympy.I, sympy.Symbol("e"): sympy.E})


def equal(left: Any, right: Any) -> bool:  # noqa: ANN401
    """Whether two parsed leaves are equal. Raises `Unreadable` if neither algebra nor numbers decide."""
    if left == right:
        return True
    if getattr(left, "is_Matrix", False) or getattr(right, "is_Matrix", False):
        return bool(getattr(left, "shape", 0) == getattr(right, "shape", 1)) and all(
            equal(a, b) for a, b in zip(left, right, strict=True)
        )
    if not (hasattr(left, "free_symbols") and hasattr(left, "evalf") and hasattr(right, "evalf")):
        return False
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    return _equal_at_points(left, right, symbols) if symbols else _same_number(left, right)


def rounds_to(exact: Any, decimal: str) -> bool:  # noqa: ANN401
    """Whether the number `exact` rounds to `decimal`, which has two decimal places or more."""
    digits = _DECIMAL.fullmatch(decimal.strip())
    if digits is None or len(digits[1]) < 2 or getattr(exact, "free_symbols", True):
        return False
    rounded = parse(decimal)
    unit = parse(re.sub(r"\d*\.\d+", f"0.{'0' * (len(digits[1]) - 1)}1", decimal.replace("-", "", 1), count=1))
    return bool(abs((exact - rounded).evalf(_DIGITS)) <= unit.evalf(_DIGITS) * 0.5000001)


def is_decimal(tex: str) -> bool:
    """Whether a leaf is written as a decimal fraction, so that it may be a rounded value."""
    return _DECIMAL.fullmatch(tex.strip()) is not None


def proportional(left: Any, right: Any, *, positive: bool) -> bool:  # noqa: ANN401
    """Whether left = c * right for a constant c other than 0 (above 0, if `positive`)."""
    from sympy import simplify

    if left.is_zero or right.is_zero:
        return bool(left.is_zero and right.is_zero)
    ratio = simplify(left / right)
    return not ratio.free_symbols and bool(ratio > 0 if positive else ratio != 0)


def _fraction(found: re.Match[str]) -> str:
    r"""`0.1\overline{6}` as a fraction; dots over the first and last digit of the period mean the same."""
    whole, fixed, period = found[1] or "0", found[2], found[3] + (found[4] or "") + (found[5] or "")
    nines = int("9" * len(period) + "0" * len(fixed))
    top = int(fixed + period) - int(fixed or "0") + int(whole) * nines
    return rf"\frac{{{top}}}{{{nines}}}"


def _in_base(digits: str, base: int) -> Any:  # noqa: ANN401
    """The value of a numeral with its base as a subscript."""
    from sympy import Integer

    try:
        return Integer(int(digits, base))
    except ValueError as exc:
        raise Unreadable(f"{digits} is not a numeral in base {base}") from exc


def _same_number(left: Any, right: Any) -> bool:  # noqa: ANN401
    from sympy import nan, oo, zoo

    if {left, right} & {oo, -oo, zoo, nan}:
        return False
    exact = _as_fractions(left), _as_fractions(right)
    difference = (exact[0] - exact[1]).evalf(_DIGITS, maxn=400)
    if not difference.is_number or difference is nan:
        raise Unreadable("no value")
    scale = max(abs(exact[0].evalf(15)), abs(exact[1].evalf(15)), 1e-300)
    return bool(abs(difference) <= scale * 10 ** (5 - _DIGITS))


def _as_fractions(number: Any) -> Any:  # noqa: ANN401
    """`number` with its decimals as exact fractions: 0.1 is one tenth."""
    from sympy import Float, Rational

    return number.xreplace({one: Rational(str(one)) for one in number.atoms(Float)})


def _equal_at_points(left: Any, right: Any, symbols: list[Any]) -> bool:  # noqa: ANN401
    """Compare values at points where both sides are real; if there are none, at points with complex values."""
    from sympy import Rational

    real: list[tuple[Any, Any]] = []
    complex_values: list[tuple[Any, Any]] = []
    for shift in range(len(_POINTS)):
        point = {one: Rational(_POINTS[(shift + 3 * k) % len(_POINTS)]) + k for k, one in enumerate(symbols)}
        a, b = (_as_fractions(side).subs(point).evalf(_DIGITS) for side in (left, right))
        if not (a.is_number and b.is_number) or a.is_finite is False or b.is_finite is False:
            continue
        (real if a.is_real and b.is_real else complex_values).append((a, b))
    if not real and not complex_values:
        return _equal_by_algebra(left, right)
    return all(abs(a - b) <= (abs(a) + abs(b) + 1e-12) * 10 ** (8 - _DIGITS) for a, b in real or complex_values)


def _equal_by_algebra(left: Any, right: Any) -> bool:  # noqa: ANN401
    from sympy import simplify

    difference = simplify(left - right)
    if difference == 0:
        return True
    if difference.is_zero is False or difference.free_symbols:
        return False
    raise Unreadable("no value at any point")

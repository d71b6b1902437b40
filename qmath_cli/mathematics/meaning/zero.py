"""Whether a constant is zero: proofs by sympy.

Tried in order: expansion, logarithms of primes as independent letters, cosines of fractions of pi as powers of a root
of unity, simplification, the sine or exponential of a sum of arcs or logarithms, the minimal polynomial. May take any
time.
"""

from __future__ import annotations

from typing import Any

from qmath_cli.mathematics.meaning.algebra import as_sympy
from qmath_cli.mathematics.meaning.terms import Term


def is_zero(term: Term) -> bool | None:
    """Whether a constant is zero: proved by sympy, or None."""
    import sympy

    expression = as_sympy(term)
    for simplify in (
        lambda one: one,
        sympy.expand,
        lambda one: sympy.expand(sympy.expand_log(one, force=True)),
        lambda one: sympy.expand(sympy.sqrtdenest(sympy.radsimp(one))),
        _in_logarithms_of_primes,
        _in_exponentials,
        sympy.simplify,
    ):
        found = simplify(expression)
        if found == 0:
            return True
        if found.is_Rational:
            return False
    return _zero_by_its_sine(expression) or _algebraic_zero(expression)


def _zero_by_its_sine(expression: Any) -> bool | None:  # noqa: ANN401
    """Whether a sum of arcs and logarithms near zero is zero: its sine is 0, or its exponential 1; else None."""
    import sympy

    if expression.has(sympy.atan, sympy.asin, sympy.acos, sympy.acot) and abs(expression.evalf(20)) < 1:
        sine = sympy.expand(sympy.sin(expression), trig=True)
        return True if sine == 0 or _algebraic_zero(sine) else None
    if expression.has(sympy.log) and expression.is_real:
        return True if sympy.simplify(sympy.powsimp(sympy.expand(sympy.exp(expression)), force=True)) == 1 else None
    return None


def _in_logarithms_of_primes(expression: Any) -> Any:  # noqa: ANN401
    """Logarithms of rational numbers as sums of logarithms of primes, each of them an independent letter."""
    import sympy

    found = {}
    for one in expression.atoms(sympy.log):
        if not one.args[0].is_Rational or one.args[0] <= 0 or max(one.args[0].p, one.args[0].q) > 10**12:
            return expression
        factors = sympy.factorrat(one.args[0])
        found[one] = sum(power * sympy.Symbol(f"log{prime}") for prime, power in factors.items())
    return sympy.cancel(sympy.together(expression.xreplace(found))) if found else expression


def _in_exponentials(expression: Any) -> Any:  # noqa: ANN401
    r"""Cosines of fractions of pi as powers of a root of unity, reduced by its minimal polynomial."""
    import sympy

    kinds = (sympy.sin, sympy.cos, sympy.tan, sympy.cot, sympy.sec)
    angles = [one.args[0] / sympy.pi for one in expression.atoms(*kinds)]
    angles = [one for one in angles if one.is_Rational]
    if not angles:
        return expression
    order = int(2 * sympy.ilcm(*(one.q for one in angles)))
    if order > 720:
        return expression
    z = sympy.Symbol("z")
    i = sympy.I if order % 4 else z ** (order // 4)
    written = expression
    for one in written.atoms(*kinds):
        turn = one.args[0] / sympy.pi * order / 2
        if turn.is_Integer:
            written = written.xreplace({one: _on_the_circle(one, z ** (int(turn) % order), i)})
    top = sympy.numer(sympy.together(written))
    return sympy.rem(sympy.expand(top), sympy.cyclotomic_poly(order, z), z) if top.free_symbols == {z} else expression


def _on_the_circle(function: Any, power: Any, i: Any) -> Any:  # noqa: ANN401
    import sympy

    cosine, sine = (power + 1 / power) / 2, (power - 1 / power) / (2 * i)
    values = {sympy.sin: sine, sympy.cos: cosine, sympy.tan: sine / cosine, sympy.cot: cosine / sine,
              sympy.sec: 1 / cosine}  # fmt: skip
    return values[type(function)]


def _algebraic_zero(expression: Any) -> bool | None:  # noqa: ANN401
    """Whether an algebraic number is zero, by its minimal polynomial; None for any other number."""
    import sympy

    x = sympy.Symbol("x")
    try:
        return bool(sympy.minimal_polynomial(expression, x) == x)
    except (sympy.polys.polyerrors.NotAlgebraic, NotImplementedError, ZeroDivisionError):
        return None

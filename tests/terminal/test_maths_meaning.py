"""A line has the meaning of its formula: formulas of known value are drawn, parsed by sympy, and must have that value.

The parser applies the usual rules only: powers before products, products (written or implied) and quotients from left
to right, then sums. So a missing parenthesis gives a wrong number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, sqrt
from sympy.parsing.sympy_parser import (
    convert_xor,
    implicit_multiplication,
    parse_expr,
    standard_transformations,
)

from qmath_cli.terminal.maths import Alphabet, render_inline

VALUES = {"x": 7, "y": 11, "z": 13}
_RULES = (*standard_transformations, implicit_multiplication, convert_xor)

SUM, PRODUCT, FACTOR = 0, 1, 2


@dataclass(frozen=True)
class Formula:
    """LaTeX, its value, how tightly it binds when typeset, and whether it begins or ends with a digit."""

    latex: str
    value: Fraction
    level: int = FACTOR
    starts_number: bool = False
    ends_number: bool = False


def _letter(name: str) -> Formula:
    return Formula(name, Fraction(VALUES[name]))


def _number(value: int) -> Formula:
    return Formula(str(value), Fraction(value), FACTOR, True, True)


def _at_least(level: int, one: Formula) -> Formula:
    return one if one.level >= level else Formula(rf"\left({one.latex}\right)", one.value)


def _sum(pair: tuple[Formula, Formula, str]) -> Formula:
    left, right, sign = pair
    right = _at_least(PRODUCT, right)
    value = left.value + right.value if sign == "+" else left.value - right.value
    return Formula(f"{left.latex} {sign} {right.latex}", value, SUM, left.starts_number, right.ends_number)


def _dot(pair: tuple[Formula, Formula, str]) -> Formula:
    left, right = _at_least(PRODUCT, pair[0]), _at_least(FACTOR, pair[1])
    value = left.value * right.value
    return Formula(rf"{left.latex} {pair[2]} {right.latex}", value, PRODUCT, left.starts_number, right.ends_number)


def _beside(pair: tuple[Formula, Formula]) -> Formula:
    left, right = _at_least(PRODUCT, pair[0]), _at_least(FACTOR, pair[1])
    if right.starts_number or (left.ends_number and right.latex.startswith(r"\frac")):
        right = Formula(rf"\left({right.latex}\right)", right.value)  # 2 3 and 2 1/2 are not products
    value = left.value * right.value
    return Formula(f"{left.latex} {right.latex}", value, PRODUCT, left.starts_number, right.ends_number)


def _fraction(pair: tuple[Formula, Formula]) -> Formula:
    top, bottom = pair
    value = top.value / bottom.value if bottom.value else top.value
    return Formula(rf"\frac{{{top.latex}}}{{{bottom.latex if bottom.value else 1}}}", value)


def _divided(pair: tuple[Formula, Formula]) -> Formula:
    left, right = _at_least(PRODUCT, pair[0]), _at_least(FACTOR, pair[1])
    if not right.value:
        return left
    return Formula(rf"{left.latex} \div {right.latex}", left.value / right.value, PRODUCT, left.starts_number)


def _power(pair: tuple[Formula, int]) -> Formula:
    base = pair[0] if len(pair[0].latex) == 1 else Formula(rf"\left({pair[0].latex}\right)", pair[0].value)
    return Formula(f"{base.latex}^{{{pair[1]}}}", base.value ** pair[1], FACTOR, base.starts_number, False)


def _root_of_square(one: Formula) -> Formula:
    return Formula(rf"\sqrt{{\left({one.latex}\right)^2}}", abs(one.value))


def _combined(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    return st.one_of(
        st.tuples(inner, inner, st.sampled_from("+-")).map(_sum),
        st.tuples(inner, inner, st.sampled_from([r"\cdot", r"\times"])).map(_dot),
        st.tuples(inner, inner).map(_beside),
        st.tuples(inner, inner).map(_fraction),
        st.tuples(inner, inner).map(_fraction),
        st.tuples(inner, inner).map(_divided),
        st.tuples(inner, st.integers(2, 3)).map(_power),
        inner.map(_root_of_square),
    )


ATOMS = st.one_of(st.sampled_from("xyz").map(_letter), st.integers(1, 20).map(_number))
FORMULAS = st.recursive(ATOMS, _combined, max_leaves=9)


def read_back(line: str) -> Fraction:
    """The value of an ASCII line."""
    names = {name: Rational(value) for name, value in VALUES.items()}
    spaced = re.sub(r"(?<=[xyz])(?=[xyz]|sqrt)", " ", line)
    found = parse_expr(spaced, local_dict={**names, "sqrt": sqrt}, transformations=_RULES)
    return Fraction(int(found.p), int(found.q))


@given(FORMULAS)
@settings(max_examples=400, deadline=None)
def test_a_line_has_the_value_of_its_formula(formula: Formula) -> None:
    """For every combination of sums, products, quotients, powers and roots."""
    line = render_inline(formula.latex, Alphabet.ASCII)
    assert line is None or read_back(line) == formula.value, line


@given(FORMULAS)
@settings(max_examples=400, deadline=None)
def test_both_alphabets_have_the_same_parentheses(formula: Formula) -> None:
    """So the values hold for Unicode, too: with its signs spelled in ASCII the line is the same."""
    plain, drawn = (render_inline(formula.latex, alphabet) for alphabet in (Alphabet.ASCII, Alphabet.UNICODE))
    if plain is None or drawn is None:
        assert plain is drawn
        return
    spelled = drawn.replace("²", "^2").replace("³", "^3").replace("⋅", "*").replace("×", "*").replace("÷", "/")
    if "√" not in spelled:
        assert spelled.replace(" ", "") == plain.replace(" ", "")

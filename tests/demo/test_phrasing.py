"""How a problem is divided into words and formulas."""

from __future__ import annotations

import pytest

from qmath_cli.demo.phrasing import plainly, read


def _words(problem: str) -> str:
    return " ".join(read(plainly(problem)).words)


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("Find the roots of x^2 - 5x + 6 = 0.", "find the roots of #"),
        ("If f(x) = 3x, what is f(2)?", "if # what is #"),
        ("How many days are between 4 May 1999 and 2001-01-31?", "how many days are between # and #"),
        ("A car travels 30 km.", "a car travels # km"),
        ("What is the LCM of 4 and 6?", "what is the lcm of # and #"),
        ("What is lcm(4, 6)?", "what is #"),
        ("求 2 的 3 次方。", "求 # 的 # 次 方"),
        ("Compute 5!.", "compute #"),
        ("", ""),
    ],
)
def test_a_formula_is_one_place_among_the_words(problem: str, words: str) -> None:
    """Numbers, letters, signs and functions that stand together; months in dates, and `a` is a word."""
    assert _words(problem) == words


@pytest.mark.parametrize(
    "typed",
    [
        r"$3 \times \frac{1}{2} = x^2$",
        r"$$3 \times \dfrac{1}{2} = x^{2}$$",
        r"\(3 \cdot \frac 1 2 = x²\)",
        "`3 × \\frac{1}{2} = x**2`",
        "3·\\frac{17}{28}=x^2",
    ],
)
def test_notation_does_not_change_the_shape(typed: str) -> None:
    """Dollars, braces, signs of multiplication, powers and the numbers themselves."""
    assert read(plainly(typed)).shapes == (("9", "*", "\\frac", "9", "9", "=", "x", "^", "2"),)


def test_a_factorial_keeps_its_sign() -> None:
    """It ends no sentence."""
    assert read("Compute 5! - 3!.").slots == ("5! - 3!",)


def test_months_are_written_out() -> None:
    """As the demo's training data has them."""
    assert plainly("from 4 jan. 1999 to MARCH 5") == "from 4 January 1999 to March 5"

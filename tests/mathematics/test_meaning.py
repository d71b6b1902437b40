"""The grammar of expressions, exact values, and proofs of equality and difference."""

from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.mathematics.meaning import algebra, matrices
from qmath_cli.mathematics.meaning.equality import Undecided, equal
from qmath_cli.mathematics.meaning.expressions import meaning
from qmath_cli.mathematics.meaning.terms import Matrix, NotUnderstood, Term, symbols
from qmath_cli.mathematics.meaning.values import Evaluator
from qmath_cli.mathematics.typed.reader import read


def term(text: str) -> Term:
    """The term of a text."""
    return meaning(read(text))


def value(text: str) -> Fraction:
    """The exact value of a text."""
    found = Evaluator(mpmath.mp).value(term(text))
    assert isinstance(found, Fraction)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3(4)", "12"),
        (r"2\left(\frac12\right)", "1"),
        ("(2)(9)", "18"),
        (r"\frac{6(5)}{2}", "15"),
        (r"3\frac12", "7/2"),
        (r"5\frac32", "15/2"),
        ("-4 4/9", "-40/9"),
        ("2(1/2)", "1"),
        (r"2^3\frac12", "4"),
        ("1/2/2", "1/4"),
        ("2/(-3)", "-2/3"),
        ("10!/(7!3!)", "120"),
        ("7!!", "105"),
        (r"\binom{10}{3}", "120"),
        ("C_5^2", "10"),
        (r"\mathrm{A}_4^2", "12"),
        (r"{}_{10}C_3", "120"),
        (r"0.1\overline{6}", "1/6"),
        (r"0.\dot12\dot3", "41/333"),
        ("1.2e-2", "3/250"),
        ("101_2", "5"),
        (r"\sqrt[3]{-8}", "-2"),
        (r"\sqrt{\frac{9}{4}}", "3/2"),
        (r"\lfloor -7/2\rfloor", "-4"),
        (r"\lceil 3.2\rceil", "4"),
        ("|-5|", "5"),
        (r"\max\{2,3\}", "3"),
        (r"\gcd(12,18)", "6"),
        (r"\operatorname{lcm}(4,6)", "12"),
        (r"17\bmod 5", "2"),
        (r"\sum_{k=1}^{10}k^2", "385"),
        (r"\prod_{i=1}^{4} i", "24"),
        ("50%", "1/2"),
        (r"\begin{vmatrix}1&2\\3&4\end{vmatrix}", "-2"),
    ],
)
def test_rational_expressions_have_an_exact_value(text: str, expected: str) -> None:
    """As a fraction of integers."""
    assert value(text) == Fraction(expected)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (r"\sin x\cdot\cos x", r"\cos x\sin x"),
        (r"\ln 2\cdot 3", r"3\ln 2"),
        (r"\lfloor 10^{30}\pi\rfloor", "3141592653589793238462643383279"),
        (r"\sin(x)^2", r"\sin^2 x"),
        (r"\sin40^\circ(\tan10^\circ-\sqrt3)", "-1"),
        (r"\log_23\cdot\log_34", "2"),
        (r"\log_28", "3"),
        (r"\sin 2(x+\pi)", r"\sin(2x+2\pi)"),
        (r"\sin^{-1}(1)", r"\frac{\pi}{2}"),
        ("ad-bc", "da-cb"),
        ("2e", r"2\mathrm{e}"),
        (r"\frac{d}{dx}x^2", "2x"),
        (r"\int_0^1 x\,dx", r"\frac12"),
        (r"\int_1^e\frac{dx}{x}", "1"),
        (r"a_{n+1}", "a_{1+n}"),
        (r"\lim_{x\to0}\frac{\sin x}{x}", "1"),
        (r"\lim_{x\to0^+}\frac1x", r"\infty"),
        (r"\sqrt[3]{x^3}", "x"),
        ("i^{4n}", "1"),
        (r"\sqrt{3+2\sqrt2}", r"1+\sqrt2"),
        (r"\sqrt[3]{2+\sqrt5}+\sqrt[3]{2-\sqrt5}", "1"),
        (r"e^{i\pi}", "-1"),
        (r"\arctan1+\arctan2+\arctan3", r"\pi"),
        (r"(\lg2)^2+\lg2\lg50+\lg25", "2"),
        (r"\sum_{k=0}^n\binom nk", "2^n"),
        (r"\left\lfloor\frac{n+1}{2}\right\rfloor", r"\left\lceil\frac n2\right\rceil"),
        (r"(2n-1)!!", r"\frac{(2n)!}{2^n n!}"),
    ],
)
def test_equal_expressions_are_equal(left: str, right: str) -> None:
    """By grammar, by proof, or at all points."""
    assert equal(term(left), term(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("2^{100}-1", "2^{100}"),
        (r"1-\frac{1}{3^{60}}", "1"),
        (r"\sqrt{10^{60}+1}", "10^{30}"),
        ("e^{100}+1", "e^{100}"),
        ("2^{2^{1000}}", "5"),
        (r"e^{\pi\sqrt{163}}", "262537412640768744"),
        (r"\sqrt[3]{-8}", r"1+\sqrt3i"),
        ("50!", "50!+1"),
        (r"\ln 2\cdot 3", r"\ln 6"),
        (r"\ln x-1", r"\ln(x-1)"),
        ("|x-1000|", "1000-x"),
        (r"\max(x,50)", "50"),
        ("x^{100}+1", "x^{100}"),
        (r"\lceil x\rceil", r"\lfloor x\rfloor+1"),
        (r"\sqrt{x}", r"\sqrt{|x|}"),
        (r"\sqrt{x^2}", "x"),
        (r"\overline{z}", "z"),
        (r"n\bmod 100", "n"),
        ("f(x+1)", "f(x)+f(1)"),
        (r"\vec a\times\vec b", r"\vec b\times\vec a"),
    ],
)
def test_different_expressions_are_different(left: str, right: str) -> None:
    """However many digits they share, and wherever their graphs coincide."""
    assert not equal(term(left), term(right))


def test_constants_that_are_neither_proved_equal_nor_different_are_undecided() -> None:
    """They agree in thousands of digits: no interval shows the difference, and no rule of algebra does."""
    left = r"\sin(\cos 1)+10^{-4000}\sin(\ln 3)"
    with pytest.raises(Undecided, match="agree in more than 25 digits"):
        equal(term(left), term(r"\sin(\cos 1)"))


@pytest.mark.parametrize("text", ["9^{9^{9^9}}", "(10^{20})!", r"\frac{1}{0}", r"\ln 0", r"\frac{1}{2-2}"])
def test_a_value_that_cannot_be_had_is_no_equality(text: str) -> None:
    """It is refused at once, with the reason."""
    with pytest.raises(NotUnderstood):
        equal(term(text), term("5"))


def test_matrices_are_worked_out() -> None:
    """Transposes, multiples, powers and inverses of grids are grids; of two columns, the dot product is a number."""
    a = r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"
    for text, expected in ((f"{a}^T", "1&3\\\\2&4"), (f"2{a}", "2&4\\\\6&8"), (f"{a}^2", "7&10\\\\15&22"),
                           (f"{a}^{{-1}}", "-2&1\\\\1.5&-0.5")):  # fmt: skip
        found = matrices.worked_out(term(text))
        assert isinstance(found, Matrix)
        assert equal(found, term(rf"\begin{{pmatrix}}{expected}\end{{pmatrix}}"))
    assert equal(matrices.worked_out(term(r"(1,2)\cdot(3,4)")), term("11"))


@given(st.integers(-50, 50), st.integers(1, 50), st.integers(-50, 50), st.integers(1, 50))
def test_a_sum_of_fractions_is_exact(a: int, b: int, c: int, d: int) -> None:
    """Against Python's fractions, in LaTeX and typed."""
    expected = Fraction(a, b) + Fraction(c, d)
    assert value(rf"\frac{{{a}}}{{{b}}}+\frac{{{c}}}{{{d}}}") == expected
    assert value(f"({a})/{b} + ({c})/{d}") == expected


@pytest.mark.parametrize(
    "text", [r"\frac{x^2+1}{\sqrt{y}}", r"\sin(2x)+e^{x}", r"\binom{n}{2}!", r"|x|+\lfloor y\rfloor", r"\pi-i"]
)
def test_sympy_and_back_changes_no_value(text: str) -> None:
    """What sympy works out comes back as a term."""
    found = algebra.from_sympy(algebra.as_sympy(term(text)))
    assert symbols(found) == symbols(term(text))
    assert equal(found, term(text))

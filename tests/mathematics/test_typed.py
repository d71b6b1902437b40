"""What people type is read into the same tree as LaTeX."""

import pytest

from qmath_cli.mathematics.meaning.expressions import meaning
from qmath_cli.mathematics.meaning.rows import flat
from qmath_cli.mathematics.meaning.terms import NotUnderstood
from qmath_cli.mathematics.tree import Fence, Refused, Text
from qmath_cli.mathematics.typed.reader import read
from qmath_cli.mathematics.typed.signs import spelled
from qmath_cli.mathematics.typed.vocabulary import is_word, parts


@pytest.mark.parametrize(
    ("typed", "latex"),
    [
        ("sqrt(3)", r"\sqrt{3}"),
        ("√16", r"\sqrt{16}"),
        (r"\sqrt 16", r"\sqrt{16}"),
        ("∛8", r"\sqrt[3]{8}"),
        ("x**2", "x^{2}"),
        ("2^10", "2^{10}"),
        ("10^-3", "10^{-3}"),
        ("x^(n+1)", "x^{(n+1)}"),
        (r"x^\frac12", r"x^{\frac{1}{2}}"),
        ("2^3^2", "2^{3^{2}}"),
        ("x⁴", "x^{4}"),
        ("x₁₂", "x_{12}"),
        ("⅔", r"\frac{2}{3}"),
        ("𝑥+𝟐", "x+2"),
        ("２ｘ＋１", "2x+1"),
        ("2*pi*r", r"2*\pi*r"),
        ("xsinx", r"x\sin x"),
        ("asin(x)", r"\arcsin(x)"),
        ("2.5 x 10^3", r"2.5\times 10^{3}"),
        ("x1", "x_{1}"),
        (r"\mathrm{ln}\,2", r"\ln 2"),
        (r"\operatorname{atan}{\left(2 \right)}", r"\arctan{\left(2 \right)}"),
        (r"\mathbf{2 5}", "25"),
        (r"{\bf 42}", "42"),
        (r"\textcolor{red}{42}", "42"),
    ],
)
def test_a_typed_expression_means_what_the_latex_means(typed: str, latex: str) -> None:
    """The terms are equal, not only the values."""
    assert meaning(read(typed)) == meaning(read(latex))


@pytest.mark.parametrize("text", ["ax+by+c", "v=u+at", "F=ma", "am+bn", "abcd", "mn", "xyz", "ABCD"])
def test_products_of_letters_are_no_words(text: str) -> None:
    """Letters that happen to spell a unit or a small word are letters where no number or blank makes them one."""
    assert not any(isinstance(item, Text) for item in flat(read(text)))


@pytest.mark.parametrize(
    ("text", "words"),
    [("5 cm", ["cm"]), ("42 apples are left", ["apples", "are", "left"]), ("12元5角", ["元", "角"]), ("1或3", ["或"]),
     ("60 km/h", ["km/h"]), ("5 cm2", ["cm2"]), ("5 μm", ["μm"]), ("2厘米和3厘米", ["厘米", "和", "厘米"])],
)  # fmt: skip
def test_words_and_units_are_words(text: str, words: list[str]) -> None:
    """Behind a number, between blanks, in Chinese."""
    assert [item.text for item in flat(read(text)) if isinstance(item, Text)] == words


def test_braces_with_commas_are_a_set_and_other_braces_a_group() -> None:
    """`{1, 2}` and `{x|x>1}` keep their braces; `{x+1}` does not."""
    assert [isinstance(flat(read(text))[0], Fence) for text in ("{1, 2}", "{x|x>1}", "{x+1}")] == [True, True, False]


def test_ascii_is_spelled_as_it_is_and_circled_numbers_stay() -> None:
    """Only signs with a meaning in LaTeX change."""
    assert spelled(r"\frac{1}{2} + ~'") == r"\frac{1}{2} + ~'"
    assert spelled("①③") == "①③"


def test_a_name_with_letters_attached_is_split_and_a_word_is_not() -> None:
    """`cost` is no cosine."""
    assert parts("xlnx") == ["x", "ln", "x"]
    assert parts("cost") == ["cost"]
    assert is_word("cost", "", "")


@pytest.mark.parametrize(
    ("text", "piece"),
    [("3 4", "two numbers side by side"), ("(1,2", "an opening ( that is not closed"), ("5+*7", "the sign *"),
     ("2)", "a closing ) without an opening one"), ("x+", "ends too early"), (r"\foo", r"unknown command \foo"),
     (r"\int x", "an integral without its variable"), ("a bird sings", "the words")],
)  # fmt: skip
def test_what_is_not_understood_is_named(text: str, piece: str) -> None:
    """The message is about the piece, in words."""
    with pytest.raises((NotUnderstood, Refused)) as found:
        meaning(read(text))
    assert piece in str(found.value)

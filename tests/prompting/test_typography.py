"""What a problem from a PDF becomes before a model reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.prompting.select import select
from qmath_cli.prompting.typography import in_plain_signs
from qmath_cli.records import Language
from tests.terminal.repl.conversations import MODEL


@pytest.mark.parametrize(
    ("pasted", "plain"),
    [
        ("𝑥² − 5𝑥 + 6", "x^2 - 5x + 6"),
        ("𝐀𝐱 = 𝛌𝐱", "Ax = λx"),
        ("𝟏𝟐 + 𝟑", "12 + 3"),
        ("𝒇(𝒙) = ℎ", "f(x) = h"),
        ("the ﬁrst diﬀerence", "the first difference"),
        ("10⁻³ and (a+b)²", "10^{-3} and (a+b)^2"),
        ("2ⁿ⁺¹", "2^{n+1}"),
        ("a\u00a0=\u20093", "a = 3"),
        ("equa\u00adtion\u200b", "equation"),
        ("x \u2013 3", "x - 3"),
        ("x ∈ ℝ, n ∈ ℕ", "x ∈ ℝ, n ∈ ℕ"),
        ("2³⁄₄", "2³⁄₄"),
        ("½, √2, x₁, 30°, ≤", "½, √2, x₁, 30°, ≤"),
        ("求 ｘ＝１ 的值，“甲”", "求 ｘ＝１ 的值，“甲”"),
    ],
)
def test_letters_and_signs_become_plain_ones(pasted: str, plain: str) -> None:
    """And what means something of its own stays."""
    assert in_plain_signs(pasted) == plain


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_a_problem_in_ascii_is_not_changed(text: str) -> None:
    assert in_plain_signs(text) == text


@given(st.text())
def test_a_plain_text_stays_plain(text: str) -> None:
    """Doing it twice is doing it once."""
    assert in_plain_signs(in_plain_signs(text)) == in_plain_signs(text)


def test_the_model_reads_plain_signs_and_evaluation_data_as_it_is() -> None:
    """In a problem, in earlier problems, and in one that is continued; what the model wrote is not touched."""
    asked = select(MODEL, Language.EN)
    assert "x^2" in asked.typed("𝑥²").text
    assert "y^2" in asked.typed("x", [("𝑦²", "𝑧²")]).text
    assert "𝑧²" in asked.typed("x", [("𝑦²", "𝑧²")]).text
    assert "x^2" in asked.resume("𝑥²", "so").text
    assert "𝑥²" in asked.build("𝑥²").text

"""A problem on one line, in lists and titles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.history.entry import Listed
from qmath_cli.records import Finish, Language, Mode
from qmath_cli.terminal.maths import Alphabet
from qmath_cli.terminal.one_line import formula, one_line
from qmath_cli.terminal.problem_list import cells, listed
from qmath_cli.terminal.style import Style
from qmath_cli.terminal.text_width import columns


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("Find\n  the $x^2$\troot.", 40, "Find the x² root."),
        (r"\[\frac{1}{2}\] of 3", 40, "1/2 of 3"),
        (r"So \(\foo\) is", 40, r"So \(\foo\) is"),
        ("A pen costs $5 and $6.", 40, "A pen costs $5 and $6."),
        ("abcdefghij", 5, "abcd…"),
        ("abc defghij", 5, "abc…"),
        ("求方程的根", 6, "求方…"),
        ("\x1b[31mred", 10, "[31mred"),
    ],
)
def test_a_text_is_one_line(text: str, width: int, expected: str) -> None:
    """Its formulas drawn, its blanks single, its end cut, nothing in it that moves a cursor."""
    assert one_line(text, width) == expected


def test_a_formula_is_drawn_or_stays_as_it_is() -> None:
    assert formula(r"\frac{1}{2}", 20) == "1/2"
    assert formula(r"\frac{1}{2}", 20, None) == r"\frac{1}{2}"
    assert formula(r"x_{1}^{2}", 20, Alphabet.ASCII).isascii()


LINE = Listed(
    7, datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "p", None, Finish.NO_ANSWER, Mode.COT, Language.EN, "demo"
)  # fmt: skip


@given(
    problem=st.text(st.sampled_from(list("ab 求根$x^2\\{}\n\t")), max_size=200),
    answer=st.none() | st.text(st.sampled_from(list("x2 \\frac{1}{2},求")), max_size=100),
    columns_=st.sampled_from([40, 80, 200]),
)
def test_a_list_fits_the_terminal(problem: str, answer: str | None, columns_: int) -> None:
    """At every width; and a pipe gets six cells."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns_))
        lines = listed([replace(LINE, problem=problem, answer=answer), LINE], Style(drawn=True))
    assert len(lines) == 2
    assert all(columns(line) <= columns_ for line in lines)
    assert len(cells(replace(LINE, problem=problem, answer=answer)).split("\t")) == 6


def test_a_missing_answer_is_stated() -> None:
    assert "(interrupted)" in listed([replace(LINE, finish=Finish.INTERRUPTED)], Style())[0]
    assert "(no answer)" in listed([LINE], Style())[0]

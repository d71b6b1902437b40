"""Formulas that are too wide: every line fits, nothing is lost, and the breaks are where a person would make them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmath_cli.terminal.maths import Alphabet, render_display, render_inline, render_lines
from qmath_cli.terminal.text_width import columns
from tests.terminal.test_maths import FORMULAS, benchmark_spans, essence, spans

WIDTHS = (36, 56, 76)


def _long(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Formulas as they stand in solutions: long sums, chains of relations, systems, matrices, long numerators."""
    many = st.lists(inner, min_size=3, max_size=9)
    return st.one_of(
        many.map(" + ".join),
        many.map(" = ".join),
        many.map(", ".join),
        many.map(r" \cdot ".join),
        many.map(lambda parts: rf"f(x) = \frac{{{' - '.join(parts)}}}{{x}}"),
        many.map(lambda parts: rf"\left({' + '.join(parts)}\right)^2"),
        many.map(lambda parts: rf"({' + '.join(parts)})(x - 1)"),
        many.map(lambda parts: rf"\sqrt{{{' + '.join(parts)}}}"),
        many.map(lambda parts: rf"A = \begin{{pmatrix}} {' & '.join(parts)} \\ {' & '.join(parts)} \end{{pmatrix}}"),
        many.map(lambda parts: r"\begin{cases} " + r" & \text{if } x \\ ".join(parts) + r"\end{cases}"),
        many.map(lambda parts: r"\begin{aligned} x &= " + r" \\ &= ".join(parts) + r"\end{aligned}"),
        many.map(lambda parts: r"\text{so we have } " + r" \text{ and then } ".join(parts)),
    )


LONG = _long(FORMULAS)


@given(LONG, st.sampled_from((20, *WIDTHS)), st.sampled_from(Alphabet))
@settings(max_examples=500, deadline=None)
def test_no_line_is_wider_than_the_terminal(latex: str, width: int, alphabet: Alphabet) -> None:
    """In two dimensions and in one."""
    for rows in (render_display(latex, width, alphabet), render_lines(latex, width, alphabet)):
        assert rows is None or max(map(columns, rows)) <= width


@given(LONG, st.sampled_from(WIDTHS))
@settings(max_examples=400, deadline=None)
def test_breaking_loses_nothing(latex: str, width: int) -> None:
    """Every digit, letter and relation that is in the wide drawing is in the narrow one as often."""
    wide, narrow = render_display(latex, 2000), render_display(latex, width)
    assert (wide is None) == (narrow is None)
    if wide is not None and narrow is not None:
        assert Counter(essence("".join(narrow))) == Counter(essence("".join(wide)))


@given(LONG, st.sampled_from(WIDTHS))
@settings(max_examples=400, deadline=None)
def test_lines_keep_the_order(latex: str, width: int) -> None:
    """Without a second dimension the lines joined are the one line, but for blanks and the separators of rows."""
    line, lines = render_inline(latex), render_lines(latex, width)
    assert (line is None) == (lines is None)
    if line is not None and lines is not None:
        assert essence("".join(lines)) == essence(line)


def test_real_formulas_fit_every_terminal(shared: Path) -> None:
    """The formulas of 400 responses and of the benchmarks, at three widths, in both alphabets."""
    formulas = {latex for _, latex in (*spans(shared), *benchmark_spans(shared))}
    assert len(formulas) > 5000
    for latex in sorted(formulas):
        for width in WIDTHS:
            for alphabet in Alphabet:
                for rows in (render_display(latex, width, alphabet), render_lines(latex, width, alphabet)):
                    assert rows is None or max(map(columns, rows), default=0) <= width, latex


def test_a_formula_that_fits_is_not_broken() -> None:
    """Not even at its exact width."""
    latex = "a + b = c + d"
    assert render_display(latex, 13) == render_lines(latex, 13) == ["a + b = c + d"]
    assert render_display(latex, 12) == render_lines(latex, 12) == ["a + b", "  = c + d"]


@pytest.mark.parametrize(
    ("latex", "width", "rows"),
    [
        # relations before operators
        ("aaa + bbb = ccc + ddd", 20, ["aaa + bbb", "  = ccc + ddd"]),
        ("x = aaaa + bbbb - cccc + dddd", 20, ["x = aaaa + bbbb", "  - cccc + dddd"]),
        # an operator, not a sign
        ("x = -aaaaaaaa - bbbbbbbb", 16, ["x = -aaaaaaaa", "  - bbbbbbbb"]),
        (r"aaaa, -bbbb, -cccc, -dddd", 16, ["aaaa, -bbbb,", "  -cccc, -dddd"]),
        # statements and implications first
        (r"a = 1, \quad bbb + ccc = d", 18, ["a = 1,", "  bbb + ccc = d"]),
        (r"x^2 = 4 \implies x = \pm 2", 14, ["x² = 4", "  ⟹ x = ±2"]),
        ("aaa = bbb, ccc = ddd", 18, ["aaa = bbb,", "  ccc = ddd"]),
        # sums before products, factors before the inside of brackets
        (r"aaa \cdot bbb + ccc \cdot ddd", 20, ["aaa ⋅ bbb", "  + ccc ⋅ ddd"]),
        ("(a + b + c)(d + e + f)", 20, ["(a + b + c)", "  (d + e + f)"]),
        ("(aaa + bbb + ccc + ddd)", 20, ["(aaa + bbb + ccc", "  + ddd)"]),
        # words
        (r"\text{the sum of all numbers} = 5", 20, ["the sum of all", "  numbers = 5"]),
        # no place at all
        ("12345678901234567890123", 12, ["1234567890", "  1234567890", "  123"]),
    ],
)
def test_the_best_break_is_taken(latex: str, width: int, rows: list[str]) -> None:
    """Statements, relations, sums, products, factors, and the inside of brackets, in this order."""
    assert render_display(latex, width) == rows


@pytest.mark.parametrize(
    ("latex", "width", "rows"),
    [
        (r"\frac{aaaa + bbbb + cccc + dddd}{2}", 24, ["aaaa + bbbb + cccc", "  + dddd", "─" * 18, "        2"]),
        (
            r"\left(\frac{1}{2} + \frac{a}{b} + \frac{cc}{dd}\right)^2",
            12,
            ["⎛1   a ⎞²", "⎜─ + ─ ⎟", "⎜2   b ⎟", "⎜      ⎟", "⎜    cc⎟", "⎜  + ──⎟", "⎝    dd⎠"],
        ),
        (r"\sqrt{aaaa + bbbb + cccc}", 16, [" ┌────────────", " │aaaa + bbbb", "╲│  + cccc"]),
        (
            r"\boxed{aaaa + bbbb + cccc}",
            17,
            ["┌─────────────┐", "│ aaaa + bbbb │", "│   + cccc    │", "└─────────────┘"],
        ),
    ],
)
def test_a_part_that_has_no_break_gets_lines_inside(latex: str, width: int, rows: list[str]) -> None:
    """A numerator, a bracket, a root, a frame."""
    assert [row.rstrip() for row in rows] == render_display(latex, width)


def test_a_wide_table_has_one_row_per_line() -> None:
    """With commas or rules between the columns, which never touch."""
    assert render_display(r"\begin{pmatrix} aaaaa & bbbbb & ccccc \\ 1 & 2 & -3 \end{pmatrix}", 18) == [
        "⎛aaaaa,  bbbbb,⎞",
        "⎜  ccccc       ⎟",
        "⎜              ⎟",
        "⎝1,  2,  -3    ⎠",
    ]
    rows = render_display(r"\begin{array}{c|c} aaaaaaaaa & bbbbbbbbb \\ \hline 1 & 2 \end{array}", 20)
    assert rows is not None
    assert "aaaaaaaaa │" in rows[0]
    assert "1 │  2" in "\n".join(rows)


def test_rows_without_a_second_dimension_are_lines_of_their_own() -> None:
    """Where they do not fit one line; a row that begins with a relation or an operator is indented."""
    latex = r"\begin{aligned} aaa &= bbb + ccc \\ &= ddd \\ e &= f \end{aligned}"
    assert render_lines(latex, 80) == ["aaa = bbb + ccc = ddd; e = f"]
    assert render_lines(latex, 20) == ["aaa = bbb + ccc", "  = ddd", "e = f"]
    assert render_lines(r"\begin{gathered}a=\\b+c\end{gathered}", 80) == ["a = b + c"]
    assert render_lines(r"\begin{gathered}a=\\b+c\end{gathered}", 8) == ["a =", "b + c"]


def test_formulas_side_by_side_do_not_continue_one_another() -> None:
    """The second row of two aligned formulas belongs to each of them, not to the last one."""
    latex = r"\begin{aligned} x &= 1 & y &= 2 \\ &= 3 & &= 4 \end{aligned}"
    assert render_inline(latex) == "x = 1   y = 2; = 3   = 4"


def test_a_long_line_is_broken_outside_brackets_first() -> None:
    """On one line, too, a relation outside is better than an operator inside."""
    latex = r"f(aaa + bbb) = g(ccc + ddd) + \frac{eee + fff}{2}"
    assert render_lines(latex, 40) == ["f(aaa + bbb)", "    = g(ccc + ddd) + (eee + fff)/2"]
    assert render_lines(latex, 30) == ["f(aaa + bbb)", "    = g(ccc + ddd)", "    + (eee + fff)/2"]


def test_a_wide_drawing_keeps_its_parentheses() -> None:
    """A fraction that is written on one line, as the last means, has its brackets."""
    latex = r"\left\langle a + b, c + \frac{d+e}{f+g}, h + i \right\rangle"
    rows = render_lines(latex, 20)
    assert rows is not None
    assert "(d + e)/(f + g)" in re.sub(r"\s+", " ", " ".join(rows))

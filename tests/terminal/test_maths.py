"""Drawings of formulas: a table, real responses, and properties of every formula."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from qmath_cli.terminal.markdown_stream import MarkdownStream, PieceKind
from qmath_cli.terminal.maths import Alphabet, render_display, render_inline, render_lines, understood
from qmath_cli.terminal.maths.mathml import mathml

TABLE = tomllib.loads((Path(__file__).parents[1] / "data" / "maths.toml").read_text(encoding="utf-8"))["formula"]
WIDTH = 60


def _picture(rows: list[str] | None) -> str | None:
    return None if rows is None else "\n".join(f"|{row}" for row in rows)


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry["latex"][:40])
def test_each_formula_of_the_table_has_its_drawing(entry: dict[str, str]) -> None:
    """On one line, in ASCII and in two dimensions; refused if the table has no drawing."""
    latex, line = entry["latex"], entry.get("line")
    assert render_inline(latex) == line
    assert render_inline(latex, Alphabet.ASCII) == entry.get("ascii")
    flat = None if line is None else f"|{line}"
    assert _picture(render_display(latex, WIDTH)) == entry.get("display", flat)


@pytest.mark.parametrize(
    ("latex", "wanted"),
    [
        (r"x = \boxed{\frac{19}{12}}", "x = 19/12"),
        (r"\boxed{2, 3}.", "2, 3."),
        (r"\boxed{x = 2} \quad \boxed{y = 3}", "x = 2  y = 3"),
        (r"x = \boxed{5} \text{ apples}", "x = 5 apples"),
        (r"\boxed{a + b}c", "⟦a + b⟧c"),
        (r"2\boxed{5}", "2⟦5⟧"),
    ],
)
def test_a_box_has_no_brackets_for_a_screen_reader(latex: str, wanted: str) -> None:
    """Unless what stands beside it would run into it."""
    assert render_inline(latex, boxes=False) == wanted
    assert render_lines(latex, WIDTH, boxes=False) == [wanted]


def test_the_table_is_large_enough_to_mean_something() -> None:
    """At least 120 formulas, and some that are refused."""
    assert len(TABLE) >= 120
    assert sum("line" not in entry for entry in TABLE) >= 8


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry["latex"][:40])
def test_mathml_is_well_formed_and_refused_where_the_formula_is_not_understood(entry: dict[str, str]) -> None:
    """One `<math>` element whose constructs have the number of children they must have."""
    drawn = mathml(entry["latex"])
    assert (drawn is None) == (not understood(entry["latex"]))
    if drawn is not None:
        for element in ET.fromstring(drawn).iter():
            tag = element.tag.rpartition("}")[2]
            wanted = {"mfrac": 2, "msup": 2, "msub": 2, "mroot": 2, "msubsup": 3, "munderover": 3, "mover": 2}.get(tag)
            assert wanted is None or len(element) == wanted, tag


# ---------------------------------------------------------------- real responses


def spans(shared: Path) -> Iterator[tuple[PieceKind, str]]:
    """Every mathematical span of the 400 responses."""
    with (shared / "responses" / "math_cot_50.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            for response in json.loads(line)["code"]:
                stream = MarkdownStream()
                for piece in [*stream.feed(response), *stream.close()]:
                    if piece.kind in {PieceKind.INLINE, PieceKind.DISPLAY, PieceKind.BOXED}:
                        yield piece.kind, piece.text


def benchmark_texts(shared: Path) -> Iterator[str]:
    """Every string of the benchmark files: problems, choices, solutions, answers."""
    for path in sorted((shared / "benchmarks").glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield from _strings(json.loads(line))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def benchmark_spans(shared: Path) -> Iterator[tuple[PieceKind, str]]:
    """Every mathematical span of the benchmark files."""
    for text in benchmark_texts(shared):
        stream = MarkdownStream()
        for piece in [*stream.feed(text), *stream.close()]:
            if piece.kind in {PieceKind.INLINE, PieceKind.DISPLAY, PieceKind.BOXED}:
                yield piece.kind, piece.text


def test_ten_thousand_formulas_of_benchmarks_raise_nothing(shared: Path) -> None:
    """What stands between two dollars, formula or not, is drawn or refused; of the formulas 99.5 % are drawn."""
    between = [found for text in benchmark_texts(shared) for found in re.findall(r"\$([^$]+)\$", text)]
    formulas = list(benchmark_spans(shared))
    assert len(between) + len(formulas) > 10_000
    for latex in between:
        render_inline(latex)
        render_display(latex, 80)
    drawn = [latex for kind, latex in formulas if _shown(kind, latex)]
    assert len(drawn) / len(formulas) >= 0.995


def _shown(kind: PieceKind, latex: str) -> bool:
    return render_inline(latex) is not None or (kind is PieceKind.DISPLAY and render_display(latex, 80) is not None)


def test_real_responses_are_drawn_and_no_command_leaks(shared: Path) -> None:
    """At least 99.5 % of all spans have a drawing, and no drawing has a LaTeX backslash or brace in it."""
    total = drawn = 0
    for kind, latex in spans(shared):
        total += 1
        rows = render_display(latex, 80) if kind is PieceKind.DISPLAY else None
        line = render_inline(latex)
        drawn += line is not None or rows is not None
        for picture in (line, "\n".join(rows or ())):
            leaked = re.search(r"\\[a-zA-Z]|[{}]", picture or "")
            assert leaked is None or r"\{" in latex or "cases" in latex, (latex, picture)
    assert total > 5000
    assert drawn / total >= 0.995


def test_real_responses_keep_their_numbers_and_letters(shared: Path) -> None:
    """Every number, letter and relation of the source is in the line, in the same order."""
    for _, latex in spans(shared):
        line = render_inline(latex)
        if line is not None and not re.search(r"\\(binom|begin|lim|max|min)", latex):
            wanted = essence(_words_out(latex))
            assert _is_within(wanted, essence(line)), (latex, line)


def _words_out(latex: str) -> str:
    """The source without its commands' names and spacing arguments."""
    bare = re.sub(r"\\(?:hspace|vspace|label|phantom)\{[^}]*\}", "", latex)
    return re.sub(r"\\[a-zA-Z]+", " ", bare)


def essence(text: str) -> str:
    """Letters, digits and relations as typed, whatever their size and style."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(char for char in plain if char.isascii() and (char.isalnum() or char in "=<>"))


def _is_within(wanted: str, found: str) -> bool:
    """Whether `wanted` is a subsequence of `found`."""
    rest = iter(found)
    return all(char in rest for char in wanted)


# ---------------------------------------------------------------- properties

_LETTERS = st.sampled_from([*"abcxyzknABC", r"\pi", r"\alpha", r"\theta"])
_NUMBERS = st.integers(0, 999).map(str)
_ATOMS = st.one_of(_LETTERS, _NUMBERS)


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        two.map(lambda pair: rf"\frac{{{pair[0]}}}{{{pair[1]}}}"),
        st.tuples(_LETTERS, inner).map(lambda pair: rf"{pair[0]}^{{{pair[1]}}}"),
        st.tuples(_LETTERS, _ATOMS).map(lambda pair: rf"{pair[0]}_{{{pair[1]}}}"),
        inner.map(lambda body: rf"\sqrt{{{body}}}"),
        inner.map(lambda body: rf"\sqrt[5]{{{body}}}"),
        two.map(lambda pair: rf"\frac{{{pair[0]}}}{{{pair[1]}}}^2"),
        inner.map(lambda body: rf"\left({body}\right)"),
        inner.map(lambda body: rf"({body})^2"),
        two.map(lambda pair: f"{pair[0]} + {pair[1]}"),
        two.map(lambda pair: f"{pair[0]} - {pair[1]}"),
        two.map(lambda pair: f"{pair[0]} = {pair[1]}"),
        two.map(lambda pair: rf"{pair[0]} \le {pair[1]}"),
        two.map(lambda pair: rf"{pair[0]} {pair[1]}"),
        two.map(lambda pair: rf"{pair[0]} \cdot {pair[1]}"),
        inner.map(lambda body: rf"\sin {body}"),
        two.map(lambda pair: rf"\begin{{pmatrix}} {pair[0]} & {pair[1]} \end{{pmatrix}}"),
        inner.map(lambda body: rf"\text{{if }} {body}"),
        inner.map(lambda body: rf"\boxed{{{body}}}"),
    )


FORMULAS = st.recursive(_ATOMS, _combined, max_leaves=12)
#: The letters and relations that each command leaves in a drawing.
_SPELLED = {r"\le ": "≤", r"\sin": "sin", r"\text{if }": "if"}


@given(FORMULAS)
@settings(max_examples=600, deadline=None)
def test_every_number_letter_and_relation_is_in_the_line_in_order(latex: str) -> None:
    """Parentheses may be added; nothing may be removed or moved."""
    line = render_inline(latex)
    if line is None:
        return
    wanted = latex
    for command, letters in _SPELLED.items():
        wanted = wanted.replace(command, letters)
    wanted = essence(re.sub(r"\\[a-z]+(?:\{pmatrix\})?", " ", wanted).replace("≤", "<="))
    assert _is_within(wanted, essence(line.replace("≤", "<="))), line


@given(FORMULAS, st.sampled_from([30, 60, 200]))
@settings(max_examples=400, deadline=None)
def test_a_display_keeps_everything_and_its_width(latex: str, width: int) -> None:
    """Every sign of the line is in the drawing as often, and no row is wider than asked."""
    rows = render_display(latex, width)
    line = render_inline(latex)
    if rows is None or line is None:
        return
    assert max(wcswidth(row) for row in rows) <= width
    for sign in set(essence(line)):
        assert essence("".join(rows)).count(sign) >= essence(line).count(sign)


@given(FORMULAS)
@settings(max_examples=300, deadline=None)
def test_ascii_pictures_are_ascii(latex: str) -> None:
    """The ASCII alphabet has no other characters."""
    pictures: list[Any] = [render_inline(latex, Alphabet.ASCII), *(render_display(latex, 200, Alphabet.ASCII) or ())]
    assert all(picture is None or picture.isascii() for picture in pictures)


@given(st.text(st.sampled_from("\\{}[]()^_&$ abc12+-=|'.,~\n中frachlet"), max_size=60))
@settings(max_examples=1500, deadline=None)
def test_no_text_breaks_the_renderers(latex: str) -> None:
    """Any text is drawn or refused."""
    for alphabet in Alphabet:
        render_inline(latex, alphabet)
        render_display(latex, 40, alphabet)
    mathml(latex)


@pytest.mark.parametrize("opening", [r"\frac{", "{", r"\left(", r"\sqrt{", "x^{", r"\begin{pmatrix}"])
def test_deep_nesting_is_refused(opening: str) -> None:
    """Ten thousand levels are refused; the process does not crash."""
    assert render_inline(opening * 10_000) is None


@pytest.mark.parametrize("around", [r"\frac{1}{1+%s}", "x^{a+%s}", r"\sqrt[3]{1+%s}", r"\overline{%s}", r"\boxed{%s}"])
def test_nesting_costs_no_more_than_its_depth(around: str) -> None:
    """Fifty levels, each drawn once; two drawings per level would be 2^50."""
    latex = "y"
    for _ in range(50):
        latex = around % latex
    assert render_inline(latex) is not None
    for width in (1000, 40):
        render_display(latex, width)
        render_lines(latex, width)


@pytest.mark.parametrize("before", ["5", "x^2", "10^3", "a_1", "(x)", r"2\pi", "|x|", "n!", "-", "AB", r"\%", "x'"])
@pytest.mark.parametrize(
    "root", [r"\sqrt[3]{\frac{2}{7}}", r"\sqrt[n+1]{\frac{2}{7}}", r"\overline{\sqrt[4]{\frac 2 7}}"]
)
def test_an_index_of_a_root_never_joins_what_stands_before_it(before: str, root: str) -> None:
    """On the row of what stands before the root there is a blank after it, and no index."""
    rows, alone = render_display(before + root, 60), render_inline(before)
    assert rows is not None
    assert alone is not None
    row = next(row for row in rows if row.startswith(alone))
    assert row[len(alone)] == " "
    assert re.fullmatch(r"[ │─╲]+", row[len(alone) :])
    line = render_inline(before + r"\sqrt[7]{x}")
    assert line == f"{alone}(⁷√x)"


def test_a_fraction_beside_a_factor_keeps_its_meaning() -> None:
    """Without the parentheses the line would be another number."""
    assert render_inline(r"\frac{1}{2}x") == "(1/2)x"
    assert render_inline(r"\frac{1}{2x}") == "1/(2x)"
    assert render_inline(r"a \div \frac{b}{c}") == "a ÷ (b/c)"

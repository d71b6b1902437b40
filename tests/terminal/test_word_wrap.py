"""Lines end between words, nothing is lost, and the output does not depend on how the text arrives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.terminal.style import Style
from qmath_cli.terminal.text_width import columns
from qmath_cli.terminal.transcript import Transcript
from qmath_cli.terminal.word_wrap import WordWrap, wrapped

PIECES = st.lists(
    st.sampled_from(["word", "a", "对", "于，", "（", "）", "x² + 1", " ", "  ", "\n", "supercalifragilistic", "."])
)


def written(width: int, *chunks: str) -> str:
    """What is written of a text in these chunks."""
    wrap = WordWrap(lambda: width)
    return "".join(wrap.text(chunk) for chunk in chunks) + wrap.end_line()


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("we can use the method", 12, ["we can use", "the method"]),
        ("a supercalifragilistic word", 10, ["a", "supercalifragilistic", "word"]),
        ("对于正数，我们有", 8, ["对于正", "数，我们", "有"]),
        ("设（甲）为真", 4, ["设", "（甲）", "为真"]),
        ("  indented text goes on", 14, ["  indented", "  text goes on"]),
        ("one\n\ntwo", 20, ["one", "", "two"]),
    ],
)
def test_lines_end_where_a_typesetter_would_end_them(text: str, width: int, lines: list[str]) -> None:
    """Between words and East Asian characters, not before closing or after opening signs."""
    assert wrapped(text, width).split("\n") == lines


def test_a_formula_is_not_broken_and_stays_with_its_comma() -> None:
    """Unless it is wider than the line."""
    wrap = WordWrap(lambda: 15)
    out = wrap.text("numbers ") + wrap.whole("x₁ + x₂ + x₃") + wrap.text(", so") + wrap.end_line()
    assert out == "numbers\nx₁ + x₂ + x₃,\nso\n"
    wide = WordWrap(lambda: 8)
    assert wide.whole("aaa + bbb + ccc") + wide.end_line() == "aaa +\nbbb +\nccc\n"


def test_continuation_lines_hang_below_the_text_of_a_list() -> None:
    """Behind its mark."""
    wrap = WordWrap(lambda: 12)
    assert wrap.text("• ") + wrap.hang() + wrap.text("one two three") + wrap.end_line() == "• one two\n  three\n"


@given(PIECES, st.integers(4, 40))
def test_nothing_is_lost_and_chunks_do_not_matter(pieces: list[str], width: int) -> None:
    """But blanks at the ends of lines; every line fits unless it is one word."""
    whole = written(width, "".join(pieces))
    assert written(width, *pieces) == whole
    assert re.sub(r"\s", "", whole) == re.sub(r"\s", "", "".join(pieces))
    for line in whole.split("\n"):
        words = re.split(r"(?<=[对于，（）])(?![，）]) *|[ ]+", line.strip())
        assert columns(line) <= width or len([word for word in words if word]) <= 3, line


@pytest.mark.parametrize("width", [40, 80, 200])
def test_real_responses_fit_the_width_and_keep_every_word(
    shared: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 200 columns prose is no wider than 100."""
    monkeypatch.setenv("COLUMNS", str(width))
    with (shared / "responses" / "math_cot_50.jsonl").open(encoding="utf-8") as rows:
        responses = [response for row in rows for response in json.loads(row)["code"]][::7]
    for response in responses:
        monkeypatch.setenv("COLUMNS", str(width))
        out = _page(response)
        monkeypatch.setenv("COLUMNS", "5000")
        prose = [line for line in out.split("\n") if re.match(r"[A-Za-z]", line)]
        assert all(columns(line) <= min(width, 100) or " " not in line.strip() for line in prose), response


def _page(text: str) -> str:
    transcript = Transcript(Style(drawn=True))
    return transcript.text(text) + transcript.end()


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("A:\n\n\\[x=1\\]\n\n\n\nNext", "A:\n\n    x = 1\n\n\n\nNext\n"),
        ("1. So\n   \\[\n   \\frac{3}{7}\n   \\]\n   \\[\\frac{4}{3}\\]\nEnd",
         "1. So\n\n    3\n    ─\n    7\n\n    4\n    ─\n    3\n\nEnd\n"),
        ("\\[x\\] and \\[y\\]", "    x\nand\n    y\n"),
    ],
)  # fmt: skip
def test_blank_lines_are_kept_and_tall_formulas_have_air(text: str, page: str) -> None:
    """No stray line of blanks before an indented display, no two tall drawings that touch."""
    assert _page(text) == page

"""Prose in Markdown and notebooks: as it was typed where a person typed it, Markdown where a model wrote it."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from qmath_cli.terminal.export import markdown
from qmath_cli.terminal.export.document import blocks
from tests.terminal.export.solutions import exported, solution

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
FORMULA = re.compile(r"\\\(.*?\\\)|\\\[.*?\\\]|\$\$.*?\$\$|\$[^$\n]*\$|\\begin.*\\end\{\w+\*?\}", re.DOTALL)
ESCAPED = re.compile(r"\\(?=[$%#&_*])")


def seen(text: str) -> str:
    """What a reader of Markdown shows, a line break as one; fails on elements other than paragraphs and breaks."""
    page = READER.render(text)
    plain = re.sub(r"</?p>|<br />", "", page)
    assert not re.search(r"<[a-z/]", plain), page
    return unescape(plain).strip("\n")


@pytest.mark.parametrize(
    "text",
    [
        "Compute 2*3*4",
        "1 <x and y> 3",
        "Is 2**3**4 = *4*?",
        "# of apples: 3",
        "#\n5",
        "1. first\n2) second\n1234567890. third",
        "- 5 + 3 = ?\n+ 1\n* 2",
        "> 5\n>= 3",
        "_x_ and a_b_c and __init__",
        "a | b\n--|--\n1 | 2",
        "x\n===\ny\n---",
        "~~5~~ and ~~~\n~~~",
        "a `b` c ``",
        "It costs $5 and $10.",
        "f[x](y) and ![a](b) and [1]: c",
        "&lt; &amp; &#35; AT&T",
        r"\frac{1}{2} \, \{ 1 \} \\ a\*b",
        "a\\\nb",
        "A. 1\nB. 2\n\nNext",
        "<!-- 5 --> <b>6</b> <http://x.y>",
        "* * *\n- - -\n___",
    ],
)
def test_a_problem_appears_as_it_was_typed(text: str) -> None:
    """No character is lost or added, no line joined, and nothing becomes a list, a heading, a table or an element."""
    typed = text.replace(r"\*", "*")  # written by those who think of Markdown, also on the terminal
    assert seen(markdown.body(blocks(text, typed=True))) == typed.replace("\n\n", "\n")


def test_indentation_makes_no_code() -> None:
    """Only the blanks before a line are lost."""
    assert seen(markdown.body(blocks("Solve:\n\n    x = 1\n\ty = 2", typed=True))) == "Solve:\nx = 1\ny = 2"


def test_benchmark_problems_appear_as_they_were_typed(shared: Path) -> None:
    """Without their formulas, which Markdown readers treat in different ways."""
    for file in sorted((shared / "benchmarks").glob("*.jsonl")):
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        for text in (FORMULA.sub("?", row.get("question") or row["problem"]) for row in rows):
            assert "".join(seen(markdown.body(blocks(text, typed=True))).split()) == "".join(
                ESCAPED.sub("", text).split()
            )


def test_mathematics_is_copied() -> None:
    """Between dollar signs, without empty lines, and with other delimiters inside."""
    text = "If \\(a*b*c_1 < d\\) and\n\\[\nx\n\ny\n\\]\nthen \\(\\text{if $x$ or \\$5}\\) or \\(\\)."
    copied = "If $a*b*c_1 < d$ and\n\n$$\nx\ny\n$$\n\nthen $\\text{if \\(x\\) or \\$5}$ or \\\\(\\\\)."
    assert markdown.body(blocks(text, typed=True)) == copied


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("So 2*3*4 is *not* **8**.", "<p>So 2*3*4 is <em>not</em> <strong>8</strong>.</p>"),
        ("(2)*3*(4)", "<p>(2)*3*(4)</p>"),
        ("`a*b*c <x>`", "<p><code>a*b*c &lt;x&gt;</code></p>"),
        ("1 <x and y> 2", "<p>1 &lt;x and y&gt; 2</p>"),
        (r"\{1, 2\} a\,b", r"<p>\{1, 2\} a\,b</p>"),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>"),
        ("## Plan", "<h2>Plan</h2>"),
        ("$5 or \\$6", "<p>$5 or $6</p>"),
    ],
)
def test_a_models_markdown_stays(text: str, page: str) -> None:
    """Its emphasis, lists, headings and code are markup; products, comparisons and braces are not."""
    assert READER.render(markdown.body(blocks(text))).strip() == page


def test_a_formula_stays_in_its_list() -> None:
    """A displayed formula has the indentation of the item that it belongs to, so that the text after it is no code."""
    page = READER.render(markdown.body(blocks("1. A:\n   - b\n     \\[\n     x\n     \\]\n     so\n2. C")))
    assert "<pre>" not in page
    assert page.count("<ol>") == 1


def test_dollar_signs_of_a_notebook_are_no_mathematics(tmp_path: Path) -> None:
    """Jupyter's MathJax pairs dollar signs after Markdown was read, where an escape is no longer seen."""
    found = solution("A pen costs $5 and a book $10.", "It costs \\$15, with 2*3*4.")
    cells = json.loads(exported(found, tmp_path, ".ipynb"))["cells"]
    text = "".join("".join(cell["source"]) for cell in cells[:-1])
    assert "$" not in text
    assert "$15" in unescape(text.replace("<span>", "").replace("</span>", ""))
    assert r"2\*3\*4" in text


def test_a_minus_sign_is_no_bullet(tmp_path: Path) -> None:
    """In no format does a typed line lose its sign."""
    for suffix in (".html", ".tex", ".ipynb", ".md"):
        text = exported(solution("- 5 + 3 = ?"), tmp_path, suffix)
        assert "- 5 + 3" in text
        assert "•" not in text
        assert "bullet" not in text

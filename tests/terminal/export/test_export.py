"""A solution as a document: every format has the same content and is valid for its readers."""

from __future__ import annotations

import contextlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from qmath_cli.errors import UsageError
from qmath_cli.history.entry import Solved
from qmath_cli.records import Language, Solution
from qmath_cli.terminal.export import check, export
from qmath_cli.terminal.export.html import BLOCKS
from qmath_cli.terminal.reports.evaluation.page import _STYLE as REPORT_STYLE
from tests.terminal.export.solutions import MODEL, exported, solution

TEXT = (
    "## Plan\nWe pay \\$5 for 50% & **add** \\(x_1 < 2\\):\n\\[\n\\frac{1}{2}\n\\]\n"
    "```python\nx = 1 + 2\nprint(x)\n```\n```output\n3\n```\n"
    "```python\nprint(x * 2)\n```\n```output\n6\n```\n"
    "<script>alert(1)</script> \\(\\input{/etc/passwd}\\) \\end{document}"
)


def written(tmp_path: Path, suffix: str, found: Solution | None = None) -> str:
    """The document's text."""
    return exported(found or solution(text=TEXT), tmp_path, suffix)


def test_markdown_has_dollars_and_fences(tmp_path: Path) -> None:
    """Mathematics between dollar signs, a price's dollar sign escaped, programs and outputs fenced."""
    text = written(tmp_path, ".md")
    assert "$x_1 < 2$" in text
    assert "$$\n\\frac{1}{2}\n$$" in text
    assert "\\$5" in text
    assert "```python\nx = 1 + 2\nprint(x)\n```" in text
    assert "```output\n6\n```" in text
    assert "demo:q8_0" in text


def test_a_notebook_runs_again_and_gives_the_same(tmp_path: Path) -> None:
    """The fields of nbformat 4.5; the code cells, run in order, print what their outputs contain."""
    notebook = json.loads(written(tmp_path, ".ipynb"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) == 2
    names: dict[str, object] = {}
    for cell in cells:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec("".join(cell["source"]), names)
        assert printed.getvalue() == "".join(cell["outputs"][0]["text"])


class Tags(HTMLParser):
    """Collects the elements and attributes of a document."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_html_has_mathml_and_no_script(tmp_path: Path) -> None:
    """Formulas are `<math>`; nothing of the model's text became an element; nothing is loaded from anywhere."""
    text = written(tmp_path, ".html")
    tags = Tags(text)
    assert tags.tags.count("math") == 4
    assert "script" not in tags.tags
    assert not {name for name, _ in tags.attributes} & {"src", "href", "onclick", "onload"}
    assert "&lt;script&gt;" in text
    assert "default-src 'none'" in text


def test_latex_has_no_command_with_side_effects(tmp_path: Path) -> None:
    """Known mathematics is copied; all other text of the model is escaped."""
    text = written(tmp_path, ".tex")
    assert r"\(x_1 < 2\)" in text
    assert r"\input{" not in text
    assert text.count(r"\end{document}") == 1
    assert r"50\% \& " in text
    assert len(re.findall(r"\\begin{Verbatim}", text)) == 4


def test_chinese_titles_and_type(tmp_path: Path) -> None:
    """A Chinese problem gets Chinese titles, and LaTeX a package that can set them."""
    chinese = solution("求 \\(x\\) 的值。", "所以 \\(x = 1\\)。", language=Language.ZH)
    assert "题目" in written(tmp_path, ".md", chinese)
    assert "{ctex}" in written(tmp_path, ".tex", chinese)
    assert '<html lang="zh">' in written(tmp_path, ".html", chinese)


@pytest.mark.parametrize("suffix", [".md", ".tex", ".ipynb", ".html"])
def test_a_missing_answer_is_stated(tmp_path: Path, suffix: str) -> None:
    """A solution without an answer is exported, too."""
    assert "no answer" in written(tmp_path, suffix, solution(answer=None))


@pytest.mark.parametrize("suffix", [".md", ".tex", ".ipynb", ".html"])
def test_a_document_of_several_problems_has_them_in_order(tmp_path: Path, suffix: str) -> None:
    """Numbered, each with its working and its answer, each in its language."""
    chinese = solution("乙", "所以 2。", "2", Language.ZH)
    path = export([Solved(solution("first", "so 1", "1"), MODEL), Solved(chinese)], tmp_path / f"set{suffix}")
    text = path.read_text(encoding="utf-8").partition("<title>")
    text = text[2].partition("</title>")[2] or text[0]
    places = [text.index(word) for word in ("Problem 1", "first", "Working", "so 1", "Answer", "题目 2", "乙", "解答")]
    assert places == sorted(places)
    assert text.count("demo:q8") == 1  # the second does not say what solved it


def test_a_notebook_of_several_problems_is_valid(tmp_path: Path) -> None:
    """Unique ids, and code cells that count on."""
    path = export([Solved(solution(text=TEXT)), Solved(solution(text=TEXT))], tmp_path / "set.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("problem", "title"),
    [
        ("Find the roots of $x^2 = 4$.", "Find the roots of x² = 4."),
        (r"What is \(\frac{1}{2}\)?", "What is 1/2?"),
        ("1 < 2 &\n</title><script>", "1 &lt; 2 &amp; &lt;/title&gt;&lt;script&gt;"),
        ("求 \\(x\\) 的值。", "求 x 的值。"),
        (" ", "qmath"),
        ("long " * 100, ("long " * 16).rstrip() + "…"),
    ],
)
def test_a_page_has_its_problem_as_title(tmp_path: Path, problem: str, title: str) -> None:
    """On one line, not longer than a line."""
    assert f"<title>{title}</title>" in written(tmp_path, ".html", solution(problem))


def test_a_page_of_several_problems_says_how_many(tmp_path: Path) -> None:
    path = export([Solved(solution("one")), Solved(solution("two"))], tmp_path / "set.html")
    assert "<title>one (2 problems)</title>" in path.read_text(encoding="utf-8")


def test_a_page_is_whole_on_paper_and_scrolls_sideways_only(tmp_path: Path) -> None:
    """The rules of the page's style, and of an evaluation's report: no formula has a vertical scroll bar."""
    for style in (written(tmp_path, ".html"), REPORT_STYLE + BLOCKS):
        (rule,) = re.findall(r"^math\[display=block\] \{(.*?)\}", style, re.MULTILINE)
        assert "overflow-x: auto; overflow-y: hidden" in rule
        printed = style.partition("@media print")[2]
        assert "details::details-content { content-visibility: visible; }" in printed
        assert "pre-wrap" in printed
        assert "overflow: visible" in printed


@pytest.mark.parametrize("suffix", [".md", ".tex", ".ipynb", ".html"])
def test_a_file_is_replaced_only_where_that_is_said(tmp_path: Path, suffix: str) -> None:
    """It is refused before the work, and once more if it has appeared since."""
    path = tmp_path / f"x{suffix}"
    check(path)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already"):
        check(path)
    with pytest.raises(UsageError, match="exists already"):
        export([Solved(solution())], path)
    assert path.read_text(encoding="utf-8") == "mine"
    assert export([Solved(solution())], path, overwrite=True) == path
    assert path.read_text(encoding="utf-8") != "mine"


def test_a_folder_is_no_file_to_export_to(tmp_path: Path) -> None:
    (tmp_path / "x.md").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        check(tmp_path / "x.md", overwrite=True)


def test_an_unknown_suffix_is_refused_before_the_work(tmp_path: Path) -> None:
    """And so is a folder that does not exist."""
    with pytest.raises(UsageError, match="docx"):
        check(tmp_path / "solution.docx")
    with pytest.raises(UsageError, match="no folder"):
        check(tmp_path / "nowhere" / "solution.md")

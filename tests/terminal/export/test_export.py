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
from qmath_cli.records import Language, Solution
from qmath_cli.terminal.export import check
from tests.terminal.export.solutions import exported, solution

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


def test_an_unknown_suffix_is_refused_before_the_work(tmp_path: Path) -> None:
    """And so is a folder that does not exist."""
    with pytest.raises(UsageError, match="docx"):
        check(tmp_path / "solution.docx")
    with pytest.raises(UsageError, match="no folder"):
        check(tmp_path / "nowhere" / "solution.md")

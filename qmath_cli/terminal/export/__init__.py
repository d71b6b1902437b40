"""A solution as a document: Markdown, LaTeX, a Jupyter notebook, or HTML with MathML.

All say the same: the problem, the working with its programs and their outputs, the answer, and what made it. The suffix
decides the format. Nothing is fetched, and the HTML has no script in it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.records import ModelFile, Pick, Solution
from qmath_cli.terminal.export import html, markdown, notebook, tex
from qmath_cli.terminal.export.document import Document, document

WRITERS: dict[str, Callable[[Document], str]] = {
    ".md": markdown.write,
    ".tex": tex.write,
    ".ipynb": notebook.write,
    ".html": html.write,
}


def check(path: Path) -> None:
    """Raise `UsageError` where a solution could not be written to `path`: better before the work than after it."""
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"cannot export to {path.name}", f"the name has to end in one of {', '.join(WRITERS)}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.absolute().parent}")


def export(solution: Solution, path: Path, model: ModelFile, pick: Pick = Pick.MAJ) -> None:
    """Write a solution to `path`. Raises `UsageError` for an unknown suffix or a place that cannot be written."""
    check(path)
    text = WRITERS[path.suffix.lower()](document(solution, model, pick))
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror or exc}") from exc

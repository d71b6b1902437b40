"""A solution as a document: Markdown, LaTeX, a Jupyter notebook, or HTML with MathML.

Every format has the same content: the problem, the working with its programs and their outputs, the answer, and the
model and settings that produced it. The suffix of the file decides the format. The HTML has no script and loads
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.files import write_atomically
from qmath_cli.records import ModelInfo, Pick, Solution
from qmath_cli.terminal.export import html, markdown, notebook, tex
from qmath_cli.terminal.export.document import Document, document

WRITERS: dict[str, Callable[[Document], str]] = {
    ".md": markdown.write,
    ".tex": tex.write,
    ".ipynb": notebook.write,
    ".html": html.write,
}


def check(path: Path) -> None:
    """Raise `UsageError` if a solution cannot be written to `path`; called before the work, not after it."""
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"cannot export to {path.name}", f"the name has to end in one of {', '.join(WRITERS)}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.absolute().parent}")


def export(solution: Solution, path: Path, model: ModelInfo, pick: Pick = Pick.MAJ) -> None:
    """Write a solution as a document.

    Args:
        solution: The solution.
        path: The file; its suffix is one of `WRITERS`.
        model: The model that produced the solution.
        pick: How the sample that is shown was picked.

    Raises:
        UsageError: The suffix is unknown, or the file cannot be written.
    """
    check(path)
    text = WRITERS[path.suffix.lower()](document(solution, model, pick))
    try:
        write_atomically(path, text)
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror or exc}") from exc

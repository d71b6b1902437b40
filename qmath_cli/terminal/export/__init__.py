"""Solutions as a document: Markdown, LaTeX, a Jupyter notebook, or HTML with MathML.

Every format has the same content: of each solution the problem, the working with its programs and their outputs, the
answer, and the model and settings that produced it. The suffix of the file decides the format. The HTML has no script
and loads nothing. A file that exists is replaced only where that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.files import write_atomically
from qmath_cli.history.entry import Solved
from qmath_cli.terminal.export import html, markdown, notebook, tex
from qmath_cli.terminal.export.document import Sheet, document

WRITERS: dict[str, Callable[[Sheet], str]] = {
    ".md": markdown.sheet,
    ".tex": tex.write,
    ".ipynb": notebook.write,
    ".html": html.write,
}


def check(path: Path, *, overwrite: bool = False) -> None:
    """Raise `UsageError` if nothing can be written to `path`; called before the work, not after it.

    Args:
        path: The file.
        overwrite: Whether a file that exists may be replaced. What is no file, such as a pipe, is written to.
    """
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"cannot export to {path.name}", f"the name has to end in one of {', '.join(WRITERS)}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.absolute().parent}")
    if path.is_dir():
        raise UsageError(f"{path} is a folder")
    if path.is_file() and not overwrite:
        raise UsageError(f"{path} exists already", "--overwrite replaces it")


def export(solved: Sequence[Solved], path: Path, *, overwrite: bool = False) -> Path:
    """Write solutions as one document.

    Args:
        solved: The solutions in the order of the document, at least one.
        path: The file; its suffix is one of `WRITERS`.
        overwrite: Whether a file that exists may be replaced.

    Returns:
        The absolute path of the file.

    Raises:
        UsageError: The suffix is unknown, the file exists or cannot be written.
    """
    check(path, overwrite=overwrite)
    sheet = Sheet(tuple(document(one.solution, one.model, one.pick) for one in solved))
    try:
        write_atomically(path, WRITERS[path.suffix.lower()](sheet))
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror or exc}") from exc
    return path.absolute()

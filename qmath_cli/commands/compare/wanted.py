"""What a comparison is asked for, and what of it cannot be: said before a model is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qmath_cli.errors import UsageError


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """The options of one comparison, as given."""

    base: str
    models: tuple[str, ...]
    text: Path | None
    solutions: Path | None
    chunk: int
    chunks: int | None
    problems: int
    data: str | None
    save_base: Path | None
    html: Path | None
    force: bool
    as_json: bool


def check(wanted: CompareOptions) -> None:
    """Raise `UsageError` for options that contradict one another or the files that are there."""
    from qmath_cli.benchmark.divergence.base_file import is_base_file

    stored = is_base_file(Path(wanted.base))
    if stored:
        _check_stored(wanted)
    if wanted.text is not None and wanted.solutions is not None:
        raise UsageError("there are two texts to compare the models on", "--text FILE, or --solutions FILE")
    if not wanted.models and wanted.save_base is None:
        raise UsageError("there is no model to compare with the base", "qmath compare BASE MODEL")
    if not wanted.models and wanted.problems:
        raise UsageError("there is no model whose answers could be compared", "qmath compare BASE MODEL --problems N")
    if wanted.data is not None and not wanted.problems:
        raise UsageError("--data has problems to solve, and none are wanted", "--problems N")
    if wanted.save_base is not None and wanted.save_base.exists():
        raise UsageError(f"{wanted.save_base} is already there", "another name")


def _check_stored(wanted: CompareOptions) -> None:
    """The base is a file of predictions."""
    if wanted.save_base is not None:
        raise UsageError(f"{wanted.base} is stored already", "leave out --save-base")
    if wanted.text is not None or wanted.solutions is not None or wanted.chunks is not None:
        raise UsageError(f"{wanted.base} holds its text", "leave out --text, --solutions and --chunks")
    if wanted.problems:
        raise UsageError(f"{wanted.base} has predictions and no model that solves problems", "leave out --problems")

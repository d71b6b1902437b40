"""Where the results of a batch go: a file of JSONL or CSV, a sheet of HTML, or standard output.

A sheet is one page, which cannot grow line by line: its results stand in a JSONL file beside it (`sheet.html.jsonl`),
from which the page is written whenever the batch ends. Standard output gets results in the order in which they are
finished, as rows for people on a terminal; it cannot be gone on with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from qmath_cli.errors import UsageError
from qmath_cli.files import cannot_write, write_atomically
from qmath_cli.problem_set.result import CommaSeparated, JsonLines, ProblemResult, ResultForm
from qmath_cli.problem_set.result_file import ResultFile, ResultOutcome
from qmath_cli.records import Problem
from qmath_cli.terminal.output import Terminal, clean
from qmath_cli.terminal.panel import WHY_NO_ANSWER
from qmath_cli.terminal.reports import sheet


class OutputFormat(StrEnum):
    """The formats of results."""

    JSONL = "jsonl"
    CSV = "csv"
    HTML = "html"


_SUFFIXES = {
    **dict.fromkeys((".jsonl", ".ndjson"), OutputFormat.JSONL),
    ".csv": OutputFormat.CSV,
    **dict.fromkeys((".html", ".htm"), OutputFormat.HTML),
}
_FORMS: Mapping[OutputFormat, ResultForm] = {OutputFormat.JSONL: JsonLines(), OutputFormat.CSV: CommaSeparated()}


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked for: a file (None or `-`: standard output), a format (None: by its name), or to start again."""

    out: Path | None = None
    form: OutputFormat | None = None
    overwrite: bool = False


class Results(Protocol):
    """A place for results."""

    @property
    def outcomes(self) -> Sequence[ResultOutcome]:
        """The outcomes of all results."""
        ...

    def has(self, name: str) -> bool:
        """Whether the problem with this id has a result."""
        ...

    @property
    def missing(self) -> Sequence[Problem]:
        """The problems without a result, in their order."""
        ...

    def add(self, result: ProblemResult) -> None:
        """Record a result. It is on the disk, or written, when this returns."""
        ...

    def finish(self) -> None:
        """Record that no result follows, whether or not all are there."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


def open_results(terminal: Terminal, target: Target, problems: Sequence[Problem], run: str) -> Results:
    """Open the place for results.

    Args:
        terminal: For standard output.
        target: What was asked for.
        problems: The set.
        run: What results of the same model and settings have in common.

    Raises:
        UsageError: It cannot be this file, or another process is writing it.
        DoesNotFit: It cannot be written.
    """
    out = None if target.out == Path("-") else target.out
    form = target.form or (OutputFormat.JSONL if out is None else _SUFFIXES.get(out.suffix.lower()))
    if form is None:
        raise UsageError(f"the name {out} says no format of results", f"{', '.join(_SUFFIXES)}; or --format csv")
    if out is None:
        return _Streamed(terminal, form, problems, rows=target.form is None and terminal.interactive)
    if out.exists() and not out.is_file():
        raise UsageError(f"{out} is no file", "leave -o out for standard output")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {out.absolute().parent}")
    if form is OutputFormat.HTML:
        return _Sheet(out, problems, run, overwrite=target.overwrite)
    return _Stored(ResultFile(out, _FORMS[form], problems, run, overwrite=target.overwrite))


class _Stored:
    """Results in a file of their own."""

    def __init__(self, file: ResultFile) -> None:
        self._file = file

    @property
    def outcomes(self) -> Sequence[ResultOutcome]:
        return self._file.outcomes

    def has(self, name: str) -> bool:
        return self._file.has(name)

    @property
    def missing(self) -> Sequence[Problem]:
        return self._file.missing

    def add(self, result: ProblemResult) -> None:
        self._file.add(result)

    def finish(self) -> None:
        """Put complete results into the order of the problems."""
        if not self._file.missing:
            try:
                self._file.sort()
            except OSError as exc:
                raise cannot_write(self._file.path, exc) from exc

    def close(self) -> None:
        self._file.close()


class _Sheet(_Stored):
    """Results in a file beside the page that is written from it."""

    def __init__(self, page: Path, problems: Sequence[Problem], run: str, *, overwrite: bool) -> None:
        path = page.with_name(f"{page.name}.jsonl")
        if page.exists() and page.stat().st_size and not path.exists() and not overwrite:
            raise UsageError(f"{page} is there, and {path} is not", "give another -o FILE, or --overwrite")
        self._page = page
        super().__init__(ResultFile(path, JsonLines(), problems, run, overwrite=overwrite))

    def finish(self) -> None:
        """Write the page."""
        super().finish()
        count = len(self._file.outcomes) + len(self._file.missing)
        try:
            write_atomically(self._page, (part.encode() for part in sheet.page(self._file.results(), count)))
        except OSError as exc:
            raise cannot_write(self._page, exc) from exc


class _Streamed:
    """Results on standard output."""

    def __init__(self, terminal: Terminal, form: OutputFormat, problems: Sequence[Problem], *, rows: bool) -> None:
        if form is OutputFormat.HTML:
            raise UsageError("a sheet needs a file", "for example -o sheet.html")
        self._terminal = terminal
        self._form = _FORMS[form]
        self._problems = problems
        self._rows = rows
        self._outcomes: dict[str, ResultOutcome] = {}
        if not rows:
            terminal.write(self._form.header.decode())

    @property
    def outcomes(self) -> Sequence[ResultOutcome]:
        return list(self._outcomes.values())

    def has(self, name: str) -> bool:
        return name in self._outcomes

    @property
    def missing(self) -> Sequence[Problem]:
        return [problem for problem in self._problems if problem.id not in self._outcomes]

    def add(self, result: ProblemResult) -> None:
        self._outcomes[result.id] = ResultOutcome.of(result)
        if self._rows:
            self._terminal.line(row(result))
        else:
            self._terminal.write(self._form.write(result).decode())

    def finish(self) -> None: ...

    def close(self) -> None: ...


def row(result: ProblemResult) -> str:
    """A result as one line for people: `3  19/12  2/3 agree  not as expected`."""
    answer = result.plain if result.plain is not None else f"no answer: {WHY_NO_ANSWER[result.finish]}"
    return "  ".join([result.id, clean(answer), *sheet.remarks(result)])

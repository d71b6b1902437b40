"""`qmath check`: are two answers the same? One pair from the arguments, or many from a file. Without a model.

Prints `equal`, `different` or `undecided` with the rule that decided, or JSON; the exit code says the same: 0, 4, 3.
Many pairs get a row each as soon as it is graded, a line that is no pair too, and the exit code is that of the worst.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import DataError, ExitCode, TerminationSignal, UsageError
from qmath_cli.grading.check import opened
from qmath_cli.grading.pairs.pair import BadLine, Pair
from qmath_cli.grading.pairs.read import PairFormat, read
from qmath_cli.records import Mark, Verdict
from qmath_cli.settings import Grade
from qmath_cli.terminal.reports.comparisons import ComparisonRow, ComparisonTable
from qmath_cli.terminal.style import style_for

SCHEMA = "qmath.check/1"
PAIRS_SCHEMA = "qmath.check-pairs/1"
_WORDS = {Mark.CORRECT: "equal", Mark.WRONG: "different", Mark.UNDECIDED: "undecided"}
_CODES = {Mark.CORRECT: ExitCode.OK, Mark.WRONG: ExitCode.DIFFERENT, Mark.UNDECIDED: ExitCode.NO_ANSWER}
_BAD = "bad line"
_STDIN = "standard input"


def command(
    context: typer.Context,
    answer: Annotated[
        str | None, typer.Argument(metavar="ANSWER", help="The answer, in LaTeX or plain text; quote it.")
    ] = None,
    expected: Annotated[str | None, typer.Argument(metavar="EXPECTED", help="What it should be.")] = None,
    pairs: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=o.DATA,
            help="Compare many pairs: a TSV, CSV or JSONL file, or - for standard input. The columns, or the fields, "
            "are answer and expected (or reference, ground_truth); without a header, the first two columns.",
        ),
    ] = None,
    kind: Annotated[
        PairFormat | None,
        typer.Option(
            "--format",
            metavar="tsv|csv|jsonl",
            rich_help_panel=o.DATA,
            help="The format of --pairs. Default: by the file's name, else by its first line.",
        ),
    ] = None,
    grade: Annotated[
        Grade,
        typer.Option(
            "--grade",
            metavar="strict|official",
            help="strict: what a person accepts; official: the rules of Qwen's evaluation. Default: strict.",
        ),
    ] = Grade.STRICT,
    exact: Annotated[bool, typer.Option("--exact", help="Refuse a rounded value, such as 0.333 for 1/3.")] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", rich_help_panel=o.OUTPUT, help="Print exactly one JSON object; with --pairs, one per row."
        ),
    ] = False,
) -> int:
    """Compare two answers: equal (exit code 0), different (4) or undecided (3).

    With --pairs, each pair gets a row as soon as it is graded, and so does a line that is no pair. The exit code is the
    first that applies: 2 if a line is no pair, 4 if a pair is different, 3 if one is undecided, else 0.
    """
    here = invocation(context)
    if pairs is not None:
        if answer is not None:
            raise UsageError("answers come from the arguments or from --pairs, not from both", "leave one out")
        return _many(here, _Request(pairs, kind, grade, exact=exact, as_json=as_json))
    if kind is not None:
        raise UsageError("--format is for --pairs", "qmath check --pairs FILE --format csv")
    if answer is None or expected is None:
        missing = "ANSWER" if answer is None else "EXPECTED"
        raise UsageError(f"missing argument '{missing}'", "qmath check ANSWER EXPECTED, or qmath check --pairs FILE")
    waiting = here.terminal.status.during(lambda: "comparing")
    with waiting, opened(grade, exact=exact, open_grader=here.ahead.grader) as compare:
        verdict = compare(answer, expected)
    if as_json:
        here.terminal.json(as_record(answer, expected, grade, verdict, exact=exact))
    else:
        here.terminal.line(_WORDS[verdict.mark])
        for note in _notes(verdict):
            here.terminal.note(note)
    return _CODES[verdict.mark]


def as_record(answer: str, expected: str, grade: Grade, verdict: Verdict, *, exact: bool = False) -> dict[str, object]:
    """The JSON object that `--json` prints."""
    return {
        "schema": SCHEMA,
        "answer": answer,
        "expected": expected,
        "verdict": _WORDS[verdict.mark],
        "grade": grade.value,
        "exact": exact,
        "rule": verdict.rule,
        "why": verdict.why,
    }


def _notes(verdict: Verdict) -> Iterator[str]:
    """The rule that decided, and the reason; where nothing decided, the reason alone."""
    if verdict.rule and verdict.mark is not Mark.UNDECIDED:
        yield f"rule: {verdict.rule}"
    if verdict.why:
        yield verdict.why


# ---------------------------------------------------------------- many pairs


@dataclass(frozen=True, slots=True)
class _Request:
    """What `--pairs` was called with."""

    source: str
    kind: PairFormat | None
    grade: Grade
    exact: bool
    as_json: bool


def _many(here: Invocation, request: _Request) -> int:
    """Compare the pairs of a file, and write a row for each of its lines."""
    counts: Counter[str] = Counter()
    table = ComparisonTable(here.terminal, style_for(here.terminal, here.environ))
    waiting = here.terminal.status.during(lambda: f"comparing · {counts.total()} done")
    with waiting, opened(request.grade, exact=request.exact, open_grader=here.ahead.grader) as compare:
        try:
            for row in _rows(request):
                if isinstance(row, BadLine):
                    record, shown = _bad(row)
                else:
                    record, shown = _compared(row, compare(row.answer, row.expected), request)
                counts[shown.verdict] += 1
                if request.as_json:
                    here.terminal.json(record)
                else:
                    table.add(shown)
        except (KeyboardInterrupt, TerminationSignal):
            here.terminal.note(f"{_summary(counts)} so far")
            raise
    if not counts:
        raise DataError(
            f"{_STDIN if request.source == '-' else request.source} has no pairs",
            "a line of it is, for example: 1/2<TAB>0.5",
        )
    here.terminal.note(_summary(counts))
    return _worst(counts)


def _rows(request: _Request) -> Iterator[Pair | BadLine]:
    """The lines of the file. Raises `DataError` where it cannot be read."""
    try:
        if request.source == "-":
            if sys.stdin is None or sys.stdin.closed:
                raise DataError(f"{_STDIN} is closed", "qmath check --pairs FILE")
            yield from read(sys.stdin.buffer, _STDIN, request.kind)
        else:
            with Path(request.source).open("rb") as stream:
                yield from read(stream, request.source, request.kind)
    except OSError as exc:
        raise DataError(f"cannot read {request.source}: {exc.strerror or exc}") from exc


def _compared(pair: Pair, verdict: Verdict, request: _Request) -> tuple[dict[str, object], ComparisonRow]:
    """A pair with its verdict, as the object of `--json` and as a row."""
    word = _WORDS[verdict.mark]
    record = as_record(pair.answer, pair.expected, request.grade, verdict, exact=request.exact)
    del record["schema"]
    row = ComparisonRow(pair.line, pair.answer, pair.expected, word, verdict.rule, verdict.why, verdict.mark)
    return {"schema": PAIRS_SCHEMA, "line": pair.line, **record}, row


def _bad(line: BadLine) -> tuple[dict[str, object], ComparisonRow]:
    """A line that is no pair, likewise."""
    record = {"schema": PAIRS_SCHEMA, "line": line.line, "error": line.why, "hint": line.hint}
    return record, ComparisonRow(line.line, "", "", _BAD, "", f"{line.why}; {line.hint}", None)


def _summary(counts: Counter[str]) -> str:
    """`5 pairs: 3 equal, 1 different, 1 undecided; 1 bad line`."""
    pairs = counts.total() - counts[_BAD]
    outcomes = ", ".join(f"{counts[word]} {word}" for word in _WORDS.values())
    bad = f"; {counts[_BAD]} bad {'line' if counts[_BAD] == 1 else 'lines'}" if counts[_BAD] else ""
    return f"{pairs} {'pair' if pairs == 1 else 'pairs'}: {outcomes}{bad}"


def _worst(counts: Counter[str]) -> ExitCode:
    if counts[_BAD]:
        return ExitCode.USAGE
    return next((_CODES[mark] for mark in (Mark.WRONG, Mark.UNDECIDED) if counts[_WORDS[mark]]), ExitCode.OK)

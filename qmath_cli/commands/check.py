"""`qmath check ANSWER EXPECTED`: are two answers the same? Without a model.

Prints `equal`, `different` or `undecided` (and why), or one JSON object; the exit code says the same: 0, 4, 3.
"""

from __future__ import annotations

from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import invocation
from qmath_cli.errors import ExitCode
from qmath_cli.grading.check import check
from qmath_cli.records import Mark, Verdict
from qmath_cli.settings import Grade

SCHEMA = "qmath.check/1"
_WORDS = {Mark.CORRECT: "equal", Mark.WRONG: "different", Mark.UNDECIDED: "undecided"}
_CODES = {Mark.CORRECT: ExitCode.OK, Mark.WRONG: ExitCode.DIFFERENT, Mark.UNDECIDED: ExitCode.NO_ANSWER}


def command(
    context: typer.Context,
    answer: Annotated[str, typer.Argument(metavar="ANSWER", help="The answer, in LaTeX or plain text; quote it.")],
    expected: Annotated[str, typer.Argument(metavar="EXPECTED", help="What it should be.")],
    grade: Annotated[
        Grade,
        typer.Option(
            "--grade",
            metavar="strict|official",
            help="strict: what a person accepts; official: the rules of Qwen's evaluation. Default: strict.",
        ),
    ] = Grade.STRICT,
    as_json: o.Json = False,
) -> int:
    """Compare two answers: equal (exit code 0), different (4) or undecided (3)."""
    verdict = check(answer, expected, grade)
    terminal = invocation(context).terminal
    if as_json:
        terminal.json(as_record(answer, expected, grade, verdict))
    else:
        terminal.line(_WORDS[verdict.mark])
        if verdict.why:
            terminal.note(verdict.why)
    return _CODES[verdict.mark]


def as_record(answer: str, expected: str, grade: Grade, verdict: Verdict) -> dict[str, object]:
    """The JSON object that `--json` prints."""
    return {
        "schema": SCHEMA,
        "answer": answer,
        "expected": expected,
        "verdict": _WORDS[verdict.mark],
        "grade": grade.value,
        "rule": verdict.rule,
        "why": verdict.why,
    }

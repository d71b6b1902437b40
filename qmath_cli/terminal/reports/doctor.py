"""The results of `doctor` as lines: a mark, a name, what was found, and below it how to fix it."""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.doctor.results import CheckResult, Status
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.style import Paint, Style

_MARKS = {Status.OK: ("✓", "ok"), Status.WARNING: ("!", "!"), Status.PROBLEM: ("✗", "X")}
_PAINTS = {Status.OK: Paint.GOOD, Status.WARNING: Paint.WARNING, Status.PROBLEM: Paint.BAD}


def findings(results: Sequence[CheckResult], style: Style) -> str:
    """The lines for all results, each with its newline."""
    return "".join(_lines(result, style) for result in results)


def _lines(result: CheckResult, style: Style) -> str:
    mark = _MARKS[result.status][0 if style.unicode else 1]
    line = f"{style.paint(mark.ljust(2), _PAINTS[result.status])} {result.name:<10} {clean(result.detail)}\n"
    return line + (f"   {'':<10} fix: {clean(result.fix)}\n" if result.fix else "")

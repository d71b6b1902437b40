"""The results of `doctor` as lines: a mark, a name, what was found (its words wrap), and below it how to fix it."""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.doctor.results import CheckResult, Status
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.style import Paint, Style
from qmath_cli.terminal.tables import definition

_MARKS = {Status.OK: ("✓", "ok"), Status.WARNING: ("!", "!"), Status.PROBLEM: ("✗", "X")}
_PAINTS = {Status.OK: Paint.GOOD, Status.WARNING: Paint.WARNING, Status.PROBLEM: Paint.BAD}

_NAMES = 13  # columns of a mark and a name
_UNBROKEN = 1_000_000  # columns: a pipe gets one line


def findings(results: Sequence[CheckResult], style: Style) -> str:
    """The lines for all results, each with its newline."""
    return "".join(_lines(result, style) for result in results)


def _lines(result: CheckResult, style: Style) -> str:
    mark = _MARKS[result.status][0 if style.unicode and not style.dumb else 1].ljust(2)
    width = style.text_width() if style.tty else _UNBROKEN
    first, *more = definition(f"{mark} {result.name}", clean(result.detail), _NAMES, width)
    lines = [style.paint(mark, _PAINTS[result.status]) + first[len(mark) :], *more]
    lines += [f"{'':<{_NAMES}}  fix: {clean(result.fix)}"] if result.fix else []
    return "".join(f"{line}\n" for line in lines)

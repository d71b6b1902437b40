"""Compared pairs as rows, written one by one: columns on a terminal, cells between tabs on a pipe.

A terminal gets what fits into its width, and the rule before the reason, so that a rounded value is never accepted in
silence. A pipe gets everything, under a header that `qmath check --pairs` reads again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from qmath_cli.records import Mark
from qmath_cli.terminal.output import Terminal, clean
from qmath_cli.terminal.style import Paint, Style
from qmath_cli.terminal.text_width import columns

_PAINTS: Mapping[Mark | None, Paint] = {
    Mark.CORRECT: Paint.GOOD,
    Mark.WRONG: Paint.BAD,
    Mark.UNDECIDED: Paint.WARNING,
    None: Paint.WARNING,
}
_LINE, _VERDICT, _GAP = 5, 9, 2  # columns; `different` and `undecided` have nine letters
_LEAST = 4  # columns of a cell, on a terminal of any width


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One row.

    Attributes:
        line: Where the pair begins in its file.
        answer: The answer; empty if the line is no pair.
        expected: The expected answer, likewise.
        verdict: The word for the outcome.
        rule: The rule that decided; may be empty.
        why: The reason; may be empty.
        mark: The outcome; None if the line is no pair.
    """

    line: int
    answer: str
    expected: str
    verdict: str
    rule: str
    why: str
    mark: Mark | None


class ComparisonTable:
    """Writes rows; the header comes before the first."""

    def __init__(self, terminal: Terminal, style: Style) -> None:
        self._terminal = terminal
        self._style = style
        self._begun = False

    def add(self, row: ComparisonRow) -> None:
        """Write one row."""
        if self._terminal.interactive:
            if not self._begun:
                self._columns("line", "verdict", "answer", "expected", "rule and reason")
            self._columns(str(row.line), row.verdict, row.answer, row.expected, _reason(row), _PAINTS[row.mark])
        else:
            if not self._begun:
                self._tabs("line", "answer", "expected", "verdict", "rule", "reason")
            self._tabs(str(row.line), row.answer, row.expected, row.verdict, row.rule, row.why)
        self._begun = True

    def _tabs(self, *cells: str) -> None:
        self._terminal.line("\t".join(_on_one_line(cell) for cell in cells))

    def _columns(
        self, line: str, verdict: str, answer: str, expected: str, reason: str, paint: Paint | None = None
    ) -> None:
        line = line.rjust(_LINE)
        room = self._style.width() - len(line) - _VERDICT - 4 * _GAP
        narrow = max(room * 3 // 10, _LEAST)
        if not answer and not expected:  # no pair: the reason has the whole row
            cells = [self._cut(reason, room + 2 * _GAP)]
        else:
            widths = (narrow, narrow, max(room - 2 * narrow, _LEAST))
            cells = [self._cut(cell, width) for cell, width in zip((answer, expected, reason), widths, strict=True)]
        shown = verdict + " " * (_VERDICT - len(verdict))
        painted = self._style.paint(shown, paint) if paint else shown
        self._terminal.write((" " * _GAP).join((line, painted, *cells)).rstrip() + "\n")

    def _cut(self, text: str, width: int) -> str:
        """A text in exactly `width` columns; what does not fit is replaced by dots."""
        text = _on_one_line(text)
        if columns(text) > width:
            dots = "…" if self._style.unicode else "..."
            text = text[:width]
            while columns(text) > width - len(dots):
                text = text[:-1]
            text += dots
        return text + " " * (width - columns(text))


def _reason(row: ComparisonRow) -> str:
    """The rule and why it decided; where none decided, why."""
    if row.why and row.mark is Mark.UNDECIDED:
        return row.why
    return ": ".join(part for part in (row.rule, row.why) if part)


def _on_one_line(text: str) -> str:
    """Blanks for newlines and tabs, no control characters, and nothing that has no UTF-8."""
    return re.sub(r"[\n\t]", " ", clean(text)).strip().encode("utf-8", "replace").decode("utf-8")

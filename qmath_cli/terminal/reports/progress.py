"""Progress of an evaluation, on stderr: one line that is redrawn in place on a terminal, nothing elsewhere."""

from __future__ import annotations

import time
from collections import deque

from qmath_cli.evaluation.records import GradedSample
from qmath_cli.records import Mark
from qmath_cli.settings import Grade
from qmath_cli.terminal.output import Terminal, clean

_REDRAW_S = 0.2  # least time between two redraws
_WINDOW = 64  # samples over which the speed is averaged


class EvaluationProgress:
    """Shows the progress of one run: call `tick` for every stored sample, `end` after the last."""

    def __init__(self, terminal: Terminal, name: str, grade: Grade) -> None:
        self._terminal = terminal
        self._name = clean(name)
        self._grade = grade
        self._right = self._seen = 0
        self._drawn = 0.0
        self._recent: deque[tuple[float, int]] = deque([(time.monotonic(), 0)], maxlen=_WINDOW)

    def tick(self, one: GradedSample, done: int, total: int) -> None:
        """Count a graded sample, and redraw the line.

        Args:
            one: The sample.
            done: Samples stored so far.
            total: Samples of the run.
        """
        verdict = one.grades.official if self._grade is Grade.OFFICIAL else one.grades.strict
        self._right += verdict.mark is Mark.CORRECT
        self._seen += 1
        now = time.monotonic()
        self._recent.append((now, one.sample.usage.completion_tokens))
        if self._terminal.err.isatty() and (now - self._drawn > _REDRAW_S or done == total):
            self._drawn = now
            self._draw(self._line(done, total))

    def end(self) -> None:
        """Clear the line."""
        if self._drawn:
            self._draw("")

    def _line(self, done: int, total: int) -> str:
        (begun, _), *rest = self._recent
        elapsed = max(rest[-1][0] - begun, 1e-6)
        left = (total - done) * elapsed / len(rest)
        share = 100 * self._right / self._seen
        speed = sum(tokens for _, tokens in rest) / elapsed
        return f"{self._name}  {done}/{total}  {share:.1f} % right so far  {speed:.0f} tokens/s  {_minutes(left)} left"

    def _draw(self, line: str) -> None:
        self._terminal.err.write(f"\r\x1b[2K{line}")
        self._terminal.err.flush()


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"

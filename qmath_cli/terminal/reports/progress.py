"""Progress of an evaluation on the status line: what is loaded and read, then tokens, and samples with their share."""

from __future__ import annotations

import time
from collections import deque
from pathlib import PurePath

from qmath_cli.evaluation.records import GradedSample
from qmath_cli.records import Event, Mark
from qmath_cli.records.activity import Activity
from qmath_cli.settings import Grade
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.progress import minutes
from qmath_cli.terminal.solving_status import SolvingStatus

_WINDOW = 64  # samples over which the time that is left is estimated


class EvaluationProgress:
    """The progress of one run: it is told what happens, and `text` is what the status line says."""

    def __init__(self, name: str, grade: Grade) -> None:
        self._name = clean(PurePath(name).name)
        self._grade = grade
        self._status = SolvingStatus()
        self._status.begin(0)
        self._right = self._seen = self._done = self._total = 0
        self._recent: deque[float] = deque([time.monotonic()], maxlen=_WINDOW)  # when samples were stored

    def begin(self, done: int, total: int) -> None:
        """So many samples of the run are stored already."""
        self._done, self._total = done, total

    def activity(self, activity: Activity) -> None:
        """Note what the run is busy with."""
        self._status.activity(activity)

    def event(self, event: Event) -> None:
        """Note what has happened in any of its sequences."""
        self._status.event(event)

    def stored(self, one: GradedSample, done: int, total: int) -> None:
        """Count a graded sample: the `done`-th of `total`."""
        verdict = one.grades.official if self._grade is Grade.OFFICIAL else one.grades.strict
        self._right += verdict.mark is Mark.CORRECT
        self._seen += 1
        self._done, self._total = done, total
        self._recent.append(time.monotonic())

    def text(self) -> str:
        """`3/20 · 66.7 % right so far · 230 tokens · 9.1 tok/s · 2 min 05 s left · demo`."""
        if waits := self._status.waiting():
            return waits
        parts = [f"{self._done}/{self._total}"] if self._total else []
        parts += [f"{100 * self._right / self._seen:.1f} % right so far"] if self._seen else []
        parts += [self._status.speed()]
        parts += [f"{self._left()} left"] if self._seen else []
        return " · ".join([*parts, self._name])

    def _left(self) -> str:
        recent = tuple(self._recent)
        each = (recent[-1] - recent[0]) / max(len(recent) - 1, 1)
        return minutes((self._total - self._done) * each)

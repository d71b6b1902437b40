"""What a batch shows on stderr: the status line while it runs, and the count at its end."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from qmath_cli.problem_set.result_file import ResultOutcome
from qmath_cli.records import Event, Finish
from qmath_cli.records.activity import Activity
from qmath_cli.terminal.progress import minutes
from qmath_cli.terminal.solving_status import SolvingStatus

_ENOUGH = 20  # solved problems before an estimate of the time left: the first ones end late, and together


class BatchProgress:
    """The progress of a batch: it is told what happens, and `text` is what the status line says."""

    def __init__(self, problems: int) -> None:
        """Begin with no problem solved."""
        self._problems = problems
        self._solved = 0
        self._status = SolvingStatus()
        self._status.begin(0)
        self._started = time.monotonic()

    def activity(self, activity: Activity) -> None:
        """Note what the batch is busy with."""
        self._status.activity(activity)

    def tick(self, event: Event) -> None:
        """Note what has happened to any of the problems."""
        self._status.event(event)

    def solved(self) -> None:
        """Count a problem that is finished."""
        self._solved += 1

    def text(self) -> str:
        """`3/20 problems · 230 tokens · 9.1 tok/s`, and from some number on the time that is left."""
        done = f"{self._solved}/{self._problems} problems"
        if waits := self._status.waiting():
            return f"{done} · {waits}"
        line = f"{done} · {self._status.speed()}"
        if self._solved >= _ENOUGH:
            each = (time.monotonic() - self._started) / self._solved
            line += f" · {minutes((self._problems - self._solved) * each)} left"
        return line


def summary(outcomes: Collection[ResultOutcome], problems: int, out: Path | None) -> str:
    """`20 problems: 18 answered, 2 without an answer; 17 of 19 as expected; in answers.csv`."""
    answered = sum(outcome.answered for outcome in outcomes)
    late = sum(outcome.finish is Finish.TIMEOUT for outcome in outcomes)
    expected = sum(outcome.expected for outcome in outcomes)
    right = sum(outcome.equal is True for outcome in outcomes)
    several = "1 problem" if problems == 1 else f"{problems} problems"
    parts = [f"{several}: {answered} answered, {len(outcomes) - answered} without an answer"]
    unknown = sum(outcome.finish is Finish.UNKNOWN_KIND for outcome in outcomes)
    parts += [f"{unknown} of a kind that the demo does not know (--force tries anyway)"] if unknown else []
    parts += [f"{late} ran into the time limit"] if late else []
    parts += [f"{right} of {expected} as expected"] if expected else []
    parts += [f"in {out}"] if out is not None else []
    if len(outcomes) < problems:
        left = f"interrupted: {problems - len(outcomes)} are left"
        parts.append(f"{left}, and the same command goes on" if out is not None else left)
    return "; ".join(parts)

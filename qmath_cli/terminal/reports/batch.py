"""What a batch shows on stderr: one line that is redrawn while it runs, and the count at its end."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from qmath_cli.problem_set.result_file import ResultOutcome
from qmath_cli.records import Event, Finish, TextDelta
from qmath_cli.terminal.output import Terminal

_REDRAW_S = 0.2  # least time between two redraws
_ENOUGH = 20  # solved problems before an estimate of the time left: the first ones end late, and together


class BatchProgress:
    """Redraws a line for what happens, on a terminal; elsewhere it shows nothing."""

    def __init__(self, terminal: Terminal, problems: int, *, shown: bool = True) -> None:
        """Begin with no problem solved; without `shown`, nothing is ever drawn."""
        self._terminal = terminal
        self._problems = problems
        self._shown = shown and terminal.err.isatty()
        self._solved = self._tokens = 0
        self._started = time.monotonic()
        self._drawn = 0.0
        self._draw()

    def tick(self, event: Event) -> None:
        """Count the tokens of an event: a piece of text is about one."""
        self._tokens += isinstance(event, TextDelta)
        self._draw()

    def solved(self) -> None:
        """Count a problem that is finished."""
        self._solved += 1
        self._draw()

    def end(self) -> None:
        """Clear the line; the next event draws it again."""
        if self._drawn:
            self._drawn = 0.0
            self._write("")

    def _draw(self) -> None:
        now = time.monotonic()
        if self._shown and now - self._drawn > _REDRAW_S:
            self._drawn = now
            elapsed = max(now - self._started, 1e-6)
            if not self._tokens:
                self._write(f"{self._problems} problems: loading and reading them")
                return
            line = f"{self._solved}/{self._problems} problems  {self._tokens / elapsed:.0f} tokens/s"
            if self._solved >= _ENOUGH:
                line += f"  {_minutes((self._problems - self._solved) * elapsed / self._solved)} left"
            self._write(line)

    def _write(self, line: str) -> None:
        self._terminal.err.write(f"\r\x1b[2K{line}")
        self._terminal.err.flush()


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


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"

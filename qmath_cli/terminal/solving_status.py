"""What the status line says while problems are solved: how far loading, reading, writing and running have come.

It is told what happens, from any thread, and asked for its text by the status line's. Both only read and set single
values, so that neither waits for the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import PurePath

from qmath_cli.records import Event, ProgramFinished, ProgramStarted, SampleFinished, Solution, TextDelta
from qmath_cli.records.activity import Activity, Comparing, Idle, Loading, Measuring, Prefilling, Ranking
from qmath_cli.terminal.output import clean

_LEAST_HELD = 3  # characters: fewer are decided by the next token
_FIRST_RATE_S = 0.5  # a rate of less time says nothing
_SHOWN_RUN_S = 1.0  # from when on the seconds of a program are worth showing


class SolvingStatus:
    """The status of one problem's solve after the other."""

    def __init__(self) -> None:
        self._activity: Activity = Idle()
        self._since = 0.0  # when prefill began
        self.begin()

    def begin(self, samples: int = 1, *, written: bool = False, held: Callable[[], int] = lambda: 0) -> None:
        """Begin with another problem.

        Args:
            samples: How many of it are made; 0: those of many problems.
            written: Whether the first one is written to the terminal as it comes; then its progress is no wait.
            held: Gives the number of its characters that are held back, such as those of an unfinished formula.
        """
        self._samples, self._written, self._held = samples, written, held
        self._tokens = 0
        self._in_first = 0  # those that came together with the first
        self._first = self._last = 0.0  # when they came
        self._done = 0  # samples
        self._first_done = False  # the sample that is written has ended
        self._running = 0  # programs
        self._run_since = 0.0
        self._over = False

    def activity(self, activity: Activity) -> None:
        """Note what the solve is busy with."""
        if isinstance(activity, Prefilling) and not isinstance(self._activity, Prefilling):
            self._since = time.monotonic()
        self._activity = activity

    def event(self, event: Event) -> None:
        """Note what has happened."""
        match event:
            case TextDelta():
                self._last = time.monotonic()
                if not self._tokens:
                    self._first, self._in_first = self._last, event.tokens
                self._tokens += event.tokens
            case ProgramStarted():
                self._run_since = self._run_since if self._running else time.monotonic()
                self._running += 1
            case ProgramFinished():
                self._running = max(self._running - 1, 0)
            case SampleFinished():
                self._done += 1
                self._first_done = self._first_done or event.sample.index == 0
            case Solution():
                self._over = True

    def before(self, sink: Callable[[Event], None]) -> Callable[[Event], None]:
        """A sink of events that notes each one before it hands it on."""

        def noted(event: Event) -> None:
            self.event(event)
            sink(event)

        return noted

    def text(self) -> str:
        """The status at this moment; empty where nothing is waited for."""
        return "" if self._over else self.waiting() or self._writing()

    def waiting(self) -> str:
        """What is done before or between the text of samples; empty while text is written."""
        match self._activity:
            case Loading(name, share):
                return clean(f"loading {share:.0%} · {PurePath(name).name}")
            case Measuring(share):
                return f"measuring what is fastest here {share:.0%}"
            case Comparing():
                return "comparing answers"
            case Ranking(done, samples):
                return f"ranking the samples · {done} of {samples}"
            case Prefilling() as prefilling if not self._tokens or self._samples == 1:
                return self._reading(prefilling)
            case _:
                return "" if self._tokens else "starting"

    def speed(self) -> str:
        """`230 tokens · 9.1 tok/s`."""
        seconds = self._last - self._first
        later = self._tokens - self._in_first
        rate = f" · {later / seconds:.1f} tok/s" if later > 0 and seconds > _FIRST_RATE_S else ""
        return f"{_count(self._tokens, 'token')}{rate}"

    def _reading(self, prefilling: Prefilling) -> str:
        parts = [f"reading {_count(prefilling.tokens, 'token')}", f"{prefilling.done / max(prefilling.tokens, 1):.0%}"]
        seconds = time.monotonic() - self._since
        if prefilling.done and seconds > 0:
            parts.append(f"{prefilling.done / seconds:.1f} tok/s")
        return " · ".join(parts)

    def _writing(self) -> str:
        if self._written and not self._first_done and (held := self._held()) >= _LEAST_HELD:
            return f"… {_count(held, 'character')}"
        if self._running and (self._samples == 1 or self._running == self._samples - self._done):
            return self._programs()
        if self._written and not self._first_done and self._samples == 1:
            return ""
        several = [f"{self._samples} samples"], [f"{self._done} done"]
        return " · ".join([*several[0], self.speed(), *several[1]]) if self._samples > 1 else self.speed()

    def _programs(self) -> str:
        seconds = time.monotonic() - self._run_since
        what = "running a program" if self._running == 1 else f"running {self._running} programs"
        return f"{what} · {seconds:.0f} s" if seconds >= _SHOWN_RUN_S else what


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"

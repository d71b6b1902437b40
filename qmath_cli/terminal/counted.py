"""Progress of an operation that is counted in steps: how many are done, and the time that is left."""

from __future__ import annotations

import time
from collections import deque

from qmath_cli.terminal.output import Terminal, clean
from qmath_cli.terminal.progress import minutes

_WINDOW = 32  # steps over which the time that is left is estimated


class Counted:
    """The progress of one operation. `text` is for the status line; without one, each stage is a line on stderr."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._what = ""
        self._done = self._total = 0
        self._times: deque[tuple[float, int]] = deque(maxlen=_WINDOW)

    def update(self, what: str, done: int, total: int) -> None:
        """So many steps of a stage are done."""
        if what != self._what:
            self._what = what
            self._times.clear()
            if not self._terminal.status.shown:
                self._terminal.note(what)
        self._done, self._total = done, total
        self._times.append((time.monotonic(), done))

    def text(self) -> str:
        """`measuring the importance matrix · 12/100 · 12 % · 3 min 05 s left`."""
        if not self._total:
            return clean(self._what)
        share = f"{self._done}/{self._total} · {self._done / self._total:.0%}"
        return " · ".join(filter(None, [clean(self._what), share, self._left()]))

    def _left(self) -> str:
        times = tuple(self._times)
        steps = times[-1][1] - times[0][1] if times else 0
        if steps <= 0:
            return ""
        return f"{minutes((self._total - self._done) * (times[-1][0] - times[0][0]) / steps)} left"

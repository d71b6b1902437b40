"""Progress of an operation that is done in equal steps, on stderr: chunks of a text, passages, tensors.

On a terminal it is the status line; elsewhere it is one line at the beginning.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from qmath_cli.terminal.output import Terminal, clean
from qmath_cli.terminal.progress import minutes

_BAR = 20  # columns
_WINDOW = 64  # steps over which the time that is left is estimated


class CountedProgress:
    """The progress of one operation; `counted_progress` makes it.

    Args:
        what: what is going on.
        unit: what the steps are, in the plural.
        detail: what stands at the end of the line, where a narrow terminal cuts it off, such as a model's name.
    """

    def __init__(self, what: str, unit: str, detail: str = "") -> None:
        self._what, self._unit, self._detail = clean(what), unit, clean(detail)
        self._done = self._total = 0
        self._recent: deque[tuple[float, int]] = deque([(time.monotonic(), -1)], maxlen=_WINDOW)

    def __call__(self, done: int, total: int) -> None:
        """Report `done` of `total` steps; called after each."""
        if not self._total:  # the first step of an operation that may go on where an earlier one ended
            self._recent[0] = (self._recent[0][0], done - 1)
        self._done, self._total = done, total
        self._recent.append((time.monotonic(), done))

    def text(self) -> str:
        """`reading  ████····  40%  8/20 chunks  20 s left  with demo`."""
        if not self._total:
            return f"{self._what} {self._detail}".strip()
        share = self._done / self._total
        full = round(share * _BAR)
        parts = [self._what, "█" * full + "·" * (_BAR - full), f"{share:.0%}"]
        parts += [f"{self._done}/{self._total} {self._unit}", f"{minutes(self._left())} left", self._detail]
        return "  ".join(filter(None, parts))

    def _left(self) -> float:
        (since, before), (now, done) = self._recent[0], self._recent[-1]
        return (self._total - done) * (now - since) / max(done - before, 1)


@contextmanager
def counted_progress(terminal: Terminal, what: str, unit: str, detail: str = "") -> Iterator[CountedProgress]:
    """Show progress while the block runs: on the status line of a terminal, otherwise one line."""
    progress = CountedProgress(what, unit, detail)
    if not terminal.status.shown:
        terminal.note(progress.text())
    with terminal.status.during(progress.text):
        yield progress

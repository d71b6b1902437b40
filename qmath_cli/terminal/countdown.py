"""A wait of seconds or minutes as a countdown on stderr, for a terminal; elsewhere it is silent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.progress import ByteProgress

_SHORTEST_S = 2.0  # that is shown


class Countdown:
    """The waits of one command. `pause` may be called by any thread."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._progress: ByteProgress | None = None

    @contextmanager
    def within(self, progress: ByteProgress) -> Iterator[None]:
        """Show the waits of the block beside a progress, which has the status line meanwhile."""
        self._progress = progress
        try:
            yield
        finally:
            self._progress = None

    def pause(self, seconds: float) -> None:
        """Wait, and show the seconds that are left."""
        if seconds < _SHORTEST_S:
            time.sleep(seconds)
            return
        end = time.monotonic() + seconds

        def left() -> str:
            seconds = end - time.monotonic()
            return f"waiting: {seconds:.0f} s" if seconds > 0 else ""

        if self._progress is not None:
            with self._progress.standing_still(left):
                time.sleep(seconds)
        else:
            with self._terminal.status.during(left):
                time.sleep(seconds)

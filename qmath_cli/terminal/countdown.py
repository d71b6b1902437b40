"""A wait of seconds or minutes as a countdown on stderr, for a terminal; elsewhere it is silent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.progress import ByteProgress

_SHORTEST_S = 2.0  # that is shown
_ERASE_LINE = "\r\x1b[K"


class Countdown:
    """The waits of one command. `pause` may be called by any thread."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._progress: ByteProgress | None = None

    @contextmanager
    def within(self, progress: ByteProgress) -> Iterator[None]:
        """Show the waits of the block in a progress bar, which owns the last line meanwhile."""
        self._progress = progress
        try:
            yield
        finally:
            self._progress = None

    def pause(self, seconds: float) -> None:
        """Wait, and show the seconds that are left."""
        if seconds < _SHORTEST_S or not self._terminal.err.isatty():
            time.sleep(seconds)
            return
        end = time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) > 0:
                self._show(f"waiting: {left:.0f} s")
                time.sleep(min(1.0, left))
        finally:
            self._show("")

    def _show(self, text: str) -> None:
        if self._progress is not None:
            self._progress.detail(text)
            return
        self._terminal.err.write(_ERASE_LINE + text)
        self._terminal.err.flush()

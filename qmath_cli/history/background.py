"""Keeps many problems while others are computed. As `keeper`, it never fails."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

from qmath_cli.history.entry import Solved
from qmath_cli.history.keeper import Keeper
from qmath_cli.paths import Paths
from qmath_cli.settings import Settings


class BackgroundKeeper:
    """A keeper for many problems: one thread writes them, in their order, while the next ones are computed.

    A problem costs some flushes of the disk, which is as long as a small model takes for it. `note` is called on the
    thread of the caller.
    """

    def __init__(self, paths: Paths, note: Callable[[str], None]) -> None:
        self._said: SimpleQueue[str] = SimpleQueue()
        self._note = note
        self._keeper = Keeper(paths, self._said.put)
        self._writer = ThreadPoolExecutor(1, "history")
        self._pending: deque[Future[Solved]] = deque()

    def keep(self, solved: Solved, settings: Settings) -> None:
        """Keep a solution soon; the arguments are those of `Keeper.keep`."""
        self._settle()
        self._pending.append(self._writer.submit(self._keeper.keep, solved, settings))

    def close(self) -> None:
        """Wait until everything is kept."""
        self._writer.shutdown()
        self._settle()

    def _settle(self) -> None:
        """Say what the writer had to say; what it could not foresee is raised here, and not lost with its thread."""
        while self._pending and self._pending[0].done():
            self._pending.popleft().result()
        while not self._said.empty():
            self._note(self._said.get())

"""Keeps what is solved, where the settings want it. It never fails: what cannot be kept is said once.

`solve` and the REPL keep one problem at a time, `batch` many in the background.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING

from qmath_cli.errors import QmathError
from qmath_cli.history.entry import Solved, numbered
from qmath_cli.paths import Paths
from qmath_cli.settings import Settings

if TYPE_CHECKING:
    from qmath_cli.history.store import History


def open_history(paths: Paths) -> History:
    """The history of these folders. SQLite is imported by this call, not by a program that keeps nothing."""
    from qmath_cli.history.store import History

    return History(paths.history)


class Keeper:
    """Keeps solutions in the history of some folders; `note` gets the one line that says why it cannot."""

    def __init__(self, paths: Paths, note: Callable[[str], None]) -> None:
        self._paths = paths
        self._note = note
        self._noted = False

    def keep(self, solved: Solved, settings: Settings) -> Solved:
        """Add a solution, or write one that has a number again.

        Args:
            solved: The solution. One without a sample, as after an early interrupt, is not kept.
            settings: Nothing is written unless its `history` is on.

        Returns:
            The same with its number; without one where it was not kept.
        """
        if not settings.history or not solved.solution.samples:
            return solved
        try:
            history = open_history(self._paths)
            return numbered(solved, history.replace(solved))
        except QmathError as exc:
            if not self._noted:
                self._note(f"the history is not kept: {exc.message}; --no-history keeps none, without this line")
            self._noted = True
            return numbered(solved, None)


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

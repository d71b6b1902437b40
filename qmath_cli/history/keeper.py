"""Keeps what is solved, where the settings want it. It never fails: what cannot be kept is said once."""

from __future__ import annotations

from collections.abc import Callable
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

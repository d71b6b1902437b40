"""What is measured: one arrangement of batches, ready to compute. `rigs` makes them of a loaded model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from qmath_cli.benchmark.tuning.table import Arrangement


class Rig(Protocol):
    """One arrangement, ready to compute."""

    @property
    def most(self) -> int:
        """The most rows of a step of one batch."""
        ...

    @property
    def depth(self) -> int:
        """Tokens of each sequence."""
        ...

    def prefill(self, tokens: int) -> float | None:
        """Compute so many more tokens of the prompt; returns the seconds, or None if there is no room for them."""
        ...

    def ready(self) -> None:
        """Give all sequences the prompt that was computed, in this rig or in the first one."""
        ...

    def round(self, rows: int) -> float:
        """Compute one step of so many rows in every batch, at the same time; returns the seconds."""
        ...


OpenRig = Callable[[Arrangement], AbstractContextManager[Rig]]
"""Makes contexts for an arrangement."""

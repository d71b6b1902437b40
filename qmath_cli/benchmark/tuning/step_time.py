"""What a step takes: on the wall clock, and of processor time; and how much of the time for measuring is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from qmath_cli.benchmark.tuning.rig import Rig

LONG_S = 0.02  # seconds of a step; a shorter one is measured several times, and says nothing of other programs


@dataclass(slots=True)
class Clock:
    """How much of the time is left."""

    seconds: float
    now: Callable[[], float]
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.now()

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return self.now() - self.started

    def allows(self, seconds: float, share: float = 1.0) -> bool:
        """Whether something that takes so long ends within a share of the time."""
        return self.spent + seconds <= self.seconds * share


class StepTime(NamedTuple):
    """What a round took: on the wall clock, and of processor time for each thread."""

    wall: float
    processor: float

    def lowest(self, other: StepTime | None) -> StepTime:
        """The lower one of each."""
        return self if other is None else StepTime(min(self.wall, other.wall), min(self.processor, other.processor))


Found = dict[int, StepTime]
"""What rounds took, by their rows."""


@dataclass(slots=True)
class ProcessorShare:
    """How much processor time the threads of long steps got of the time that these took."""

    now: Callable[[], float]
    used: float = 0.0
    due: float = 0.0

    def timed(self, rig: Rig, rows: int, threads: int) -> StepTime:
        """What a round takes on so many threads in all."""
        before = self.now()
        seconds = rig.round(rows)
        used = self.now() - before
        if seconds >= LONG_S:
            self.used += used
            self.due += seconds * threads
        return StepTime(seconds, used / threads)

    @property
    def share(self) -> float:
        """From 0 to 1; 1 where no step was long."""
        return min(self.used / self.due, 1.0) if self.due else 1.0

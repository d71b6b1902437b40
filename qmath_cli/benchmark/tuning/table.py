"""What was measured of a model on this machine: the cost of a step in several arrangements, and of prefill.

An arrangement is a number of batches that compute side by side, each on its own threads. Which one is fastest for how
many sequences is not decided here: see `choose`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from qmath_cli.records import Shape, StepCost

UNDISTURBED = 0.8  # of the processor time


@dataclass(frozen=True, slots=True, order=True)
class Arrangement:
    """`batches` that compute at the same time, each on `threads` threads of its own."""

    batches: int
    threads: int

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return threads if self.batches == 1 else f"{self.batches} batches of {threads}"


@dataclass(frozen=True, slots=True)
class ArrangementCost:
    """The cost of an arrangement: seconds in which each batch computes a step of n rows, while the others do so too."""

    arrangement: Arrangement
    cost: StepCost

    def rate(self, rows: int) -> float:
        """Tokens per second of all batches together, with `rows` sequences in each."""
        return self.arrangement.batches * self.cost.rate(rows)


@dataclass(frozen=True, slots=True)
class Tuning:
    """All that was measured.

    Attributes:
        arrangements: At least one; the first is one batch on all threads.
        prefill: Seconds of a step by the number of a prompt's tokens in it, in the first arrangement.
        depth: Tokens that each sequence had in its KV cache.
        seconds: What the measurement took.
        processor: The share of the processor time that the threads could have had; the rest went to other programs.
    """

    arrangements: tuple[ArrangementCost, ...]
    prefill: StepCost
    depth: int
    seconds: float
    processor: float = 1.0

    @property
    def disturbed(self) -> bool:
        """Whether other programs computed so much that the figures may be off."""
        return self.processor < UNDISTURBED

    @property
    def candidates(self) -> tuple[ArrangementCost, ...]:
        """The arrangements that can be compared with one another: all, or where it was disturbed those of one batch."""
        return tuple(one for one in self.arrangements if one.arrangement.batches == 1 or not self.disturbed)

    @property
    def steps(self) -> StepCost:
        """The cost of a step of one batch on all threads: v(n)."""
        return self.arrangements[0].cost

    @property
    def fastest(self) -> tuple[Shape, float]:
        """The shape with the most tokens per second of all that were measured, and that number."""
        found = [(one, rows, one.rate(rows)) for one in self.candidates for rows, _ in one.cost.points]
        best, rows, rate = max(found, key=lambda entry: (entry[2], -entry[1]))
        batches = best.arrangement.batches
        return Shape(rows * batches, batches, best.arrangement.threads), rate

    def rate(self, shape: Shape) -> float | None:
        """Tokens per second of a shape; None if its arrangement was not measured."""
        for one in self.arrangements:
            if one.arrangement == Arrangement(shape.batches, shape.threads):
                return shape.width / one.cost.seconds(shape.rows)
        return None

    def record(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            "arrangements": [
                {
                    "batches": one.arrangement.batches,
                    "threads": one.arrangement.threads,
                    "steps": _points(one.cost),
                }
                for one in self.arrangements
            ],
            "prefill": _points(self.prefill),
            "depth": self.depth,
            "seconds": round(self.seconds, 3),
            "processor": round(self.processor, 3),
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Tuning:
        """What `record` wrote. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        arrangements = tuple(
            ArrangementCost(Arrangement(_count(one["batches"]), _count(one["threads"])), _cost(one["steps"]))
            for one in record["arrangements"]
        )
        if not arrangements or arrangements[0].arrangement.batches != 1:
            raise ValueError("the first arrangement is one batch")
        if any(one.cost.points[0][0] != 1 for one in arrangements):
            raise ValueError("a step of one row is missing")
        prefill, depth = _cost(record["prefill"]), _count(record["depth"])
        return cls(arrangements, prefill, depth, float(record["seconds"]), float(record["processor"]))


def _points(cost: StepCost) -> list[dict[str, float]]:
    return [{"rows": rows, "seconds": round(seconds, 6)} for rows, seconds in cost.points]


def _cost(points: object) -> StepCost:
    if not isinstance(points, list):
        raise TypeError("no list of points")
    found = tuple((_count(point["rows"]), float(point["seconds"])) for point in points)
    rising = all(a[0] < b[0] for a, b in pairwise(found))
    if not found or not rising or not all(0 < seconds < float("inf") for _, seconds in found):
        raise ValueError("no rising points with times")
    return StepCost(found)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{value!r} is no count")
    return value

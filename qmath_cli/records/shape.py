"""The shape in which sequences are computed on this machine: how many at once, in how many batches, why these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Shape:
    """Up to `width` sequences at once, spread over `batches` that compute side by side, each on its own `threads`.

    0 batches or threads: as the model is placed.
    """

    width: int
    batches: int = 0
    threads: int = 0

    @property
    def rows(self) -> int:
        """Sequences of the fullest batch."""
        return -(-self.width // max(self.batches, 1))

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}" if self.threads else ""
        if self.batches <= 1:
            return f"{self.width} at once" + (f" on {threads}" if threads else "")
        return f"{self.width} at once in {self.batches} batches" + (f" of {threads}" if threads else "")


#: One sequence at a time.
ONE_SEQUENCE = Shape(1)

_NOTABLE = 1.01  # times the default; what is below is not worth a word


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be computed.

    Attributes:
        samples: How many there are, at least 1.
        each: Samples that share a prompt.
        group: The number of samples after which a batch is empty before others start, by the width, as in an
            evaluation; None: never.
    """

    samples: int
    each: int = 1
    group: Callable[[int], int] | None = None


class ShapeReason(StrEnum):
    """Why a shape was taken."""

    DEFAULT = "default"  # nothing was measured
    MEASURED = "measured"  # the fastest by what was measured on this machine
    ASKED = "asked"  # the user gave the number of sequences
    RESUMED = "resumed"  # the run began with it: its samples stay those of one run


@dataclass(frozen=True, slots=True)
class ShapeDecision:
    """A shape, why it was taken, and where it was measured, tokens per second.

    `rate` is expected of it, `default_rate` of the shape that would have been taken otherwise. `disturbed`: other
    programs computed while it was measured.
    """

    shape: Shape
    reason: ShapeReason = ShapeReason.DEFAULT
    rate: float | None = None
    default_rate: float | None = None
    disturbed: bool = False

    def __str__(self) -> str:
        if self.reason is ShapeReason.DEFAULT:
            return f"{self.shape}: the default; what is fastest here was not measured (qmath bench)"
        if self.reason is ShapeReason.RESUMED:
            return f"{self.shape}, as the run began"
        expected = "" if self.rate is None else f": about {self.rate:.3g} tokens/s"
        if self.reason is ShapeReason.ASKED:
            return f"{self.shape}, as asked{expected}"
        gain = self.rate / self.default_rate if self.rate and self.default_rate else 1.0
        gained = f", {gain:.2f} times the default" if gain > _NOTABLE else ""
        while_busy = " while other programs computed" if self.disturbed else ""
        return f"{self.shape}{expected}{gained}, by what was measured on this machine{while_busy}"

    def record(self) -> dict[str, Any]:
        """The decision as JSON."""
        shape = self.shape
        return {
            "width": shape.width,
            "batches": shape.batches or None,
            "threads": shape.threads or None,
            "why": str(self.reason),
            "expected_tps": None if self.rate is None else round(self.rate, 2),
            "default_tps": None if self.default_rate is None else round(self.default_rate, 2),
        }

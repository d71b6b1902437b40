"""What a solve is busy with while there is nothing to show yet: loading, reading a prompt, comparing, ranking.

The parts that do the work report these records; who observes them decides whether and how they are shown. A report says
how things stand, so the latest one is all that counts. The program runs the same if nobody observes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loading:
    """A model is being loaded; `share` of it, from 0 to 1, is in memory."""

    name: str
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Measuring:
    """Steps are measured, to find what is fastest here; `share` of the time for it, from 0 to 1, is spent."""

    share: float


@dataclass(frozen=True, slots=True)
class Prefilling:
    """Tokens of prompts are computed: `done` of `tokens` that are not in the KV cache."""

    done: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Comparing:
    """Two answers are compared, which can need a symbolic computation."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """A reward model scores samples: `done` of `samples`."""

    done: int
    samples: int


@dataclass(frozen=True, slots=True)
class Idle:
    """What was reported last has ended."""


Activity = Loading | Measuring | Prefilling | Comparing | Ranking | Idle

OnActivity = Callable[[Activity], None]
"""Takes a report. It is called from any thread, often, and must return at once."""


def unobserved(_activity: Activity) -> None:
    """The observer where there is none."""

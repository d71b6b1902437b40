"""Machines whose steps cost what a table says, on a clock that only they move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from qmath_cli.benchmark.tuning.rig import Rig
from qmath_cli.benchmark.tuning.table import Arrangement, ArrangementCost, Tuning
from qmath_cli.errors import DoesNotFit
from qmath_cli.records import StepCost

#: Tokens per second at 1, 2, 3 ... sequences of a 1.5B model on a CPU with AVX2 and two cores, as they were measured.
AVX2 = {1: 16.0, 2: 20.0, 3: 21.0, 4: 30.0, 5: 21.0, 8: 23.0, 16: 35.0}
#: Each of two batches on one thread of that CPU, while the other computes.
AVX2_HALF = {1: 8.0, 2: 10.5, 3: 11.0, 4: 15.3, 5: 11.0, 8: 12.0, 16: 17.0}
PREFILL = StepCost(((16, 0.4), (64, 1.3), (128, 2.5)))

TWO, SIDE = Arrangement(1, 2), Arrangement(2, 1)


def cost(rates: Mapping[int, float]) -> StepCost:
    """The cost of steps from tokens per second."""
    return StepCost(tuple((rows, rows / rate) for rows, rate in sorted(rates.items())))


def tuning(rates: Mapping[int, float], side: Mapping[int, float] | None = None, prefill: StepCost = PREFILL) -> Tuning:
    """What was measured of a machine with two threads; `side`: of each of two batches side by side."""
    found = [ArrangementCost(TWO, cost(rates))]
    found += [ArrangementCost(SIDE, cost(side))] if side else []
    return Tuning(tuple(found), prefill, 240, 5.0)


@dataclass
class Machine:
    """Computes nothing, and lets the time pass that `step` gives for an arrangement and a number of rows.

    `rounds` are all steps that were computed, `opened` the arrangements in their order.
    """

    step: Callable[[Arrangement, int], float]
    prefill: float = 0.02  # seconds per token
    most: int = 32
    time: float = 0.0
    rounds: list[tuple[Arrangement, int]] = field(default_factory=list)
    opened: list[Arrangement] = field(default_factory=list)

    share: float = 1.0  # of two cores that this process gets
    room: int = 64  # batches for whose contexts there is memory

    def now(self) -> float:
        return self.time

    def processor(self) -> float:
        return 2 * self.share * self.time

    @contextmanager
    def rig(self, arrangement: Arrangement) -> Iterator[Rig]:
        if arrangement.batches > self.room:
            raise DoesNotFit("no memory for a context of 1 tokens")
        self.opened.append(arrangement)
        yield _Rig(self, arrangement, self.most // arrangement.batches)


class _Rig:
    def __init__(self, machine: Machine, arrangement: Arrangement, most: int) -> None:
        self.machine, self.arrangement, self.most, self.depth = machine, arrangement, most, 240

    def prefill(self, tokens: int) -> float | None:
        self.machine.time += tokens * self.machine.prefill
        return tokens * self.machine.prefill

    def ready(self) -> None:
        pass

    def round(self, rows: int) -> float:
        assert 1 <= rows <= self.most
        self.machine.rounds.append((self.arrangement, rows))
        seconds = self.machine.step(self.arrangement, rows)
        self.machine.time += seconds
        return seconds

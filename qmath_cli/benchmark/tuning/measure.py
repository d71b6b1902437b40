"""Measures what steps cost: one batch on all threads first, then several batches side by side.

Sequences stand `depth` tokens deep in contexts of their own, because attention costs more the more tokens it has to
look at. A step includes what follows it: taking the likeliest token of each row. Of several measurements the lowest
counts, since other programs only ever make a step slower. Where they take much of the processor, the processor time of
each thread counts instead: it is about what the step would take on an idle machine.

The time is limited. What matters most is measured first, and a measurement that would not end in time is left out.
A first pass finds what is fast; only that is measured again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import reduce
from typing import NamedTuple, Protocol

from qmath_cli.benchmark.tuning.table import UNDISTURBED, Arrangement, ArrangementCost, Tuning
from qmath_cli.errors import DoesNotFit
from qmath_cli.records import StepCost

LONGEST_S = 18.0  # a step that takes longer than expected ends within twenty
MOST_ROWS = 32
#: Numbers of rows in the order of what they tell. CPU kernels take four rows at a time: multiples of four stand out.
_ROWS = (1, 4, 8, 2, 16, 12, 3, 6, 5, 24, 32, 7, 20, 10)
_PASSES = 3
_CONTENDER = 0.85  # of the best rate: what is below after the first pass is not measured again
_SMALL = 8  # rows up to which all are measured again: drafts are verified with so few
_LEAST_S, _MOST_ROUNDS = 0.02, 20  # seconds of rounds that are compared
_PREFILL = (16, 32, 64, 128)  # slices of the prompt with which all sequences begin
_PREFILL_SHARE = 0.25  # of the time
_FIRST_SHARE = 0.6  # of the time, until one batch on all threads is measured


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


@dataclass(slots=True)
class _Clock:
    """How much of the time is left."""

    seconds: float
    now: Callable[[], float]
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.now()

    @property
    def spent(self) -> float:
        return self.now() - self.started

    def allows(self, seconds: float, share: float = 1.0) -> bool:
        """Whether something that takes so long ends within a share of the time."""
        return self.spent + seconds <= self.seconds * share


class _Seconds(NamedTuple):
    """What a round took: on the wall clock, and of processor time for each thread."""

    wall: float
    processor: float

    def lowest(self, other: _Seconds | None) -> _Seconds:
        """The lower one of each."""
        return self if other is None else _Seconds(min(self.wall, other.wall), min(self.processor, other.processor))


_Found = dict[int, _Seconds]
"""What rounds took, by their rows."""


@dataclass(slots=True)
class _Processor:
    """How much processor time the threads of long steps got of the time that these took."""

    now: Callable[[], float]
    used: float = 0.0
    due: float = 0.0

    def timed(self, rig: Rig, rows: int, threads: int) -> _Seconds:
        """What a round takes on so many threads in all."""
        before = self.now()
        seconds = rig.round(rows)
        used = self.now() - before
        if seconds >= _LEAST_S:
            self.used += used
            self.due += seconds * threads
        return _Seconds(seconds, used / threads)

    @property
    def share(self) -> float:
        return min(self.used / self.due, 1.0) if self.due else 1.0


@dataclass(frozen=True, slots=True)
class _Pace:
    """What one arrangement may still measure: until a share of the time is spent.

    `known` is the cost of one batch on all threads, where it was measured.
    """

    clock: _Clock
    share: float
    known: StepCost | None
    threads: int  # of all batches together
    processor: _Processor
    on_share: Callable[[float], object]

    def allows(self, found: _Found, rows: int) -> bool:
        """Whether a step of so many rows ends in time, as far as that is known."""
        if rows in found:
            return self.clock.allows(found[rows].wall, self.share)
        expected = _cost(found).seconds(rows)
        if self.known is not None:
            expected = max(expected, self.known.seconds(rows))
        return self.clock.allows(expected, self.share)

    def report(self) -> None:
        """Tell how much of the time is spent."""
        self.on_share(min(self.clock.spent / self.clock.seconds, 1.0))


def arrangements(cores: int, *, fixed: bool, side_by_side: bool) -> tuple[Arrangement, ...]:
    """What is measured.

    Args:
        cores: Threads in all.
        fixed: Whether the user asked for this number of threads: no other is tried.
        side_by_side: Whether batches can gain by computing at the same time, as on a CPU.

    Returns:
        One batch on all threads; on a CPU also two and four that share the cores, and one on half of many cores, whose
        barriers may cost more than the other half computes.
    """
    found = [Arrangement(1, cores)]
    if fixed or not side_by_side:
        return tuple(found)
    found += [Arrangement(batches, cores // batches) for batches in (2, 4) if cores >= batches]
    found += [Arrangement(1, cores // 2)] if cores >= 4 else []
    return tuple(found)


def measure(
    wanted: Sequence[Arrangement],
    opened: OpenRig,
    *,
    longest: float = LONGEST_S,
    now: Callable[[], float] = time.perf_counter,
    processor: Callable[[], float] | None = time.process_time,
    on_share: Callable[[float], object] = lambda _share: None,
) -> Tuning:
    """Measure arrangements, as far as the time allows.

    Args:
        wanted: At least one; the first is one batch on all threads.
        opened: Makes contexts.
        longest: Seconds for all of it. Only the first step of the first arrangement takes place whatever it costs.
        now: The clock.
        processor: The processor time of this process; None where something else computes.
        on_share: Told which share of the time is spent.

    Raises:
        DoesNotFit: There is no memory for the contexts of the first arrangement.
    """
    clock, used = _Clock(longest, now), _Processor(processor or (lambda: 0.0))
    found: list[tuple[Arrangement, _Found]] = []
    prefill: _Found = {}
    depth = 0
    for index, arrangement in enumerate(wanted):
        known = _cost(found[0][1]) if found else None
        if known is not None and not clock.allows(arrangement.batches * known.seconds(4)):
            break
        try:
            with opened(arrangement) as rig:
                prefill = prefill or _prefill(rig, clock, used, arrangement.threads)
                rig.ready()
                depth = depth or rig.depth
                threads = arrangement.batches * arrangement.threads
                pace = _Pace(clock, _deadline(index, len(wanted)), known, threads, used, on_share)
                found.append((arrangement, _steps(rig, pace)))
        except DoesNotFit:
            if not found:
                raise
            break  # what has no memory here has none in a run
    on_share(1.0)
    share = used.share if processor is not None else 1.0
    costs = tuple(ArrangementCost(one, _cost(rounds, disturbed=share < UNDISTURBED)) for one, rounds in found)
    return Tuning(costs, _cost(prefill, disturbed=share < UNDISTURBED), depth, clock.spent, share)


def _cost(found: _Found, *, disturbed: bool = False) -> StepCost:
    """The cost by what rounds took. A clock of processor time that ticks too slowly has not seen short ones."""
    return StepCost(tuple((rows, (disturbed and one.processor) or one.wall) for rows, one in sorted(found.items())))


def _deadline(index: int, count: int) -> float:
    """The share of the time at which an arrangement is done: one batch on all threads matters most."""
    return 1.0 if count == 1 else _FIRST_SHARE + (1 - _FIRST_SHARE) * index / (count - 1)


def _prefill(rig: Rig, clock: _Clock, used: _Processor, threads: int) -> _Found:
    """What steps with more and more tokens of a prompt take; the first is computed in any case."""
    found: _Found = {}
    for tokens in _PREFILL:
        if found and not clock.allows(2 * found[tokens // 2].wall, _PREFILL_SHARE):
            break
        before = used.now()
        seconds = rig.prefill(tokens)
        if seconds is None:
            break
        found[tokens] = _Seconds(seconds, (used.now() - before) / threads)
    return found


def _steps(rig: Rig, pace: _Pace) -> _Found:
    """What steps take, of one row in any case."""
    rig.round(1)  # the first step of a context allocates
    found = {1: _lowest(rig, 1, pace)}
    for again in range(_PASSES):
        for rows in _contenders(found, rig.most) if again else _points(rig.most):
            if pace.allows(found, rows):
                found[rows] = _lowest(rig, rows, pace).lowest(found.get(rows))
                pace.report()
    return found


def _lowest(rig: Rig, rows: int, pace: _Pace) -> _Seconds:
    """What a round takes; of short ones the lowest of several, which are disturbed more easily."""
    first = pace.processor.timed(rig, rows, pace.threads)
    more = min(int(_LEAST_S / max(first.wall, 1e-9)), _MOST_ROUNDS)
    return reduce(lambda least, _: pace.processor.timed(rig, rows, pace.threads).lowest(least), range(more), first)


def _points(most: int) -> Iterator[int]:
    return (rows for rows in _ROWS if rows <= most)


def _contenders(found: _Found, most: int) -> list[int]:
    """What is measured again: what is fast, and what decides about drafts."""
    rates = {rows: rows / one.wall for rows, one in found.items()}
    fast = _CONTENDER * max(rates.values())
    return [rows for rows in _points(most) if rows in found and (rows <= _SMALL or rates[rows] >= fast)]

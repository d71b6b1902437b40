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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from qmath_cli.benchmark.tuning.rig import OpenRig, Rig
from qmath_cli.benchmark.tuning.step_time import LONG_S, Clock, Found, ProcessorShare, StepTime
from qmath_cli.benchmark.tuning.table import UNDISTURBED, Arrangement, ArrangementCost, Tuning
from qmath_cli.errors import DoesNotFit
from qmath_cli.records import StepCost

LONGEST_S = 18.0  # a step that takes longer than expected ends within twenty
MOST_ROWS = 32
_CONTENDER = 0.85  # of the best rate: what is below after the first pass is not measured again
_MOST_ROUNDS = 20  # of a short step
_PREFILL_SHARE = 0.25  # of the time
_FIRST_SHARE = 0.6  # of the time, until one batch on all threads is measured


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        rows: Numbers of rows in the order of what they tell. CPU kernels take four rows at a time: multiples of four
            stand out.
        passes: How often what is fast is measured.
        small: Rows up to which all are measured as often: drafts are verified with so few.
        prefill: Slices of the prompt with which all sequences begin.
    """

    rows: tuple[int, ...]
    passes: int
    small: int
    prefill: tuple[int, ...]


THOROUGH = Effort((1, 4, 8, 2, 16, 12, 3, 6, 5, 24, 32, 7, 20, 10), passes=3, small=8, prefill=(16, 32, 64, 128))
#: Before a run, whose time it takes.
BRIEF = Effort((1, 4, 8, 16, 2, 12, 32, 24), passes=2, small=1, prefill=(16, 32, 64))


@dataclass(frozen=True, slots=True)
class _Pace:
    """What one arrangement may still measure: until a share of the time is spent.

    `known` is the cost of one batch on all threads, where it was measured.
    """

    clock: Clock
    share: float
    known: StepCost | None
    effort: Effort
    threads: int  # of all batches together
    processor: ProcessorShare
    on_share: Callable[[float], object]

    def allows(self, found: Found, rows: int) -> bool:
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
    effort: Effort = THOROUGH,
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
        effort: How much is measured.
        longest: Seconds for all of it. Only the first step of the first arrangement takes place whatever it costs.
        now: The clock.
        processor: The processor time of this process; None where something else computes.
        on_share: Told which share of the time is spent.

    Raises:
        DoesNotFit: There is no memory for the contexts of the first arrangement.
    """
    clock, used = Clock(longest, now), ProcessorShare(processor or (lambda: 0.0))
    found: list[tuple[Arrangement, Found]] = []
    prefill: Found = {}
    depth = 0
    for index, arrangement in enumerate(wanted):
        known = _cost(found[0][1]) if found else None
        if known is not None and not clock.allows(arrangement.batches * known.seconds(4)):
            break
        try:
            with opened(arrangement) as rig:
                prefill = prefill or _prefill(rig, clock, used, effort, arrangement.threads)
                rig.ready()
                depth = depth or rig.depth
                threads = arrangement.batches * arrangement.threads
                pace = _Pace(clock, _deadline(index, len(wanted)), known, effort, threads, used, on_share)
                found.append((arrangement, _steps(rig, pace)))
        except DoesNotFit:
            if not found:
                raise
            break  # what has no memory here has none in a run
    on_share(1.0)
    share = used.share if processor is not None else 1.0
    costs = tuple(ArrangementCost(one, _cost(rounds, disturbed=share < UNDISTURBED)) for one, rounds in found)
    return Tuning(costs, _cost(prefill, disturbed=share < UNDISTURBED), depth, clock.spent, share)


def _cost(found: Found, *, disturbed: bool = False) -> StepCost:
    """The cost by what rounds took. A clock of processor time that ticks too slowly has not seen short ones."""
    return StepCost(tuple((rows, (disturbed and one.processor) or one.wall) for rows, one in sorted(found.items())))


def _deadline(index: int, count: int) -> float:
    """The share of the time at which an arrangement is done: one batch on all threads matters most."""
    return 1.0 if count == 1 else _FIRST_SHARE + (1 - _FIRST_SHARE) * index / (count - 1)


def _prefill(rig: Rig, clock: Clock, used: ProcessorShare, effort: Effort, threads: int) -> Found:
    """What steps with more and more tokens of a prompt take; the first is computed in any case."""
    found: Found = {}
    for tokens in effort.prefill:
        if found and not clock.allows(2 * found[tokens // 2].wall, _PREFILL_SHARE):
            break
        before = used.now()
        seconds = rig.prefill(tokens)
        if seconds is None:
            break
        found[tokens] = StepTime(seconds, (used.now() - before) / threads)
    return found


def _steps(rig: Rig, pace: _Pace) -> Found:
    """What steps take, of one row in any case."""
    rig.round(1)  # the first step of a context allocates
    found = {1: _lowest(rig, 1, pace)}
    points = [rows for rows in pace.effort.rows if rows <= rig.most]
    for again in range(pace.effort.passes):
        for rows in _contenders(found, points, pace.effort.small) if again else points:
            if pace.allows(found, rows):
                found[rows] = _lowest(rig, rows, pace).lowest(found.get(rows))
                pace.report()
    return found


def _lowest(rig: Rig, rows: int, pace: _Pace) -> StepTime:
    """What a round takes; of short ones the lowest of several, which are disturbed more easily."""
    first = pace.processor.timed(rig, rows, pace.threads)
    more = min(int(LONG_S / max(first.wall, 1e-9)), _MOST_ROUNDS)
    return reduce(lambda least, _: pace.processor.timed(rig, rows, pace.threads).lowest(least), range(more), first)


def _contenders(found: Found, points: list[int], small: int) -> list[int]:
    """What is measured again: what is fast, and what decides about drafts."""
    rates = {rows: rows / one.wall for rows, one in found.items()}
    fast = _CONTENDER * max(rates.values())
    return [rows for rows in points if rows in found and (rows <= small or rates[rows] >= fast)]

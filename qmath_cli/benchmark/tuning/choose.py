"""The fastest shape for some work, from what was measured.

Every shape that could be used is played through: samples of different lengths start as soon as there is room, and each
step costs what was measured for its rows. So the last samples, beside which most of a batch is empty, count as they do
in reality, and the width for three samples is another than that for three hundred. A larger shape has to be clearly
faster than a smaller one, because it takes more memory; and several batches than one, because they wait for one another
when another program takes a core. Where other programs disturbed the measurement, only one batch is considered: by
processor time, threads that spin at barriers seem to compute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from qmath_cli.benchmark.tuning.table import ArrangementCost, Tuning
from qmath_cli.records import Shape, Work

_TOKENS = 256  # of a typical sample
_LENGTHS = (1.05, 0.55, 1.25, 0.8, 1.6, 0.7, 1.1, 0.95)  # of solutions over the typical one's; their mean is 1
_ALIKE = (1.0, 0.92, 1.08, 0.98, 1.05, 0.95, 1.1, 0.92)  # of samples of one problem over their mean
_PROMPT = 128  # tokens of a typical problem
_SLICE = 64  # tokens of prompts per step
_MOST_PLAYED = 256  # samples; more of them take as long each
_CLEARLY, _MORE_BATCHES = 0.98, 0.95  # of the time


@dataclass(frozen=True, slots=True)
class Choice:
    """A shape, and its expected speed at the work: tokens of solutions per second, the time for prompts included."""

    shape: Shape
    rate: float


def choose(
    tuning: Tuning, work: Work, *, width: int = 0, allows: Callable[[Shape], bool] = lambda _shape: True
) -> Choice | None:
    """The fastest shape.

    Args:
        tuning: What was measured.
        work: What is to be computed.
        width: Sequences at once that the user asked for; 0: free.
        allows: Whether there is memory for a shape.

    Returns:
        None if no shape is allowed.
    """
    best: Choice | None = None
    for shape in sorted(_shapes(tuning, work, width), key=lambda one: (one.width, one.batches, -one.threads)):
        found = expected(tuning, work, shape)
        if found is None or (best is not None and not _better(shape, found, best)) or not allows(shape):
            continue
        best = Choice(shape, found)
    return best


def _better(shape: Shape, rate: float, best: Choice) -> bool:
    """Whether a shape that is not smaller than the best one is clearly faster."""
    more = shape.batches > best.shape.batches
    return rate * (_MORE_BATCHES if more else _CLEARLY) >= best.rate


def expected(tuning: Tuning, work: Work, shape: Shape) -> float | None:
    """The expected speed of a shape, as in `Choice`; None if its arrangement was not measured."""
    for one in tuning.arrangements:
        if (one.arrangement.batches, one.arrangement.threads) == (shape.batches, shape.threads):
            samples = min(work.samples, _MOST_PLAYED)
            return samples * _TOKENS / _Play(tuning, one, shape, work).seconds(samples)
    return None


def _shapes(tuning: Tuning, work: Work, width: int) -> Iterator[Shape]:
    """What was measured, as far as there are samples for it; or what the user asked for."""
    for one in tuning.candidates:
        batches, threads = one.arrangement.batches, one.arrangement.threads
        sizes = {width} if width else {min(rows * batches, work.samples) for rows, _ in one.cost.points}
        yield from (Shape(size, batches, threads) for size in sizes if size >= batches)


@dataclass(slots=True)
class _Lane:
    """One batch: the time on its clock, the tokens that each of its samples still needs, and the prompts it has."""

    slots: int
    now: float = 0.0
    running: list[int] = field(default_factory=list)
    prompts: set[int] = field(default_factory=set)


class _Play:
    """Samples computed in a shape, on a clock of what was measured."""

    def __init__(self, tuning: Tuning, measured: ArrangementCost, shape: Shape, work: Work) -> None:
        self._shape = shape
        self._work = work
        self._cost = [0.0, *(measured.cost.seconds(rows) for rows in range(1, shape.rows + 1))]
        slower = tuning.arrangements[0].arrangement.threads / measured.arrangement.threads  # prefill uses all threads
        self._prompt = _PROMPT * tuning.prefill.seconds(_SLICE) / _SLICE * slower

    def seconds(self, samples: int) -> float:
        """Seconds for so many samples."""
        size = self._work.group(self._shape.width) if self._work.group else samples
        whole, rest = divmod(samples, size)
        return whole * self._group(size) + (self._group(rest) if rest else 0.0)

    def _group(self, samples: int) -> float:
        waiting = deque(range(samples))
        each, more = divmod(self._shape.width, self._shape.batches)
        lanes = [_Lane(each + (index < more)) for index in range(self._shape.batches)]
        while True:
            for lane in sorted(lanes, key=lambda one: len(one.running)):
                self._fill(lane, waiting)
            busy = [lane for lane in lanes if lane.running]
            if not busy:
                return max(lane.now for lane in lanes)
            self._advance(min(busy, key=lambda one: one.now))

    def _fill(self, lane: _Lane, waiting: deque[int]) -> None:
        """Start samples where there is room."""
        while waiting and len(lane.running) < lane.slots:
            prompt, index = divmod(waiting.popleft(), self._work.each)
            length = _LENGTHS[prompt % len(_LENGTHS)] * _ALIKE[index % len(_ALIKE)]
            lane.running.append(round(_TOKENS * length))
            if prompt not in lane.prompts:
                lane.prompts.add(prompt)
                lane.now += self._prompt

    def _advance(self, lane: _Lane) -> None:
        """Compute until a sample ends."""
        steps = min(lane.running)
        lane.now += steps * self._cost[len(lane.running)]
        lane.running = [left - steps for left in lane.running if left > steps]

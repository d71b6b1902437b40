"""A whole benchmark through one engine: problems x samples, scheduled continuously over one batch.

As soon as a sequence ends, the next sample takes its place; programs and graders run beside the decoding. Every sample
is stored as soon as it is graded, so that a run can be killed at any moment and goes on where it was. An interrupt ends
the attempts in flight, which are not stored, and leaves through the caller.

A run is made in legs. Each begins with an empty batch, so that it comes out the same whatever went before; one that was
cut short is computed again, for the samples that it still owes.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import groupby

from qmath_cli.errors import PromptTooLong
from qmath_cli.evaluation.datasets import Dataset, Item
from qmath_cli.evaluation.energy import EnergyMeter
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.records import Done, Group
from qmath_cli.evaluation.run_file import RunFile
from qmath_cli.prompting import chat
from qmath_cli.records import Engine, Executor, Finish, Mode, Prompt, Reward, Sample, SampleFinished, Sampling
from qmath_cli.solving.attempts import Attempts

_FILLINGS = 4  # samples per leg, for each place in the batch: a longer leg idles less at its end, and costs a kill more


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """What is to be run: `k` samples of every problem, at most `parallel` sequences at once.

    Sample i of every problem is drawn with the sampling's seed + i.
    """

    data: Dataset
    mode: Mode
    sampling: Sampling
    prompt: Callable[[Item], Prompt]
    k: int = 1
    parallel: int = 1
    max_programs: int = 4

    def missing(self, stored: Container[tuple[str, int]]) -> list[tuple[str, int]]:
        """The samples that are not stored yet, in the data's order."""
        return [(item.id, i) for item in self.data.items for i in range(self.k) if (item.id, i) not in stored]

    def legs(self, file: RunFile) -> Iterator[Group]:
        """What is to be computed: legs that were cut short, as they were, and then what was in none yet."""
        wanted = {(item.id, i) for item in self.data.items for i in range(self.k)}
        owed = [leg for leg in file.legs if wanted.issuperset(leg.samples) and not file.done.keys() >= set(leg.samples)]
        yield from owed
        rest = self.missing({*file.done, *(key for leg in owed for key in leg.samples)})
        for start in range(0, len(rest), self.parallel * _FILLINGS):
            leg = Group(tuple(rest[start : start + self.parallel * _FILLINGS]), self.parallel)
            file.begin(leg)
            yield leg


@dataclass(slots=True)
class _Flight:
    """One attempt in the engine."""

    item: Item
    index: int


@dataclass(slots=True)
class _Schedule:
    """What waits and what flies; `last` is when a sample ended last, so that shares of the time add up to all of it."""

    work: EvaluationPlan
    attempts: Attempts
    waiting: deque[tuple[Item, tuple[int, ...]]] = field(default_factory=deque)
    parallel: int = 1
    flying: dict[int, _Flight] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)
    energy: EnergyMeter = field(default_factory=EnergyMeter)

    def take(self, leg: Group) -> None:
        """Have a leg's samples wait, those of one problem together."""
        items = {item.id: item for item in self.work.data.items}
        for name, keys in groupby(leg.samples, key=lambda key: key[0]):
            self.waiting.append((items[name], tuple(index for _, index in keys)))
        self.parallel = min(leg.parallel, self.work.parallel)
        self.attempts.engine.forget()  # nothing of the leg before is shared, which a run that goes on would not have

    def fill(self) -> list[Done]:
        """Launch while there is room; problems that do not fit into the context end here."""
        ended = []
        while self.waiting and len(self.flying) < self.parallel:
            item, indices = self.waiting.popleft()
            room = self.parallel - len(self.flying)
            if indices[room:]:
                self.waiting.appendleft((item, indices[room:]))
            ended += self._launch(item, indices[:room])
        return ended

    def _launch(self, item: Item, indices: Sequence[int]) -> list[Done]:
        samplings = [replace(self.work.sampling, seed=self.work.sampling.seed + i) for i in indices]
        prompt = self.work.prompt(item)
        try:
            keys = self.attempts.launch(prompt, samplings, self.work.mode, self.work.max_programs)
        except PromptTooLong:
            return [self.ended(_Flight(item, i), Sample("", None, Finish.OUT_OF_CONTEXT)) for i in indices]
        self.flying |= {key: _Flight(item, i) for key, i in zip(keys, indices, strict=True)}
        return []

    def ended(self, flight: _Flight, sample: Sample) -> Done:
        """A finished sample with its share of the wall time and of the energy."""
        now = time.perf_counter()
        share, self.last = now - self.last, now
        joules = self.energy.taken()
        joules = None if joules is None else round(joules, 3)
        return Done(flight.item.id, replace(sample, index=flight.index), seconds=round(share, 3), joules=joules)


def run(
    work: EvaluationPlan, engine: Engine, executor: Executor | None, file: RunFile, marker: SampleGrader
) -> Iterator[Done]:
    """Run what is missing; yields every sample once it is graded and stored."""
    attempts = Attempts(engine, executor)
    schedule = _Schedule(work, attempts)
    grading = _Grading(work, file, marker)
    try:
        for leg in work.legs(file):
            schedule.take(leg)
            while schedule.waiting or attempts.busy:
                ended = schedule.fill()
                schedule.energy.tick()
                for key, event in attempts.step():
                    if isinstance(event, SampleFinished):
                        ended.append(schedule.ended(schedule.flying.pop(key), event.sample))
                grading.submit(one for one in ended if one.key not in file.done)
                yield from grading.stored(wait=False)
        yield from grading.stored(wait=True)
    finally:
        attempts.close()
        grading.close()


class _Grading:
    """Grades and stores finished samples in a thread beside the decoding, in the order in which they ended.

    Storing is part of it because each sample is waited for until it is on the disk.
    """

    def __init__(self, work: EvaluationPlan, file: RunFile, marker: SampleGrader) -> None:
        self._items = {item.id: item for item in work.data.items}
        self._file = file
        self._marker = marker
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="grading")
        self._waiting: deque[Future[Done]] = deque()

    def submit(self, ended: Iterable[Done]) -> None:
        """Queue samples."""
        self._waiting.extend(self._pool.submit(self._store, one) for one in ended)

    def _store(self, one: Done) -> Done:
        graded = self._marker.grade(one, self._items[one.item])
        self._file.add(graded)
        return graded

    def stored(self, *, wait: bool) -> Iterator[Done]:
        """Samples that are graded, now on the disk; all that were queued, if `wait`."""
        while self._waiting and (wait or self._waiting[0].done()):
            yield self._waiting.popleft().result()

    def close(self) -> None:
        """Store what is still queued: an interrupt does not lose a sample that was finished."""
        for _ in self.stored(wait=True):
            pass
        self._pool.shutdown(wait=True)


def in_order(data: Dataset, stored: dict[tuple[str, int], Done]) -> list[Done]:
    """Stored samples in the data's order, those of other problems after them."""
    place = {item.id: number for number, item in enumerate(data.items)}
    return sorted(stored.values(), key=lambda one: (place.get(one.item, len(place)), one.item, one.sample.index))


def reward(work: EvaluationPlan, stored: Sequence[Done], model: Reward) -> Iterator[Done]:
    """The samples with their rewards: each is scored as a finished conversation, answered or not."""
    items = {item.id: item for item in work.data.items}
    for one in stored:
        if one.item in items and one.sample.index < work.k:
            read = chat.conversation(items[one.item].problem, work.mode, one.sample.text)
            yield replace(one, sample=replace(one.sample, reward=model.score(read)))
        else:
            yield one

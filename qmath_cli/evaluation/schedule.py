"""A benchmark through one engine: problems x samples, scheduled continuously over its batches.

As soon as a sequence ends, the next sample is admitted; programs and graders run while other sequences decode. A sample
is stored as soon as it is graded, so that a run can be killed at any moment and resumed. A `KeyboardInterrupt` cancels
the running attempts, which are not stored, and is raised to the caller.

A run is computed in groups. A group starts with an empty batch and an empty prefix cache, so that its samples do not
depend on earlier groups. An interrupted group is computed again, and only the missing samples are stored.

Servers promise no such thing, and many sequences would wait for the last one of every group. There a run is one group,
which is not stored: what is missing is computed.
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
from qmath_cli.evaluation.records import GradedSample, Group, ItemSample, SampleKey
from qmath_cli.evaluation.run_file import RunFile
from qmath_cli.records import (
    Engine,
    Event,
    Executor,
    Finish,
    Mode,
    Prompt,
    Sample,
    SampleFinished,
    Sampling,
    Shape,
)
from qmath_cli.solving.attempts import Attempts

#: Samples of a group per sequence that runs at once, as far as `_GROUP` allows; at least the second number. A larger
#: group leaves slots idle less often; a kill loses more of it.
_MOST_EACH, _LEAST_EACH = 8, 4
_GROUP = 64


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """What is run: `k` samples of every problem.

    Attributes:
        data: The problems.
        mode: CoT or TIR.
        sampling: How tokens are sampled; sample i of every problem has the seed `sampling.seed` + i.
        prompt: Builds the prompt for a problem.
        k: Samples per problem.
        parallel: The largest number of sequences at once.
        max_programs: Programs per sample.
        grouped: Whether the samples are computed in groups.
        batches, threads: Those of the `Shape` with this number of sequences.
    """

    data: Dataset
    mode: Mode
    sampling: Sampling
    prompt: Callable[[Item], Prompt]
    k: int = 1
    parallel: int = 1
    max_programs: int = 4
    grouped: bool = True
    batches: int = 0
    threads: int = 0

    def missing(self, stored: Container[SampleKey]) -> list[SampleKey]:
        """The samples that are not stored yet, in the data's order."""
        return [(item.id, i) for item in self.data.items for i in range(self.k) if (item.id, i) not in stored]

    def groups(self, file: RunFile) -> Iterator[Group]:
        """The groups to compute: interrupted ones, then new ones, which are written to the file when they start."""
        if not self.grouped:
            yield Group(tuple(self.missing(file.stored)), self.parallel)
            return
        wanted = {(item.id, i) for item in self.data.items for i in range(self.k)}
        interrupted = [
            group
            for group in file.groups
            if wanted.issuperset(group.samples) and not file.stored.keys() >= set(group.samples)
        ]
        yield from interrupted
        rest = self.missing({*file.stored, *(key for group in interrupted for key in group.samples)})
        size = group_size(self.parallel)
        for start in range(0, len(rest), size):
            group = Group(tuple(rest[start : start + size]), self.parallel, self.batches, self.threads)
            file.start(group)
            yield group


def group_size(parallel: int) -> int:
    """Samples of a group of which so many run at once. One at a time leaves no slot idle at the end of a group."""
    most = _LEAST_EACH if parallel == 1 else _MOST_EACH
    return max(min(parallel * most, _GROUP), parallel * _LEAST_EACH)


def begun(groups: Sequence[Group], missing: int) -> Shape | None:
    """The shape in which a run goes on that has these groups and misses so many samples; None: any.

    A group that was smaller than its shape says nothing about the shape for more samples.
    """
    last = groups[-1] if groups else None
    return last.shape if last is not None and len(last.samples) >= min(missing, last.parallel + 1) else None


@dataclass(slots=True)
class _Scheduler:
    """Which samples wait and which run. A sample's share of the time starts at `last`, when the one before it ended."""

    plan: EvaluationPlan
    attempts: Attempts
    waiting: deque[tuple[Item, tuple[int, ...]]] = field(default_factory=deque)
    parallel: int = 1
    running: dict[int, SampleKey] = field(default_factory=dict)  # by attempt
    last: float = field(default_factory=time.perf_counter)
    energy: EnergyMeter = field(default_factory=EnergyMeter)

    def take(self, group: Group) -> None:
        """Queue a group's samples, those of one problem together."""
        items = {item.id: item for item in self.plan.data.items}
        for name, keys in groupby(group.samples, key=lambda key: key[0]):
            self.waiting.append((items[name], tuple(index for _, index in keys)))
        self.parallel = min(group.parallel, self.plan.parallel)
        self.attempts.engine.clear_prefix_cache()  # a run that resumes with this group starts without it, too

    def fill(self) -> list[ItemSample]:
        """Launch attempts while slots are free; returns the samples of problems that do not fit into the context."""
        ended = []
        while self.waiting and len(self.running) < self.parallel:
            item, indices = self.waiting.popleft()
            free = self.parallel - len(self.running)
            if indices[free:]:
                self.waiting.appendleft((item, indices[free:]))
            ended += self._launch(item, indices[:free])
        return ended

    def _launch(self, item: Item, indices: Sequence[int]) -> list[ItemSample]:
        samplings = [replace(self.plan.sampling, seed=self.plan.sampling.seed + i) for i in indices]
        try:
            keys = self.attempts.launch(self.plan.prompt(item), samplings, self.plan.mode, self.plan.max_programs)
        except PromptTooLong:
            return [self.ended((item.id, i), Sample("", None, Finish.OUT_OF_CONTEXT)) for i in indices]
        self.running |= {key: (item.id, i) for key, i in zip(keys, indices, strict=True)}
        return []

    def finished(self, attempt: int, sample: Sample) -> ItemSample:
        """The sample of an attempt that has ended."""
        return self.ended(self.running.pop(attempt), sample)

    def ended(self, key: SampleKey, sample: Sample) -> ItemSample:
        """A finished sample with its share of the wall time and of the energy."""
        item, index = key
        now = time.perf_counter()
        share, self.last = now - self.last, now
        joules = self.energy.consumed()
        joules = None if joules is None else round(joules, 3)
        return ItemSample(item, replace(sample, index=index), seconds=round(share, 3), joules=joules)


def run(
    plan: EvaluationPlan,
    engine: Engine,
    executor: Executor | None,
    file: RunFile,
    grader: SampleGrader,
    on_event: Callable[[Event], None] = lambda _event: None,
) -> Iterator[GradedSample]:
    """Compute, grade and store the missing samples.

    Args:
        plan: What is run.
        engine: Decodes; needs `plan.parallel` slots.
        executor: Runs programs; None in CoT.
        file: Where samples are stored.
        grader: Grades them.
        on_event: Called with everything that happens in any attempt.

    Yields:
        Each sample, after it is graded and stored.
    """
    attempts = Attempts(engine, executor)
    scheduler = _Scheduler(plan, attempts)
    grading = _Grading(plan, file, grader)
    try:
        for group in plan.groups(file):
            scheduler.take(group)
            while scheduler.waiting or attempts.busy:
                ended = scheduler.fill()
                scheduler.energy.tick()
                for key, event in attempts.step():
                    on_event(event)
                    if isinstance(event, SampleFinished):
                        ended.append(scheduler.finished(key, event.sample))
                grading.submit(sample for sample in ended if sample.key not in file.stored)
                yield from grading.stored(wait=False)
        yield from grading.stored(wait=True)
    finally:
        attempts.close()
        grading.close()


class _Grading:
    """Grades and stores finished samples in a thread, in the order in which they ended.

    The thread also stores, because each write waits for the disk.
    """

    def __init__(self, plan: EvaluationPlan, file: RunFile, grader: SampleGrader) -> None:
        self._items = {item.id: item for item in plan.data.items}
        self._file = file
        self._grader = grader
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="grading")
        self._waiting: deque[Future[GradedSample]] = deque()

    def submit(self, ended: Iterable[ItemSample]) -> None:
        """Queue samples."""
        self._waiting.extend(self._pool.submit(self._store, sample) for sample in ended)

    def _store(self, sample: ItemSample) -> GradedSample:
        graded = self._grader.grade(sample, self._items[sample.item])
        self._file.add(graded)
        return graded

    def stored(self, *, wait: bool) -> Iterator[GradedSample]:
        """Samples that are on the disk by now; with `wait`, all that were queued."""
        while self._waiting and (wait or self._waiting[0].done()):
            yield self._waiting.popleft().result()

    def close(self) -> None:
        """Store what is still queued: an interrupt does not lose a finished sample."""
        for _ in self.stored(wait=True):
            pass
        self._pool.shutdown(wait=True)


def in_order(data: Dataset, stored: dict[SampleKey, GradedSample]) -> list[GradedSample]:
    """Stored samples in the data's order, followed by those of problems that are not in `data`."""
    position = {item.id: number for number, item in enumerate(data.items)}
    end = len(position)
    return sorted(stored.values(), key=lambda sample: (position.get(sample.item, end), *sample.key))

"""Several batches of one model, computed at the same time on different cores.

A decode step of a model of a few megabytes takes a fraction of a millisecond. Two threads that share each of its
matrices meet at about a hundred barriers per step. If another process uses one of the cores (the programs of the
sequences, for example), each barrier can last as long as a time slice. In one context of many sequences, each token
also attends to the KV cells of all. A small model therefore gets one `Batch` per core, each with its own context and
one compute thread. While one batch computes, the chunks of another are processed.

For a model of a gigabyte one batch on all cores is faster on most machines. On some, the cost of a step jumps with the
number of its rows, and two batches of four on one thread each take less time than one of eight on two: there the caller
asks for a `Shape`.

Batches finish their steps in the order of a virtual clock that counts tokens. A batch with a long prefill does not
delay the others, and the order of the chunks depends on the number of batches, not on the wall clock.

`ParallelBatches` keeps the promises of `Batch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from qmath_cli.engine.batch import MOST_CONTEXTS, Batch, cells_for
from qmath_cli.engine.drafts.opening import NO_DRAFTS, DraftOptions
from qmath_cli.engine.llama.compute_thread import Team
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.scheduler import seed_order
from qmath_cli.records import Chunk, Prompt, Sampling, Shape, Usage
from qmath_cli.records.activity import OnActivity, unobserved


class ParallelBatches:
    """Up to `slots` sequences on several batches. Implements `records.Engine`.

    The batches together have as many KV cells as one `Batch` of so many slots. The sequences of a prompt go to the same
    batch, where they share cells, as far as it has free slots. Batch i of n gives its sequences the ids i, i + n, i +
    2n and so on.

    Args:
        model: The loaded model.
        slots: How many sequences can run at the same time.
        batches: Number of batches, at most `slots`.
        retain: As for `Batch`, for each batch.
        threads: CPU threads of each batch; 0: as the model is placed.
        on_activity: As for `Batch`. The first batch reports.

    Raises:
        DoesNotFit: There is no memory for the KV caches.
    """

    def __init__(
        self,
        model: Model,
        slots: int,
        batches: int,
        *,
        retain: int = 0,
        threads: int = 0,
        on_activity: OnActivity = unobserved,
    ) -> None:
        each, more = divmod(slots, batches)
        self._slots = [each + (index < more) for index in range(batches)]
        cells = cells_for(slots, model.context_length) // batches
        self._batches = tuple(
            Batch(
                model,
                share,
                cells=cells,
                retain=retain,
                team=Team(index, threads),
                on_activity=unobserved if index else on_activity,
            )
            for index, share in enumerate(self._slots)
        )
        self._load = [0] * batches  # sequences per batch that are not released
        self._due: dict[int, int] = {}  # batches that compute, and the time on the virtual clock when they finish
        self._now = 0  # the virtual clock, in tokens
        self._extensions: list[list[tuple[int, str]]] = [[] for _ in self._slots]  # for batches that compute

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Release every sequence and free the contexts; the model stays loaded."""
        for batch in self._batches:
            batch.close()

    @property
    def context_length(self) -> int:
        """Tokens that one sequence can hold, prompt included."""
        return self._batches[0].context_length

    @property
    def cells_used(self) -> int:
        """KV cells in use in all batches."""
        return sum(batch.cells_used for batch in self._batches)

    @property
    def steps_per_round(self) -> int:
        """Steps in which a sequence that can run gets one token, on average."""
        return len(self._batches)

    @property
    def preemptions(self) -> int:
        """How many times a sequence has been preempted."""
        return sum(batch.preemptions for batch in self._batches)

    def start(self, prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        """Queue one sequence per sampling, all on the same prompt: see `Engine.start`."""
        ids: dict[int, int] = {}
        for index, chosen in self._distribute(samplings).items():
            local_ids = self._batches[index].start(prompt, [samplings[i] for i in chosen])
            self._load[index] += len(local_ids)
            ids |= {i: self._global_id(index, local) for i, local in zip(chosen, local_ids, strict=True)}
        return tuple(ids[i] for i in range(len(samplings)))

    def _distribute(self, samplings: Sequence[Sampling]) -> dict[int, list[int]]:
        """Assign samplings to batches: the least loaded one gets as many as it has slots for, then the next."""
        load, assigned = list(self._load), dict[int, list[int]]()
        index = -1
        for i in seed_order(samplings):
            if index < 0 or load[index] >= self._slots[index]:
                index = min(range(len(load)), key=load.__getitem__)
            load[index] += 1
            assigned.setdefault(index, []).append(i)
        return assigned

    def extend(self, sequence: int, text: str) -> None:
        """Append plain text to a sequence that has stopped: see `Engine.extend`.

        If its batch is computing, the text is appended after this step.
        """
        index, local = self._find(sequence)
        self._extensions[index].append((local, text))
        if index not in self._due:
            self._apply_extensions(index)

    def _apply_extensions(self, index: int) -> None:
        while self._extensions[index]:
            self._batches[index].extend(*self._extensions[index].pop(0))

    def release(self, sequence: int) -> None:
        """Remove a sequence, running or not; its cells are freed or retained."""
        index, local = self._find(sequence)
        self._finish(index)
        self._batches[index].release(local)
        self._load[index] -= 1

    def usage(self, sequence: int) -> Usage:
        """Token counts of a sequence that has not been released."""
        index, local = self._find(sequence)
        return self._batches[index].usage(local)

    def step(self) -> tuple[Chunk, ...]:
        """Start a step of every idle batch, and finish the one that is due first; returns no chunks if none can run."""
        while True:
            for index, batch in enumerate(self._batches):
                if index not in self._due and not batch.has_chunks and batch.begin_step():
                    self._due[index] = self._now + batch.step_cost
            due = {index: self._now for index, batch in enumerate(self._batches) if batch.has_chunks} | self._due
            if not due:
                return ()
            index = min(due, key=lambda index: (due[index], index))
            self._now = due[index]
            self._finish(index)
            if chunks := self._batches[index].take_chunks():
                return tuple(
                    Chunk(self._global_id(index, chunk.sequence), chunk.text, chunk.tokens, chunk.stop)
                    for chunk in chunks
                )

    def cache_prefix(self, prefix: Prompt, folder: Path, identity: str = "") -> bool:
        """Keep the cells of a prefix in every batch: see `Batch.cache_prefix`."""
        from_disk = [batch.cache_prefix(prefix, folder, identity) for batch in self._batches]  # no short circuit
        return all(from_disk)

    def clear_prefix_cache(self) -> None:
        """Evict the cells of released sequences: see `Batch.clear_prefix_cache`."""
        for index, batch in enumerate(self._batches):
            self._finish(index)
            batch.clear_prefix_cache()

    def _finish(self, index: int) -> None:
        """Finish the step that a batch is computing, if any. After an exception here the batch recovers by itself."""
        if self._due.pop(index, None) is not None:
            self._batches[index].finish_step()
        self._apply_extensions(index)

    def _global_id(self, index: int, local: int) -> int:
        return local * len(self._batches) + index

    def _find(self, sequence: int) -> tuple[int, int]:
        """The index of a sequence's batch, and its id there."""
        local, index = divmod(sequence, len(self._batches))
        return index, local


def open_engine(
    model: Model,
    shape: Shape,
    *,
    retain: int = 0,
    on_activity: OnActivity = unobserved,
    drafts: DraftOptions = NO_DRAFTS,
) -> Batch | ParallelBatches:
    """Create an engine for many prompts.

    Args:
        model: The loaded model; its placement has what the shape leaves open.
        shape: How many sequences can run at the same time, and in how many batches.
        retain: As for `Batch`.
        on_activity: As for `Batch`.
        drafts: As for `Batch`; for one batch only, since a core that is shared has no rows to spare.

    Returns:
        Parallel batches where there are several, else one batch.

    Raises:
        DoesNotFit: There is no memory for the KV cache.
    """
    batches = min(shape.batches or model.placement.batches, shape.width, MOST_CONTEXTS)  # each has a whole context
    width, threads = shape.width, shape.threads
    if batches > 1:
        return ParallelBatches(model, width, batches, retain=retain, threads=threads, on_activity=on_activity)
    return Batch(model, width, retain=retain, team=Team(threads=threads), on_activity=on_activity, drafts=drafts)

"""Several batches side by side on one small model: the cores share the sequences, not the matrices.

A decode step of a model of a few megabytes takes a fraction of a millisecond. Two threads that share each of its
matrices meet at a barrier after every one, some hundred times a step; where anything else wants a core (the programs
of the sequences, another process) each of these meetings can last as long as a time slice. And in one context of many
sequences each token passes over the KV cells of all. So a small model gets a lane for each core: a `Batch` with a
context of its own, computed on one thread, and one computes while what another said is dealt with. They report in the
order in which they ought to be done, time being counted in tokens: whoever has a long prompt to prefill does not keep
the others waiting, and what comes out depends on the number of lanes, not on the clock.

Promises what `Batch` promises. A model of a gigabyte is better off with one batch on all cores, see `open_engine`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from qmath_cli.engine.batch import MOST_CONTEXTS, Batch, cells_for, seed_order
from qmath_cli.engine.llama.model import Model
from qmath_cli.records import Chunk, Prompt, Sampling, Usage


class ParallelBatches:
    """Up to `slots` sequences on `lanes` batches, which share the cells of one. Implements `records.Engine`.

    The sequences of one prompt stay together, where they share its cells, as far as a lane has slots for them. Lane i
    of n numbers its sequences i, i + n, i + 2n and so on.
    """

    def __init__(self, model: Model, slots: int, lanes: int, *, retain: int = 0) -> None:
        whole = model.context_length
        each, more = divmod(slots, lanes)
        shares = [each + (lane < more) for lane in range(lanes)]
        cells = cells_for(slots, whole) // lanes
        self._lanes = tuple(
            Batch(model, share, cells=cells, retain=retain, lane=lane) for lane, share in enumerate(shares)
        )
        self._slots = shares
        self._load = [0] * lanes  # sequences that are not released, by lane
        self._computing: dict[int, int] = {}  # lanes whose batch has begun, and when it ought to be done
        self._now = 0  # in tokens: when the last one that was heard ought to have been done
        self._extensions: list[list[tuple[int, str]]] = [[] for _ in shares]  # for sequences of lanes that compute

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget every sequence and give the contexts' memory back; the model stays."""
        for lane in self._lanes:
            lane.close()

    @property
    def context_length(self) -> int:
        """Tokens that one sequence may hold, prompt included."""
        return self._lanes[0].context_length

    @property
    def cells_used(self) -> int:
        """KV cells in use in all lanes."""
        return sum(lane.cells_used for lane in self._lanes)

    @property
    def turns(self) -> int:
        """Steps in which a sequence that can run moves once, on the average."""
        return len(self._lanes)

    @property
    def pauses(self) -> int:
        """Times a sequence had to give way because cells ran short."""
        return sum(lane.pauses for lane in self._lanes)

    def start(self, prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        """Queue one sequence per sampling, all on the same prompt. Raises `PromptTooLong`."""
        names: dict[int, int] = {}
        for lane, places in self._deal(samplings).items():
            sequences = self._lanes[lane].start(prompt, [samplings[place] for place in places])
            self._load[lane] += len(sequences)
            names |= {place: self._name(lane, own) for place, own in zip(places, sequences, strict=True)}
        return tuple(names[place] for place in range(len(samplings)))

    def _deal(self, samplings: Sequence[Sampling]) -> dict[int, list[int]]:
        """Which samplings go to which lane: the emptiest takes what it has slots for, then the next."""
        load, dealt = list(self._load), dict[int, list[int]]()
        lane = -1
        for place in seed_order(samplings):
            if lane < 0 or load[lane] >= self._slots[lane]:
                lane = min(range(len(load)), key=load.__getitem__)
            load[lane] += 1
            dealt.setdefault(lane, []).append(place)
        return dealt

    def extend(self, sequence: int, text: str) -> None:
        """Append plain text to a stopped sequence, and let it decode on: at once, or after the batch under way."""
        lane, own = self._find(sequence)
        self._extensions[lane].append((own, text))
        if lane not in self._computing:
            self._extend(lane)

    def _extend(self, lane: int) -> None:
        """Pass on the texts that a lane, computing, could not take."""
        while self._extensions[lane]:
            self._lanes[lane].extend(*self._extensions[lane].pop(0))

    def release(self, sequence: int) -> None:
        """Forget a sequence, running or not."""
        lane, own = self._find(sequence)
        self._finish(lane)
        self._lanes[lane].release(own)
        self._load[lane] -= 1

    def usage(self, sequence: int) -> Usage:
        """Token counts of a sequence that has not been released."""
        lane, own = self._find(sequence)
        return self._lanes[lane].usage(own)

    def step(self) -> tuple[Chunk, ...]:
        """Begin wherever nothing is being computed, and hear who ought to be done first; empty when none can run."""
        while True:
            for lane, batch in enumerate(self._lanes):
                if lane not in self._computing and not batch.speaks and batch.begin():
                    self._computing[lane] = self._now + batch.effort
            due = {lane: self._now for lane, batch in enumerate(self._lanes) if batch.speaks} | self._computing
            if not due:
                return ()
            lane = min(due, key=lambda lane: (due[lane], lane))
            self._now = due[lane]
            self._finish(lane)
            if chunks := self._said(lane):
                return chunks

    def warm(self, alike: Sequence[Prompt], folder: Path, identity: str = "") -> bool:
        """Keep the cells of what these prompts begin with in every lane: see `Batch.warm`."""
        found = [lane.warm(alike, folder, identity) for lane in self._lanes]  # each of them, whatever the first says
        return all(found)

    def forget(self) -> None:
        """Let go of what is retained: what follows comes out as in a new engine."""
        for lane, batch in enumerate(self._lanes):
            self._finish(lane)
            batch.forget()

    def _finish(self, lane: int) -> None:
        """Nothing is being computed in this lane any more; an exception leaves it to `Batch` to mend itself."""
        if self._computing.pop(lane, None) is not None:
            self._lanes[lane].finish()
        self._extend(lane)

    def _said(self, lane: int) -> tuple[Chunk, ...]:
        chunks = self._lanes[lane].said()
        return tuple(Chunk(self._name(lane, one.sequence), one.text, one.tokens, one.stop) for one in chunks)

    def _name(self, lane: int, sequence: int) -> int:
        return sequence * len(self._lanes) + lane

    def _find(self, sequence: int) -> tuple[int, int]:
        own, lane = divmod(sequence, len(self._lanes))
        return lane, own


def open_engine(model: Model, slots: int, *, retain: int = 0) -> Batch | ParallelBatches:
    """An engine for many prompts: lanes where the model's placement has them and there is more than one sequence."""
    lanes = min(model.placement.lanes, slots, MOST_CONTEXTS)  # each lane needs the cells of a whole context
    return ParallelBatches(model, slots, lanes, retain=retain) if lanes > 1 else Batch(model, slots, retain=retain)

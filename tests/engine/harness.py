"""Driving `Slots` without a batch: sequences are queued, admitted and computed one by one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from qmath_cli.engine import scheduler
from qmath_cli.engine.llama.context import ComputeStatus, Context
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.engine.slots import Slots
from qmath_cli.records import Sampling

GREEDY = Sampling(max_tokens=400)
#: Tokens of three sequences without a common prefix.
A, B, C = ([100 + first, *range(200, 200 + length)] for first, length in ((1, 39), (2, 29), (3, 19)))


class Harness:
    """`Slots` on a context of its own, and the table of sequences that a batch keeps."""

    def __init__(self, context: Context, slots: int, retain: int) -> None:
        self.context = context
        self.table: dict[int, SequenceState] = {}
        self.slots = Slots(context, self.table, slots, retain)
        self._ids = itertools.count()

    def queue(self, tokens: Sequence[int]) -> SequenceState:
        """A sequence that waits for admission."""
        sequence = SequenceState(next(self._ids), GREEDY, (), list(tokens))
        self.table[sequence.id] = sequence
        return sequence

    def compute(self, sequence: SequenceState, tokens: int = 0) -> None:
        """Compute so many pending tokens of an admitted sequence, by default all."""
        share = scheduler.StepShare(sequence, tokens or sequence.pending)
        assert self.context.compute(list(scheduler.rows([share]))) is ComputeStatus.DONE
        self.slots.commit(sequence, share.tokens)

    def run(self, tokens: Sequence[int]) -> SequenceState:
        """A sequence that is admitted and computed."""
        sequence = self.queue(tokens)
        assert self.slots.admit(sequence)
        self.compute(sequence)
        return sequence

    def release(self, sequence: SequenceState) -> None:
        """Release it, as a batch does."""
        del self.table[sequence.id]
        self.slots.release(sequence)

    def pin(self, tokens: Sequence[int]) -> SequenceState:
        """Pin these tokens; the state comes from a sequence that computes them."""
        source = self.run(tokens)
        state = self.slots.state(source)
        self.release(source)
        pinned = SequenceState(-1, GREEDY, (), list(tokens))
        assert self.slots.pin(pinned, state)
        return pinned

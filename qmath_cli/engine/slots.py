"""Which sequences live in the KV cache, in which slot, and which cells they share.

Sharing is by prefix: whoever moves in takes over the cells of the resident that begins most like it. Cells get an
identity when they are computed, so that shared ones count once. Retained sequences are released ones that nobody has
needed the room of yet. One beginning may be pinned: it stays beside all others. Whenever nobody else is in, the context
begins again as on its first day, so that equal work meets equal conditions.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from qmath_cli.engine.llama.context import Context
from qmath_cli.engine.sequence import SequenceState

_ROOM_TO_GROW = 32  # free cells per resident before another one may move in beside them


class Slots:
    """The slots and cells of one `Context`. `sequences` is the batch's own table of sequences that are not released."""

    def __init__(self, context: Context, sequences: Mapping[int, SequenceState], slots: int, retain: int) -> None:
        self._context = context
        self._sequences = sequences
        self._slots = slots
        self._retain = retain
        self._free = list(range(slots + retain))
        self._retained: list[SequenceState] = []
        self._pinned: SequenceState | None = None
        self._pinned_state = b""  # its cells, serialised
        self._cells = itertools.count()

    @property
    def residents(self) -> list[SequenceState]:
        """Sequences with a slot, oldest first."""
        return [sequence for sequence in self._sequences.values() if sequence.slot is not None]

    @property
    def cells_used(self) -> int:
        """Cells in use, each counted once however many sequences share it."""
        return len(set().union(*(sequence.cells for sequence in (*self.residents, *self._lodgers))))

    @property
    def _lodgers(self) -> list[SequenceState]:
        """Sequences with cells that nobody decodes."""
        return self._retained if self._pinned is None else [*self._retained, self._pinned]

    def admit(self, sequence: SequenceState) -> bool:
        """Move a sequence in, if there is a slot and room for all its tokens, and nothing to be gained by waiting."""
        residents = self.residents
        if len(residents) >= self._slots:
            return False
        source, shared = self._best_start(sequence, [*residents, *self._lodgers])
        if any(_is_computing(other) and common_prefix(other.tokens, sequence.tokens) > shared for other in residents):
            return False  # another prompt is about to compute what this one begins with
        needed = len(sequence.tokens) - shared + _ROOM_TO_GROW * len(residents)
        while self._context.cells - self.cells_used < needed and self._drop_retained(source):
            pass
        if residents and self._context.cells - self.cells_used < needed:
            return False
        self._settle(sequence, source, shared)
        return True

    def pin(self, sequence: SequenceState, state: bytes) -> bool:
        """Keep these cells, for whoever begins like them; false where they are not this sequence's or do not fit.

        For a residence that retains, with nobody in.
        """
        slot = self._free[-1]
        if not self._context.set_state(slot, state) or self._context.length(slot) != len(sequence.tokens):
            self._context.clear()
            return False
        self._free.remove(slot)
        sequence.slot, sequence.active = slot, False
        self.commit(sequence, len(sequence.tokens))
        self._pinned, self._pinned_state = sequence, state
        return True

    def forget(self) -> None:
        """Let go of every retained sequence; what is pinned stays."""
        for sequence in self._retained:
            self.evict(sequence)
        self._retained.clear()
        self._renew()

    def commit(self, sequence: SequenceState, count: int) -> None:
        """`count` pending tokens of a resident have been computed."""
        sequence.cells += itertools.islice(self._cells, count)
        sequence.cached += count

    def cut(self, sequence: SequenceState, length: int) -> None:
        """Keep the cells of a sequence's first `length` tokens only."""
        sequence.cached = min(sequence.cached, length)
        del sequence.cells[sequence.cached :]
        if sequence.slot is not None:
            self._context.cut(sequence.slot, sequence.cached)

    def leave(self, sequence: SequenceState) -> None:
        """A sequence has been released; its cells stay for a while if the residence retains."""
        sequence.active = False
        if sequence.slot is not None and self._retain > (self._pinned is not None):
            self._retained.append(sequence)
            if len(self._lodgers) > self._retain:
                self.evict(self._retained.pop(0))
        else:
            self.evict(sequence)
        self._renew()

    def _renew(self) -> None:
        """Where nobody is in, free every cell and put back what is pinned."""
        if self.residents or self._retained:
            return
        self._context.clear()
        if self._pinned is not None and not self._context.set_state(self._pinned.slot or 0, self._pinned_state):
            self._unpin()

    def _unpin(self) -> None:
        if self._pinned is not None:
            self.evict(self._pinned)
        self._pinned, self._pinned_state = None, b""

    def evict(self, sequence: SequenceState) -> None:
        """Take a sequence's slot and cells; it stays a sequence, with everything pending."""
        if sequence.slot is not None:
            self._context.cut(sequence.slot, 0)
            self._free.append(sequence.slot)
            self._free.sort()
        sequence.evict()

    def make_room(self) -> SequenceState | None:
        """Cells have run out: drop one that nobody decodes (None), or evict the youngest resident and name it."""
        if self._drop_retained(None):
            return None
        youngest = max(self.residents, key=lambda sequence: sequence.id)
        self.evict(youngest)
        return youngest

    def mend(self) -> None:
        """After an exception at any moment: make the context agree with the books again."""
        owners = {sequence.slot: sequence for sequence in (*self.residents, *self._lodgers)}
        for slot in range(self._slots + self._retain):
            self._context.cut(slot, owners[slot].cached if slot in owners else 0)
        self._free = [slot for slot in range(self._slots + self._retain) if slot not in owners]
        for sequence in owners.values():
            del sequence.cells[sequence.cached :]
            if sequence.active and not sequence.pending:  # computed, but its logits are lost
                self.cut(sequence, len(sequence.tokens) - 1)

    def _best_start(self, sequence: SequenceState, others: list[SequenceState]) -> tuple[SequenceState | None, int]:
        """Who begins most like this sequence, and for how many computed tokens; one token is always left to compute."""
        most = len(sequence.tokens) - 1
        shares = [(min(common_prefix(other.tokens[: other.cached], sequence.tokens), most), other) for other in others]
        shared, source = max(shares, key=lambda share: share[0], default=(0, None))
        return (source, shared) if shared else (None, 0)

    def _settle(self, sequence: SequenceState, source: SequenceState | None, shared: int) -> None:
        cells = source.cells[:shared] if source is not None else []
        if source is not None and source in self._retained:  # nobody else wants it: move into its slot
            self._retained.remove(source)
            slot, source.slot = source.slot, None
            assert slot is not None
            self._context.cut(slot, shared)
        else:
            if not self._free:
                self._drop_retained(source)
            slot = self._free.pop(0)
            if source is not None and source.slot is not None:
                self._context.share(source.slot, slot, shared)
        sequence.cells, sequence.cached, sequence.slot = cells, shared, slot

    def _drop_retained(self, spare: SequenceState | None) -> bool:
        """Let go of the longest retained sequence, what is pinned last, but not `spare`; False if there is none."""
        for sequence in self._retained:
            if sequence is not spare:
                self._retained.remove(sequence)
                self.evict(sequence)
                return True
        if self._pinned is None or self._pinned is spare:
            return False
        self._unpin()
        return True


def _is_computing(sequence: SequenceState) -> bool:
    return sequence.active and sequence.pending > 1


def common_prefix(these: list[int], those: list[int]) -> int:
    """How many tokens two lists have in common at the beginning."""
    for index, (this, that) in enumerate(zip(these, those, strict=False)):
        if this != that:
            return index
    return min(len(these), len(those))

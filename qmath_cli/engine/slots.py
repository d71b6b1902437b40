"""The slots and KV cells of a context: which sequence has which slot, and which cells sequences share.

A sequence that is admitted gets a free slot and shares the cells of the cached sequence with the longest common prefix.
Each cell gets an identity when it is computed, so that shared cells are counted once. Released sequences can be
retained until their cells are needed. One prefix can be pinned: it is evicted last. When no sequence is admitted or
retained, the context is cleared, so that results do not depend on what was computed earlier.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from qmath_cli.engine.llama.context import Context
from qmath_cli.engine.sequence import SequenceState

_HEADROOM = 32  # free cells per admitted sequence that remain when another one is admitted


class Slots:
    """The slots of one `Context`, which has `slots` + `retain` of them.

    Args:
        context: The context; nothing else changes its cells.
        sequences: The batch's table of sequences that are not released, oldest first.
        slots: How many sequences can be admitted at the same time.
        retain: How many released sequences, the pinned prefix included, can keep their cells.
    """

    def __init__(self, context: Context, sequences: Mapping[int, SequenceState], slots: int, retain: int) -> None:
        self._context = context
        self._sequences = sequences
        self._slots = slots
        self._retain = retain
        self._free = list(range(slots + retain))
        self._retained: list[SequenceState] = []  # released, in the order of their release
        self._pinned: SequenceState | None = None
        self._pinned_state = b""  # its serialised cells
        self._cell_ids = itertools.count()
        self.preemptions = 0  # how many times a sequence lost its slot because no cells were free

    @property
    def admitted(self) -> list[SequenceState]:
        """Sequences that have a slot and are not released, oldest first."""
        return [sequence for sequence in self._sequences.values() if sequence.slot is not None]

    @property
    def cells_used(self) -> int:
        """Cells in use; shared cells count once."""
        return len(set().union(*(sequence.cells for sequence in (*self.admitted, *self._kept))))

    @property
    def _kept(self) -> list[SequenceState]:
        """Sequences that only keep cells for others to share."""
        return self._retained if self._pinned is None else [*self._retained, self._pinned]

    def admit(self, sequence: SequenceState) -> bool:
        """Give a sequence a slot, and the cells of the longest cached prefix of its tokens.

        Returns:
            False if no slot is free, if too few cells are free, or if an admitted sequence is about to compute a longer
            common prefix.
        """
        admitted = self.admitted
        if len(admitted) >= self._slots:
            return False
        source, shared = _longest_prefix(sequence, [*admitted, *self._kept])
        if any(_is_prefilling(other) and common_prefix(other.tokens, sequence.tokens) > shared for other in admitted):
            return False
        needed = len(sequence.tokens) - shared + _HEADROOM * len(admitted)
        while self._context.cells - self.cells_used < needed and self._evict_kept(source):
            pass
        if admitted and self._context.cells - self.cells_used < needed:
            return False
        self._assign(sequence, source, shared)
        return True

    def pin(self, sequence: SequenceState, state: bytes) -> bool:
        """Keep the cells of a prefix, instead of those of an earlier pinned one. No sequence may be admitted.

        Args:
            sequence: The prefix as a sequence of its own, which is not in the batch's table.
            state: Its cells, serialised by `Context.state`.

        Returns:
            False if the cells are not those of the sequence, or do not fit into the context.

        Raises:
            ValueError: A sequence is admitted, or this object retains nothing.
        """
        if not self._retain or self.admitted:
            raise ValueError("a prefix is pinned before the first sequence starts, with retain >= 1")
        self._unpin()
        self.drop_retained()
        slot = self._free[-1]
        if not self._context.set_state(slot, state) or self._context.length(slot) != len(sequence.tokens):
            self._context.clear()
            return False
        self._free.remove(slot)
        sequence.slot, sequence.active = slot, False
        self.commit(sequence, len(sequence.tokens))
        self._pinned, self._pinned_state = sequence, state
        return True

    def state(self, sequence: SequenceState) -> bytes:
        """The serialised cells of a sequence, for `pin`.

        Raises:
            ValueError: It has no slot.
        """
        if sequence.slot is None:
            raise ValueError(f"sequence {sequence.id} has no slot")
        return self._context.state(sequence.slot)

    def drop_retained(self) -> None:
        """Evict every retained sequence; the pinned prefix stays."""
        while self._retained:
            self._evict(self._retained.pop(0))
        self._reset_if_unused()

    def commit(self, sequence: SequenceState, count: int) -> None:
        """Record that the next `count` pending tokens of a sequence have been computed."""
        sequence.cells += itertools.islice(self._cell_ids, count)
        sequence.cached += count

    def truncate(self, sequence: SequenceState, length: int) -> None:
        """Keep the cells of the first `length` tokens of a sequence."""
        sequence.cached = min(sequence.cached, length)
        del sequence.cells[sequence.cached :]
        if sequence.slot is not None:
            self._context.truncate(sequence.slot, sequence.cached)

    def release(self, sequence: SequenceState) -> None:
        """Retain or evict a sequence that is no longer in the batch's table."""
        sequence.active = False
        if sequence.slot is not None and self._retain > (self._pinned is not None):
            if len(self._kept) == self._retain:
                self._evict(self._retained.pop(0))
            self._retained.append(sequence)
        else:
            self._evict(sequence)
        self._reset_if_unused()

    def reclaim(self) -> None:
        """Free cells when a computation found none: evict a retained sequence, else preempt the youngest admitted one.

        A preempted sequence loses its slot, keeps its tokens, and is admitted again later.
        """
        if not self._evict_kept(None):
            self._evict(max(self.admitted, key=lambda sequence: sequence.id))
            self.preemptions += 1

    def recover(self) -> None:
        """Make the context agree with the recorded state after an exception during a step."""
        owners = {sequence.slot: sequence for sequence in (*self.admitted, *self._kept)}
        for slot in range(self._slots + self._retain):
            self._context.truncate(slot, owners[slot].cached if slot in owners else 0)
        self._free = [slot for slot in range(self._slots + self._retain) if slot not in owners]
        for sequence in owners.values():
            del sequence.cells[sequence.cached :]
            if sequence.active and not sequence.pending:  # its last token was computed, but the logits are lost
                self.truncate(sequence, len(sequence.tokens) - 1)

    def _assign(self, sequence: SequenceState, source: SequenceState | None, shared: int) -> None:
        """Give a sequence a slot that begins with the first `shared` cells of `source`."""
        cells = source.cells[:shared] if source is not None else []
        if source is not None and source.slot is not None and source in self._retained:  # take over its slot
            self._retained.remove(source)
            slot, source.slot = source.slot, None
            self._context.truncate(slot, shared)
        else:
            slot = self._free.pop(0)
            if source is not None and source.slot is not None:
                self._context.share(source.slot, slot, shared)
        sequence.cells, sequence.cached, sequence.slot = cells, shared, slot

    def _evict(self, sequence: SequenceState) -> None:
        """Free a sequence's slot and cells; all its tokens become pending."""
        slot = sequence.slot
        sequence.clear_cells()  # first, so that `recover` can complete what an exception interrupts
        if slot is not None:
            self._context.truncate(slot, 0)
            self._free.append(slot)
            self._free.sort()

    def _evict_kept(self, except_for: SequenceState | None) -> bool:
        """Evict the sequence that has been retained longest, or else the pinned prefix; false if there is none."""
        for sequence in self._retained:
            if sequence is not except_for:
                self._retained.remove(sequence)
                self._evict(sequence)
                return True
        if self._pinned is None or self._pinned is except_for:
            return False
        self._unpin()
        return True

    def _reset_if_unused(self) -> None:
        """If no sequence is admitted or retained, clear the context and restore the pinned prefix."""
        if self.admitted or self._retained:
            return
        self._context.clear()
        slot = self._pinned.slot if self._pinned is not None else None
        if slot is not None and not self._context.set_state(slot, self._pinned_state):
            self._unpin()

    def _unpin(self) -> None:
        pinned, self._pinned, self._pinned_state = self._pinned, None, b""
        if pinned is not None:
            self._evict(pinned)


def common_prefix(a: list[int], b: list[int]) -> int:
    """Number of tokens that two lists have in common at the beginning."""
    for index, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return index
    return min(len(a), len(b))


def _longest_prefix(sequence: SequenceState, others: list[SequenceState]) -> tuple[SequenceState | None, int]:
    """The sequence with the longest cached prefix of this one's tokens, and its length.

    The prefix never covers all tokens: the last one must be computed to get its logits.
    """
    most = len(sequence.tokens) - 1
    shares = [(min(common_prefix(other.tokens[: other.cached], sequence.tokens), most), other) for other in others]
    shared, source = max(shares, key=lambda share: share[0], default=(0, None))
    return (source, shared) if shared else (None, 0)


def _is_prefilling(sequence: SequenceState) -> bool:
    return sequence.active and sequence.pending > 1

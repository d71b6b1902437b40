"""Cells of released sequences and of the pinned prefix, on a context of the demo model."""

from __future__ import annotations

from collections.abc import Callable

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.records import Sampling
from tests.engine.driving import LONG, collect, continued
from tests.engine.harness import GREEDY, A, B, C, Harness


def test_a_released_sequence_is_retained_if_the_batch_retains(model: Model) -> None:
    """Its cells serve the next prompt with the same prefix; by default they are freed."""
    for retain, most in ((1, 20), (0, 10_000)):
        with Batch(model, 1, retain=retain) as batch:
            (first,) = batch.start(LONG, [Sampling(max_tokens=4)])
            collect(batch, [first])
            batch.release(first)
            assert bool(batch.cells_used) is bool(retain)
            (second,) = batch.start(continued(LONG, "And 7?"), [Sampling(max_tokens=4)])
            collect(batch, [second])
            assert (batch.usage(second).prefilled_tokens < 20) is (most == 20)


def test_no_more_than_the_last_released_sequences_are_retained(harness: Callable[..., Harness]) -> None:
    """Of three released sequences, the first is evicted."""
    it = harness(retain=2)
    sequences = [it.run(A), it.run(B), it.run(C)]
    for sequence in sequences:
        it.release(sequence)
    assert [sequence.cached for sequence in sequences] == [0, len(B), len(C)]


def test_a_cleared_prefix_cache_leaves_a_batch_as_new(model: Model) -> None:
    """Retained cells are free, and the next sequence computes all its tokens."""
    with Batch(model, 1, retain=1) as batch:
        (first,) = batch.start(LONG, [Sampling(max_tokens=4)])
        collect(batch, [first])
        computed = batch.usage(first).prefilled_tokens
        batch.release(first)
        batch.clear_prefix_cache()
        assert batch.cells_used == 0
        (second,) = batch.start(LONG, [Sampling(max_tokens=4)])
        collect(batch, [second])
        assert batch.usage(second).prefilled_tokens == computed


def test_the_pinned_prefix_survives_what_clears_the_rest(harness: Callable[..., Harness]) -> None:
    """After the last sequence is released the context is cleared, and the prefix is restored."""
    it = harness(retain=2)
    pinned = it.pin(A)
    for tokens in (B, [*A, *C], C):
        sequence = it.run(tokens)
        it.release(sequence)
    it.slots.drop_retained()
    assert it.slots.cells_used == it.context.length(pinned.slot or 0) == len(A)
    follower = it.queue([*A, 1])
    assert it.slots.admit(follower)
    assert follower.pending == 1


def test_the_pinned_prefix_is_evicted_last(harness: Callable[..., Harness]) -> None:
    """After every retained sequence, and before an admitted one is preempted."""
    it = harness(retain=2)
    pinned = it.pin(A)
    admitted, retained = it.run(B), it.run(C)
    it.release(retained)
    it.slots.reclaim()
    assert (retained.slot, pinned.cached) == (None, len(A))
    it.slots.reclaim()
    assert (pinned.slot, admitted.cached, it.slots.preemptions) == (None, len(B), 0)
    it.slots.reclaim()
    assert (admitted.slot, it.slots.preemptions) == (None, 1)


def test_cells_of_other_tokens_are_not_pinned(harness: Callable[..., Harness]) -> None:
    """A state of another length is refused, and leaves nothing behind."""
    it = harness(retain=1)
    source = it.run(A)
    state = it.slots.state(source)
    it.release(source)
    assert not it.slots.pin(SequenceState(-1, GREEDY, (), list(B)), state)
    assert it.slots.cells_used == 0
    assert [it.context.length(slot) for slot in range(4)] == [0] * 4

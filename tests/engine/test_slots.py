"""Admission, sharing and preemption, on a context of the demo model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.slots import common_prefix
from qmath_cli.records import Prompt, Sampling, Segment
from tests.engine.driving import LONG, QUESTION, collect, continued, solve, until
from tests.engine.harness import GREEDY, A, B, C, Harness

# ---------------------------------------------------------------- admission


def test_a_sequence_waits_for_a_free_slot(harness: Callable[..., Harness]) -> None:
    """The slot that is reserved for a retained sequence is not free."""
    it = harness(slots=1, retain=1)
    first = it.run(A)
    second = it.queue(B)
    assert not it.slots.admit(second)
    it.release(first)
    assert it.slots.admit(second)
    assert it.slots.admitted == [second]


def test_a_sequence_waits_for_cells_and_headroom(harness: Callable[..., Harness]) -> None:
    """All its own tokens must fit, and 32 more for each admitted sequence; the first sequence needs no headroom."""
    it = harness(cells=100)
    first = it.run(A)  # 40 tokens
    assert not it.slots.admit(it.queue(range(300, 329)))
    assert it.slots.admit(it.queue(range(300, 328)))
    it = harness(cells=100)
    assert it.slots.admit(it.queue(range(300, 400)))
    assert first.slot == 0


def test_no_sequence_is_admitted_before_an_older_one(small: Model) -> None:
    """FIFO: a short prompt for which there are cells waits behind a long one for which there are none."""
    with Batch(small, 3, cells=224) as batch:
        (running,) = batch.start(Prompt((Segment("2 + 3 is 5, and " * 10),)), [Sampling(max_tokens=20)])
        batch.step()
        (long,) = batch.start(Prompt((Segment("1, 2, 3, " * 16),)), [Sampling(max_tokens=2)])
        (short,) = batch.start(Prompt((Segment("So"),)), [Sampling(max_tokens=2)])
        collect(batch, [running])
        assert batch.usage(long).prefilled_tokens == batch.usage(short).prefilled_tokens == 0
        batch.release(running)
        collect(batch, [long, short])


# ---------------------------------------------------------------- sharing


def test_shared_cells_are_counted_once(harness: Callable[..., Harness]) -> None:
    """Two sequences with 30 tokens in common have the cells of 30, 10 and 5 tokens."""
    it = harness()
    it.run([*range(200, 230), *range(300, 310)])
    it.run([*range(200, 230), *range(400, 405)])
    assert it.slots.cells_used == 45


def test_a_shared_cell_is_free_when_no_sequence_has_it(harness: Callable[..., Harness]) -> None:
    """A released sequence leaves the shared cells to the other one."""
    it = harness()
    first = it.run([*range(200, 230), *range(300, 310)])
    second = it.run([*range(200, 230), *range(400, 405)])
    it.release(first)
    assert it.slots.cells_used == it.context.length(second.slot or 0) == 35
    it.release(second)
    assert it.slots.cells_used == 0


def test_the_longest_common_prefix_is_shared(harness: Callable[..., Harness]) -> None:
    """Of several candidates, the one with the most common tokens."""
    it = harness()
    it.run([*range(200, 210), *range(300, 310)])
    it.run([*range(200, 220), *range(400, 410)])
    third = it.queue([*range(200, 225)])
    assert it.slots.admit(third)
    assert third.cached == 20


def test_the_last_token_is_always_computed(harness: Callable[..., Harness]) -> None:
    """An equal prompt shares all cells but one: its logits are needed."""
    it = harness()
    it.run(A)
    same = it.queue(A)
    assert it.slots.admit(same)
    assert same.pending == 1


def test_a_second_prompt_prefills_only_what_it_does_not_share(model: Model) -> None:
    """Few-shot examples that are in the KV cache are not computed again."""
    one, other = continued(LONG, "What is 7 + 8?"), continued(LONG, "Find 1 + 1 now.")
    tokens = [model.tokenize(prompt) for prompt in (one, other)]
    with Batch(model, 2) as batch:
        batch.start(one, [Sampling(max_tokens=50)])
        batch.step()
        (key,) = batch.start(other, [Sampling(max_tokens=1)])
        collect(batch, [key])
        assert batch.usage(key).prefilled_tokens == len(tokens[1]) - common_prefix(*tokens) < 20


def test_a_sequence_waits_while_another_computes_their_common_prefix(harness: Callable[..., Harness]) -> None:
    """Until then it would have to compute the same tokens."""
    it = harness()
    first, second = it.queue([*range(200, 230), 1]), it.queue([*range(200, 230), 2])
    assert it.slots.admit(first)
    assert not it.slots.admit(second)
    it.compute(first, 20)
    assert not it.slots.admit(second)
    it.compute(first)
    assert it.slots.admit(second)
    assert second.pending == 1


def test_prompts_that_arrive_together_prefill_their_common_prefix_once(model: Model) -> None:
    """The prefix takes several computations; the second prompt does not start its own."""
    one, other = continued(LONG, "What is 7 + 8?"), continued(LONG, "Find 1 + 1 now.")
    tokens = [model.tokenize(prompt) for prompt in (one, other)]
    with Batch(model, 2) as batch:
        (first,) = batch.start(one, [Sampling(max_tokens=9)])
        (second,) = batch.start(other, [Sampling(max_tokens=1)])
        collect(batch, [first, second])
        assert batch.usage(first).prefilled_tokens == len(tokens[0])
        assert batch.usage(second).prefilled_tokens == len(tokens[1]) - common_prefix(*tokens)


# ---------------------------------------------------------------- preemption


def test_the_youngest_sequence_is_preempted(harness: Callable[..., Harness]) -> None:
    """It loses its slot and all its cells, and keeps its tokens; the others are unchanged."""
    it = harness()
    first, second, third = it.run(A), it.run(B), it.run(C)
    it.slots.reclaim()
    assert (third.slot, third.cached, third.tokens) == (None, 0, C)
    assert [it.context.length(slot) for slot in range(3)] == [len(A), len(B), 0]
    assert it.slots.admitted == [first, second]
    assert it.slots.preemptions == 1


def test_a_preempted_sequence_has_the_text_of_an_undisturbed_one(small: Model, problem: Prompt) -> None:
    """Three greedy samples in cells for two: all finish, and each text is that of a sample alone."""
    samplings = [replace(GREEDY, seed=seed) for seed in range(3)]
    with Batch(small) as batch:
        (alone,) = solve(batch, problem, [GREEDY])
    with Batch(small, 3, cells=224) as batch:
        assert solve(batch, problem, samplings) == [alone] * 3
        assert batch.preemptions > 0
        assert batch.cells_used == 0


def test_tokens_that_are_computed_again_count_as_prefilled(model: Model, problem: Prompt) -> None:
    """Those of the prompt and those that were sampled before the preemption."""
    with Batch(model, 2) as batch:
        _, youngest = (batch.start(prompt, [GREEDY])[0] for prompt in (QUESTION, problem))
        until(batch, lambda: batch.usage(youngest).completion_tokens == 5)
        before = batch.usage(youngest)
        batch._slots.reclaim()
        until(batch, lambda: batch.usage(youngest).completion_tokens == 6)
        assert batch.usage(youngest).prefilled_tokens > before.prefilled_tokens + before.completion_tokens


def test_retained_sequences_are_evicted_before_an_admitted_one_is_preempted(harness: Callable[..., Harness]) -> None:
    """The one that was released first goes first."""
    it = harness(retain=2)
    admitted, first, second = it.run(A), it.run(B), it.run(C)
    it.release(first)
    it.release(second)
    it.slots.reclaim()
    assert (first.slot, second.cached) == (None, len(C))
    it.slots.reclaim()
    assert (second.slot, admitted.cached) == (None, len(A))
    assert it.slots.preemptions == 0


def test_a_retained_sequence_is_evicted_to_admit_another(harness: Callable[..., Harness]) -> None:
    """Unless its own cells are what the new sequence shares."""
    it = harness(cells=150, retain=2)
    source, other = it.run(A), it.run([*range(300, 340)])
    it.release(source)
    it.release(other)
    sequence = it.queue([*A, *range(500, 571)])
    assert it.slots.admit(sequence)
    assert other.slot is None
    assert sequence.cached == len(A)


def test_computations_larger_than_a_small_context_are_split(small: Model) -> None:
    """Two extensions with more tokens than llama.cpp computes at once: one sequence is preempted, and both continue."""
    with Batch(small, 2, cells=224, endless=True) as batch:
        ids = [batch.start(Prompt((Segment(text),)), [Sampling(max_tokens=2)])[0] for text in ("So", "We")]
        collect(batch, ids)
        for key in ids:
            batch._sequences[key].sampling = Sampling(max_tokens=4)
            batch.extend(key, "1, 2, 3, " * 17)
        for key in ids:
            collect(batch, [key])
            assert batch.usage(key).completion_tokens == 4
            batch.release(key)
        assert batch.preemptions == 1

"""Exceptions at any moment, after which a batch continues as if they had not happened."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model
from qmath_cli.records import Prompt, Sampling
from tests.engine.driving import BLOCK, QUESTION, collect
from tests.engine.harness import GREEDY, A, B, Harness


@contextmanager
def failing_once(owner: Any, name: str, *, after: bool, call: int) -> Iterator[None]:
    """Let the `call`-th call of a method raise, before or after its work."""
    real, calls = getattr(owner, name), itertools.count(1)

    def method(*arguments: Any) -> Any:
        number = next(calls)
        if number == call and not after:
            raise KeyboardInterrupt
        result = real(*arguments)
        if number == call:
            raise KeyboardInterrupt
        return result

    setattr(owner, name, method)
    try:
        yield
    finally:
        delattr(owner, name)


@pytest.mark.parametrize(
    ("owner", "name", "after", "call"),
    [
        ("_context", "submit", False, 1),
        ("_context", "submit", True, 1),
        ("_context", "submit", True, 30),
        ("_context", "result", True, 1),
        ("_context", "result", True, 30),
        ("_context", "logits", False, 1),
        ("_context", "logits", False, 30),
        ("_context", "truncate", False, 1),  # it is called once, where a stop string is removed
        ("_slots", "commit", False, 1),
        ("_slots", "commit", False, 30),
        ("_slots", "commit", True, 30),
    ],
)
def test_an_exception_in_the_middle_of_a_step_changes_no_text(
    model: Model, problem: Prompt, owner: str, name: str, after: bool, call: int
) -> None:
    """The step is discarded and computed again: the tokens are those of an undisturbed batch."""

    def tokens(batch: Batch) -> list[list[int]]:
        ids = [*batch.start(problem, [GREEDY]), *batch.start(QUESTION, [Sampling(max_tokens=9)])]
        states = [batch._sequences[key] for key in ids]
        for _ in range(GREEDY.max_tokens):
            try:
                batch.step()
            except KeyboardInterrupt:
                interrupted.append(name)
        assert not any(state.active for state in states)
        batch.extend(ids[0], BLOCK)
        collect(batch, ids[:1])
        assert [batch._context.length(state.slot or 0) for state in states] == [state.cached for state in states]
        return [state.tokens for state in states]

    interrupted: list[str] = []
    with Batch(model, 2) as batch:
        undisturbed = tokens(batch)
    with Batch(model, 2) as batch, failing_once(getattr(batch, owner), name, after=after, call=call):
        assert tokens(batch) == undisturbed
    assert interrupted == [name]


def test_cells_that_were_recorded_without_their_tokens_are_dropped(harness: Callable[..., Harness]) -> None:
    """The exception was raised between the two."""
    it = harness()
    sequence = it.run(A)
    sequence.tokens.append(1)
    sequence.cells.append(-1)
    it.slots.recover()
    assert it.slots.cells_used == it.context.length(0) == sequence.cached == len(A)


def test_an_exception_while_a_sequence_is_preempted_loses_no_slot(harness: Callable[..., Harness]) -> None:
    """The sequence is preempted, its slot is free, and the next one gets it."""
    it = harness(slots=2)
    first, second = it.run(A), it.run(B)
    with failing_once(it.context, "truncate", after=False, call=1), pytest.raises(KeyboardInterrupt):
        it.slots.reclaim()
    it.slots.recover()
    assert (first.cached, second.slot) == (len(A) - 1, None)  # the last token of `first` is computed again
    assert it.slots.admit(second)
    assert it.context.length(second.slot or 0) == second.cached


def test_an_exception_while_a_sequence_is_released_loses_no_slot(model: Model, problem: Prompt) -> None:
    """The released sequence is gone, and its slot serves the next one."""
    with Batch(model, 1) as batch:
        (first,) = batch.start(problem, [GREEDY])
        batch.step()
        with failing_once(batch._context, "truncate", after=False, call=1), pytest.raises(KeyboardInterrupt):
            batch.release(first)
        (second,) = batch.start(problem, [GREEDY])
        collect(batch, [second])
        batch.release(second)
        assert batch.cells_used == 0

"""A context checks what it gives to llama.cpp, which would end the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from qmath_cli.engine.llama.context import ROWS, BatchRow, ComputeStatus, Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.errors import EngineUnusable
from tests.engine.llama.replacing import Replacing

SLOTS = 2


@pytest.fixture
def context(model: Model) -> Iterator[Context]:
    made = Context(model, cells=1024, slots=SLOTS)
    yield made
    made.close()


def rows(count: int, slot: int = 0, outputs: int = 1) -> list[BatchRow]:
    """The first `count` positions of a slot; the last `outputs` rows request an output."""
    return [BatchRow(200 + index, index, slot, index >= count - outputs) for index in range(count)]


@pytest.mark.parametrize("count", [0, ROWS + 1])
def test_the_number_of_rows_is_checked(context: Context, count: int) -> None:
    """llama_batch has memory for 512 rows."""
    with pytest.raises(ValueError, match=f"{count} rows"):
        context.compute(rows(count))


def test_a_small_context_takes_fewer_rows(model: Model) -> None:
    """No more than llama.cpp's n_batch, which the size of the KV cache limits."""
    small = Context(model, cells=100, slots=1)
    assert small.max_rows == 100
    with pytest.raises(ValueError, match="from 1 to 100"):
        small.compute(rows(101))
    assert small.compute(rows(100)) is ComputeStatus.DONE
    small.close()


@pytest.mark.parametrize("slot", [-1, SLOTS])
def test_slots_are_checked(context: Context, slot: int) -> None:
    """By every method that takes one. To llama.cpp, -1 would mean all slots."""
    calls: list[Callable[[], object]] = [
        lambda: context.compute(rows(1, slot)),
        lambda: context.share(slot, 0, 1),
        lambda: context.share(0, slot, 1),
        lambda: context.truncate(slot, 0),
        lambda: context.length(slot),
        lambda: context.state(slot),
        lambda: context.set_state(slot, b"x"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=f"slot {slot}"):
            call()


def test_the_number_of_outputs_is_checked(context: Context) -> None:
    """One per slot; with hidden states on, every row is an output."""
    with pytest.raises(ValueError, match="3 outputs"):
        context.compute(rows(9, outputs=3))
    context.output_hidden_states(enabled=True)
    with pytest.raises(ValueError, match="9 outputs"):
        context.compute(rows(9))


def test_a_row_without_an_output_cannot_be_read(context: Context) -> None:
    """Neither its logits nor its hidden state."""
    assert context.compute(rows(3)) is ComputeStatus.DONE
    assert np.isfinite(context.logits(2)).all()
    for read in (lambda: context.logits(1), lambda: context.logits(ROWS), lambda: context.hidden_state(2)):
        with pytest.raises(ValueError, match="has no"):
            read()


def test_a_state_restores_the_cells_of_a_slot(context: Context) -> None:
    """In another slot, and the logits after the next token are equal."""
    context.compute(rows(9))
    state = context.state(0)
    context.compute([BatchRow(300, 9, 0, True)])
    expected = context.logits(0).copy()
    context.clear()
    assert context.set_state(1, state)
    assert context.length(1) == 9
    context.compute([BatchRow(300, 9, 1, True)])
    assert np.allclose(context.logits(0), expected, atol=1e-4)


def test_a_state_that_is_not_written_completely_is_an_error(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be kept on disk."""
    context.compute(rows(9))
    library = Replacing(context._lib, llama_state_seq_get_data=lambda *_arguments: 1)
    monkeypatch.setattr(context, "_lib", library)
    with pytest.raises(EngineUnusable, match="1 of"):
        context.state(0)


def test_a_state_that_is_not_read_completely_is_refused(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp returns the number of bytes that it read."""
    library = Replacing(context._lib, llama_state_seq_set_data=lambda *_arguments: 1)
    monkeypatch.setattr(context, "_lib", library)
    assert not context.set_state(0, b"four")


def test_without_free_cells_nothing_is_computed(context: Context) -> None:
    """The cells of the other slot are unchanged."""
    context.compute(rows(ROWS))
    assert context.compute(rows(ROWS, 1)) is ComputeStatus.DONE
    assert context.compute([BatchRow(300, ROWS, 0, True)]) is ComputeStatus.NO_CELLS
    assert [context.length(0), context.length(1)] == [ROWS, ROWS]

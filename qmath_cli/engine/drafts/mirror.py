"""The KV cache of a model that drafts: its slots mirror those of the batch.

What a slot holds is known token by token and compared with the sequence's tokens whenever it is used. Nothing must be
told when sequences are released, preempted, or lose tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from qmath_cli.engine.llama.compute_thread import Team
from qmath_cli.engine.llama.context import BatchRow, ComputeStatus, Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.slots import common_prefix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class NewTokens(NamedTuple):
    """Tokens to compute in a slot, after those that it holds."""

    slot: int
    tokens: Sequence[int]


class Mirror:
    """The slots of the model that drafts.

    Args:
        model: The model, loaded.
        slots: As many as the batch has.
        cells: KV cells, as many as the batch has.
        team: Who computes.

    Raises:
        DoesNotFit: There is no memory for the KV cache.
    """

    def __init__(self, model: Model, slots: int, cells: int, team: Team) -> None:
        self._context = Context(model, cells=cells, slots=slots, team=team)
        self._held: list[list[int]] = [[] for _ in range(slots)]  # the computed tokens of each slot
        self._computing = False

    @property
    def max_rows(self) -> int:
        """Tokens per computation at most."""
        return self._context.max_rows

    def close(self) -> None:
        """Free the memory. Safe to call twice."""
        self._held = []
        self._context.close()

    def recover(self) -> None:
        """Discard a computation that an exception left unfinished.

        Where none is, nothing is aborted: that would wait for what the batch computes on the same thread.
        """
        if self._computing:
            self._context.abort()
            self._computing = False
        for slot, held in enumerate(self._held):
            self._context.truncate(slot, len(held))

    def clear(self) -> None:
        """Free all cells."""
        for held in self._held:
            held.clear()
        self._context.clear()

    def match(self, slot: int, tokens: list[int]) -> list[int]:
        """Let a slot hold nothing but a beginning of these tokens, as long as there is one here.

        Returns:
            The tokens that it lacks, at least the last one.
        """
        held, most = self._held[slot], len(tokens) - 1
        shared = len(held) if tokens[: len(held)] == held else common_prefix(held, tokens)
        shared = min(shared, most)
        if shared < len(held):
            del held[shared:]  # first, so that `recover` can complete what an exception interrupts
            self._context.truncate(slot, shared)
        if shared == 0:
            self._share(slot, tokens[:most])
        return tokens[len(self._held[slot]) :]

    def lacks(self, slot: int, tokens: list[int]) -> int:
        """About how many of these tokens `match` would return."""
        return max(len(tokens) - len(self._held[slot]), 1)

    def compute(self, work: Sequence[NewTokens], *, outputs: bool = True) -> list[NDArray[np.float32]] | None:
        """Compute tokens of several slots in one step.

        Args:
            work: What to compute; at most `max_rows` tokens.
            outputs: Whether the logits of the last token of each slot are wanted.

        Returns:
            These logits, valid until the next computation; None if no cells were free. Then all are freed, those of
            slots that the batch has given up long ago among them.
        """
        rows: list[BatchRow] = []
        last = []
        for slot, tokens in work:
            start, end = len(self._held[slot]), len(tokens) - 1
            rows += [BatchRow(token, start + i, slot, outputs and i == end) for i, token in enumerate(tokens)]
            last.append(len(rows) - 1)
        self._computing = True
        status = self._context.compute(rows)
        self._computing = False
        if status is not ComputeStatus.DONE:
            self.clear()
            return None
        for slot, tokens in work:
            self._held[slot] += tokens
        return [self._context.logits(row) for row in last] if outputs else []

    def _share(self, slot: int, tokens: list[int]) -> None:
        """Let an empty slot begin with what another one holds of these tokens: the prompt of several samples."""
        shares = [(common_prefix(held, tokens), other) for other, held in enumerate(self._held) if other != slot]
        longest, source = max(shares, default=(0, slot))
        if longest:
            self._context.share(source, slot, longest)
            self._held[slot] = tokens[:longest]

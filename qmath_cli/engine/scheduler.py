"""The scheduler: which tokens are computed in a step.

Every sequence that decodes gets one token per step. The rest of the step goes to prompts, the oldest first. While
sequences decode, it is a small slice, so that they do not stall.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import NamedTuple

from qmath_cli.engine.llama.context import BatchRow
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.records import Sampling

_PREFILL_SLICE = 64  # prompt tokens per step while other sequences decode
_STEP_COST = 2  # fixed cost of a step of a small model, in tokens


class StepShare(NamedTuple):
    """A sequence's share of a step: its next `tokens` pending tokens, and tokens that may follow the last of all."""

    sequence: SequenceState
    tokens: int
    draft: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of the batch."""
        return self.tokens + len(self.draft)


def schedule(admitted: Iterable[SequenceState], max_tokens: int, prefill: int) -> list[StepShare]:
    """Plan a step of at most `max_tokens` tokens.

    Args:
        admitted: The sequences that have a slot, oldest first.
        max_tokens: At least the number of sequences.
        prefill: Tokens of prompts, where no sequence decodes.

    Returns:
        The shares of the step; empty if no sequence is active.
    """
    active = [sequence for sequence in admitted if sequence.active]
    planned = [StepShare(sequence, 1) for sequence in active if sequence.pending == 1]
    left = min(_PREFILL_SLICE if planned else prefill, max_tokens - len(planned))
    for sequence in active:
        if sequence.pending > 1 and left > 0:
            planned.append(StepShare(sequence, min(sequence.pending, left)))
            left -= planned[-1].tokens
    return planned


def seed_order(samplings: Sequence[Sampling]) -> list[int]:
    """The indices of samplings in an order that does not depend on how they are listed."""
    return sorted(range(len(samplings)), key=lambda index: astuple(samplings[index]))


def cost(planned: Iterable[StepShare]) -> int:
    """The estimated cost of a step, in tokens."""
    return _STEP_COST + sum(share.rows for share in planned)


def rows(planned: Iterable[StepShare]) -> Iterator[BatchRow]:
    """The rows of a step. The last pending token of a sequence requests logits, and so does every drafted one.

    Raises:
        ValueError: A sequence has no slot.
    """
    for sequence, tokens, draft in planned:
        if sequence.slot is None:
            raise ValueError(f"sequence {sequence.id} has no slot")
        last = len(sequence.tokens) - 1
        for position in range(sequence.cached, sequence.cached + tokens):
            yield BatchRow(sequence.tokens[position], position, sequence.slot, position == last)
        for position, token in enumerate(draft, last + 1):
            yield BatchRow(token, position, sequence.slot, output=True)

"""Where drafts come from: a protocol, and lookup as one source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qmath_cli.engine.drafts.acceptance import Prior
from qmath_cli.engine.drafts.lookup import Proposal
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.records import StepCost

#: The share of tokens that came as looked up, in 400 recorded responses of
#: Qwen2.5-Math-Instruct, by the length of the agreement before them.
_RECORDED = Prior((0.0, 0.0, 0.51, 0.56, 0.66, 0.69, 0.71, 0.73, 0.77), 0.61)


class DraftSource(Protocol):
    """Proposes drafts, and tells what that costs.

    Attributes:
        prior: The share of accepted tokens by level, before anything was seen.
        free: Whether proposals cost nothing, so that they are made and learned from even where none is verified.
        spent: Seconds that the latest proposals took, by the cost of steps.
    """

    prior: Prior
    free: bool
    spent: float

    def propose(self, sequences: Sequence[SequenceState], limits: Sequence[int], cost: StepCost) -> list[Proposal]:
        """A proposal for each sequence, empty where there is none.

        Args:
            sequences: All that decode in this step, each with one pending token.
            limits: How many tokens each may get at most.
            cost: What steps of the model that verifies cost.
        """
        ...

    def update(self, sequence: SequenceState) -> None:
        """The sequence's tokens have changed."""
        ...

    def reset(self) -> None:
        """Forget everything: the next proposals are those of a new source."""
        ...

    def recover(self) -> None:
        """Discard what an exception left unfinished."""
        ...

    def close(self) -> None:
        """Free the memory."""
        ...


class LookupSource:
    """Proposes what followed the same tokens earlier in the same sequence. It costs some microseconds."""

    def __init__(self) -> None:
        self.prior = _RECORDED
        self.free = True
        self.spent = 0.0

    def propose(self, sequences: Sequence[SequenceState], limits: Sequence[int], _cost: StepCost) -> list[Proposal]:
        """See `DraftSource.propose`."""
        found = []
        for sequence, limit in zip(sequences, limits, strict=True):
            lookup = sequence.drafting.lookup
            lookup.update(sequence.tokens)
            found.append(lookup.propose(sequence.tokens, limit))
        return found

    def update(self, sequence: SequenceState) -> None:
        """See `DraftSource.update`. Without it, tokens that replace removed ones would not be indexed."""
        sequence.drafting.lookup.update(sequence.tokens)

    def reset(self) -> None:
        """There is nothing to forget: the index belongs to the sequence."""

    def recover(self) -> None:
        """Nothing is left unfinished: the index is compared with the tokens whenever it is used."""

    def close(self) -> None:
        """There is nothing to free."""

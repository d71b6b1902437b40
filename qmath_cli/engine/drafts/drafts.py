"""The drafts of one batch: proposed, weighed against what rows cost, verified, and learned from.

A drafted token costs a row of the step in which it is verified. The row's logits are those that the next step would
have computed if the token is the one that is sampled; then the next token is sampled from them at once. So the text is
the same as without drafts, with any sampling: a rejected draft costs time and nothing else.

Steps in which a prompt is prefilled take no drafts: they have rows enough. Neither do models whose steps are so short
that looking for drafts would be felt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import NamedTuple

from qmath_cli.engine.drafts.acceptance import Acceptance, OwnAcceptance
from qmath_cli.engine.drafts.gate import MOST_DRAFTED, can_gain, choose
from qmath_cli.engine.drafts.lookup import Proposal
from qmath_cli.engine.drafts.source import DraftSource
from qmath_cli.engine.scheduler import StepShare
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.records import StepCost

MOST_ROWS = 16  # drafted rows of a step; each reserves a row of logits
#: What drafts may lose until they are made no more: so many tokens, and this share of all, in each sequence; and in all
#: of them together twice as many tokens, and this share.
_LOSS, _LOSS_SHARE = 1.0, 0.005
_SHORT_STEP_S = 0.003  # looking for a draft takes about a hundredth of it


class _Proposed(NamedTuple):
    """A proposal at token `start` of a sequence, of which the first `length` tokens are verified."""

    sequence: SequenceState
    start: int
    proposal: Proposal
    length: int


class Drafts:
    """Adds drafts to steps where they gain.

    Args:
        source: Where they come from; `close` closes it.
        cost: What steps cost on this machine.
        context_length: Tokens that a sequence can hold.
    """

    def __init__(self, source: DraftSource, cost: StepCost, context_length: int) -> None:
        self._source = source
        self._cost = cost
        self._context_length = context_length
        self._all = Acceptance(source.prior)  # of all sequences
        self._gained = 0.0  # by all sequences
        self._tokens = 0  # of all sequences
        self._proposed: list[_Proposed] = []
        self._possible = cache(partial(worth_drafting, cost))

    def close(self) -> None:
        """Free the memory of the source."""
        self._source.close()

    def recover(self) -> None:
        """Discard what an exception left unfinished."""
        self._proposed = []
        self._source.recover()

    def reset(self) -> None:
        """Forget what was learned: what follows is drafted as in a new batch."""
        self._all = Acceptance(self._source.prior)
        self._gained, self._tokens = 0.0, 0
        self._source.reset()

    def add(self, planned: list[StepShare], free: Callable[[], int]) -> list[StepShare]:
        """The same step with drafts, where they gain.

        Args:
            planned: The step without drafts.
            free: Tells how many KV cells are free.
        """
        self._proposed = []
        rows = len(planned)
        if not rows or not self._possible(rows) or any(share.sequence.pending != 1 for share in planned):
            return planned
        sequences = [share.sequence for share in planned]
        for sequence in sequences:
            if sequence.drafting.acceptance is None:
                sequence.drafting.acceptance = OwnAcceptance(self._all)
        limits = [self._limit(one) if self._source.free or self._may_lose(one) else 0 for one in sequences]
        proposals = self._source.propose(sequences, limits, self._cost)
        lengths = self._lengths(sequences, proposals, free)
        self._proposed = [
            _Proposed(sequence, len(sequence.tokens), proposal, length)
            for sequence, proposal, length in zip(sequences, proposals, lengths, strict=True)
        ]
        return [
            StepShare(one.sequence, 1, one.proposal.tokens[: one.length]) if one.length else share
            for one, share in zip(self._proposed, planned, strict=True)
        ]

    def settle(self) -> None:
        """Compare the proposals with the tokens that came. Call it after the step's tokens were sampled."""
        if not self._proposed:
            return
        proposed, self._proposed = self._proposed, []
        drafted = sum(one.length for one in proposed)
        lost = self._lost(len(proposed), drafted)
        for one in proposed:
            accepted = _observe(one)
            drafting = one.sequence.drafting
            drafting.drafted += one.length
            drafting.accepted += accepted
            gained = accepted - lost * (one.length / drafted if drafted else 1 / len(proposed))
            drafting.gained += gained
            self._gained += gained
            self._tokens += len(one.sequence.tokens) - one.start
            self._source.update(one.sequence)

    def _limit(self, sequence: SequenceState) -> int:
        """How many tokens of a draft could be used before the sequence ends anyway."""
        left = min(
            self._context_length - len(sequence.tokens),
            sequence.sampling.max_tokens - sequence.sampled,
        )
        return min(MOST_DRAFTED, left - 1)

    def _may_lose(self, sequence: SequenceState) -> bool:
        """Whether a draft is allowed, which may be rejected, after what drafts gained and lost so far."""
        own = sequence.drafting.gained + _LOSS + _LOSS_SHARE * sequence.sampled
        return own > 0 and self._gained + 2 * _LOSS + _LOSS_SHARE * self._tokens > 0

    def _lengths(
        self, sequences: Sequence[SequenceState], proposals: Sequence[Proposal], free: Callable[[], int]
    ) -> list[int]:
        chances = [
            acceptance.chances(proposal.levels)
            if (acceptance := sequence.drafting.acceptance) is not None and self._may_lose(sequence)
            else []
            for sequence, proposal in zip(sequences, proposals, strict=True)
        ]
        lengths = choose(len(sequences), chances, self._cost, _room(self._cost, len(sequences)))
        if any(lengths) and free() < len(sequences) + sum(lengths):  # no sequence is preempted for drafts
            return [0] * len(lengths)
        return lengths

    def _lost(self, rows: int, drafted: int) -> float:
        """What the drafts of a step cost, in tokens that would have been decoded in this time."""
        plain = self._cost.seconds(rows)
        return (self._cost.seconds(rows + drafted) - plain + self._source.spent) / (plain / rows)


def worth_drafting(cost: StepCost, rows: int) -> bool:
    """Whether drafts could gain in a step that has so many rows without them."""
    return cost.seconds(1) >= _SHORT_STEP_S and can_gain(rows, cost, _room(cost, rows))


def _room(cost: StepCost, rows: int) -> int:
    """Drafted rows that such a step can take: no more than were measured."""
    return min(MOST_ROWS, cost.most - rows)


def _observe(one: _Proposed) -> int:
    """Count which of the verified tokens came, or whether the first one did where none was verified.

    Returns:
        How many verified tokens were accepted.
    """
    tokens, acceptance = one.sequence.tokens, one.sequence.drafting.acceptance
    came = 0
    if acceptance is None:
        return came
    for index in range(min(max(one.length, 1), len(one.proposal.tokens), len(tokens) - one.start)):
        accepted = tokens[one.start + index] == one.proposal.tokens[index]
        acceptance.observe(one.proposal.levels[index], accepted=accepted)
        if not accepted:
            break
        came += 1
    return min(came, one.length)

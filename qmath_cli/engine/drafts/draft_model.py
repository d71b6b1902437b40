"""Drafts by a smaller model with the same vocabulary, as many tokens as are worth it.

It drafts greedily. How sure it is of a token (its probability) is the token's level. How many tokens are worth drafting
follows from what a step of the small model costs, and from how many of its tokens were accepted so far. Where none are,
it rests; now and then it tries two tokens, for which it takes at most half a per cent of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qmath_cli.engine.drafts.acceptance import Prior
from qmath_cli.engine.drafts.gate import best_length
from qmath_cli.engine.drafts.lookup import NOTHING, Proposal
from qmath_cli.engine.drafts.mirror import Mirror, NewTokens
from qmath_cli.engine.llama.compute_thread import Team
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.records import StepCost

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEVELS = 10
#: A token is accepted about as often as the small model is sure of it; of all, two in three are. A few observations
#: weigh more than this, because each of them costs a step of the small model.
_PRIOR = Prior(tuple((level + 0.5) / _LEVELS for level in range(_LEVELS)), 0.67, 8.0)
_TRIAL_SHARE = 0.005  # of the time, for trials where drafting does not seem to gain
_TRIAL_LENGTH = 2
_HORIZON = 100  # steps within which it has to pay that the small model computes what it lacks of a text
_FEW = 8  # missing tokens that are computed in one step with those of the other sequences


class DraftModelSource:
    """A `DraftSource`.

    Args:
        model: The small model, loaded; the caller closes it.
        cost: What its steps cost.
        vocabulary: Tokens of the model that verifies; others are never proposed.
        slots: Slots of the batch.
        cells: KV cells of the batch.
        team: Who computes.

    Raises:
        DoesNotFit: There is no memory for the KV cache.
    """

    def __init__(self, model: Model, cost: StepCost, vocabulary: int, slots: int, cells: int, team: Team) -> None:
        self.prior = _PRIOR
        self.free = False
        self.spent = 0.0
        self._cost = cost
        self._vocabulary = vocabulary
        self._mirror = Mirror(model, slots, cells, team)
        self._credit = 0.0  # seconds that trials may take

    def close(self) -> None:
        """Free the KV cache; the model stays loaded."""
        self._mirror.close()

    def reset(self) -> None:
        """Empty the KV cache."""
        self._mirror.clear()
        self._credit = 0.0

    def recover(self) -> None:
        """Discard a computation that an exception left unfinished."""
        self._mirror.recover()

    def update(self, _sequence: SequenceState) -> None:
        """Nothing to do: what is held is compared with the tokens when it is used."""

    def propose(self, sequences: Sequence[SequenceState], limits: Sequence[int], cost: StepCost) -> list[Proposal]:
        """See `DraftSource.propose`."""
        self.spent = 0.0
        if max(limits) < 1:
            return [NOTHING] * len(sequences)
        length = self._length(sequences, limits, cost)
        drafts = [_OpenDraft(one, min(limit, length)) for one, limit in zip(sequences, limits, strict=True)]
        if length and self._catch_up(drafts):
            # below this chance the next token would not pay for its computation
            worth = self._cost.seconds(len(sequences)) / cost.seconds(len(sequences))
            self._draft(drafts, worth)
        return [draft.proposal for draft in drafts]

    def _length(self, sequences: Sequence[SequenceState], limits: Sequence[int], cost: StepCost) -> int:
        """How many tokens of each sequence are worth drafting, or are tried."""
        count = len(sequences)
        shares = [
            found.overall() if limit > 0 and (found := one.drafting.acceptance) is not None else 0.0
            for one, limit in zip(sequences, limits, strict=True)
        ]
        best = best_length(shares, cost, lambda each: each * self._cost.seconds(count))
        plain = cost.seconds(count)
        behind = self._cost.seconds(sum(self._mirror.lacks(slot_of(one), one.tokens) for one in sequences))
        if best.tokens and behind < (best.gain - 1) * _HORIZON * plain:
            return best.tokens
        self._credit += plain * _TRIAL_SHARE
        rows = cost.seconds(count * (1 + _TRIAL_LENGTH)) - plain
        trial = behind + _TRIAL_LENGTH * self._cost.seconds(count) + max(rows, 0.0)
        if trial > self._credit:
            return 0
        self._credit -= trial
        return _TRIAL_LENGTH

    def _catch_up(self, drafts: Sequence[_OpenDraft]) -> bool:
        """Compute what the small model lacks of the sequences, but for a few last tokens; false if no cell is free."""
        for draft in drafts:
            if draft.limit < 1:
                continue
            draft.new = self._mirror.match(draft.slot, draft.known)
            while len(draft.new) > _FEW:
                count = min(len(draft.new) - 1, self._mirror.max_rows)
                if self._compute([NewTokens(draft.slot, draft.new[:count])], outputs=False) is None:
                    return False
                draft.new = draft.new[count:]
        return True

    def _draft(self, drafts: Sequence[_OpenDraft], worth: float) -> None:
        """Draft for all sequences at once, one token after the other."""
        while going := [draft for draft in drafts if draft.new]:
            found = self._compute([NewTokens(draft.slot, draft.new) for draft in going])
            if found is None:
                return
            for draft, logits in zip(going, found, strict=True):
                token, sure = _likeliest(logits)
                draft.new = []
                if token < self._vocabulary:
                    draft.add(token, min(int(sure * _LEVELS), _LEVELS - 1), worth)

    def _compute(self, work: Sequence[NewTokens], *, outputs: bool = True) -> list[NDArray[np.float32]] | None:
        """As `Mirror.compute`; what it costs is counted."""
        self.spent += self._cost.seconds(sum(len(one.tokens) for one in work))
        return self._mirror.compute(work, outputs=outputs)


class _OpenDraft:
    """A draft in the making; `new` are the tokens that are computed next, none where it is finished."""

    def __init__(self, sequence: SequenceState, limit: int) -> None:
        self.slot = slot_of(sequence)
        self.known = sequence.tokens
        self.limit = limit
        self.new: list[int] = []
        self._tokens: list[int] = []
        self._levels: list[int] = []
        self._chance = 1.0
        self._acceptance = sequence.drafting.acceptance

    @property
    def proposal(self) -> Proposal:
        return Proposal(tuple(self._tokens), tuple(self._levels)) if self._tokens else NOTHING

    def add(self, token: int, level: int, worth: float) -> None:
        """Take a token over, and go on if the next one may pay for its computation."""
        if self._acceptance is None:
            return
        self._tokens.append(token)
        self._levels.append(level)
        self._chance *= self._acceptance.share(level)
        if len(self._tokens) < self.limit and self._chance * self._acceptance.overall() > worth:
            self.new = [token]


def slot_of(sequence: SequenceState) -> int:
    """The slot of a sequence that decodes. Raises `ValueError` if it has none."""
    if sequence.slot is None:
        raise ValueError(f"sequence {sequence.id} has no slot")
    return sequence.slot


def _likeliest(logits: NDArray[np.float32]) -> tuple[int, float]:
    """The likeliest token and its probability."""
    import numpy as np

    token = int(logits.argmax())
    return token, 1 / float(np.exp(logits - logits[token]).sum())

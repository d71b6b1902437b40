"""How often proposed tokens turn out to be the ones that are sampled, by how sure the proposal was.

Every proposal is compared with the tokens that come, whether it was verified as a draft or only made: what a draft
would be worth is known before one was ever paid for. What is counted of all sequences is counted by level, and begins
with shares that were measured elsewhere. A single sequence has too few observations for that: there a factor is
counted, by which more or fewer tokens are accepted than in the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_OWN_WEIGHT = 4.0  # accepted tokens of others that count as much as one's own
_MOST = 256.0  # observations that are remembered: later ones make earlier ones fade
_MOST_OWN = 48.0  # the same of one sequence, whose text changes its kind from part to part


class Prior(NamedTuple):
    """Shares before anything was seen: of the tokens of each level, and of all.

    `weight` observations count as much as they do.
    """

    levels: tuple[float, ...]
    overall: float
    weight: float = 24.0


class Acceptance:
    """The share of accepted tokens by level, of all sequences together.

    Args:
        prior: What is expected before anything was seen.
    """

    def __init__(self, prior: Prior) -> None:
        self._prior = prior
        self._seen = [0.0] * len(prior.levels)
        self._accepted = [0.0] * len(prior.levels)

    def share(self, level: int) -> float:
        """The share of tokens of this level that are accepted, estimated."""
        prior = self._prior
        return (self._accepted[level] + prior.weight * prior.levels[level]) / (self._seen[level] + prior.weight)

    def overall(self) -> float:
        """The share of all tokens that are accepted, estimated."""
        prior = self._prior
        return (sum(self._accepted) + prior.weight * prior.overall) / (sum(self._seen) + prior.weight)

    def observe(self, level: int, *, accepted: bool) -> None:
        """Count one token."""
        if self._seen[level] >= _MOST:
            self._seen[level] /= 2
            self._accepted[level] /= 2
        self._seen[level] += 1
        self._accepted[level] += accepted


class OwnAcceptance:
    """The share of accepted tokens of one sequence.

    Args:
        everyone: That of all sequences, which learns from this one too.
    """

    def __init__(self, everyone: Acceptance) -> None:
        self._everyone = everyone
        self._accepted = 0.0
        self._expected = 0.0  # how many would have been accepted at the shares of all

    def share(self, level: int) -> float:
        """The share of tokens of this level that are accepted, estimated."""
        return min(self._everyone.share(level) * self._factor, 1.0)

    def overall(self) -> float:
        """The share of all tokens that are accepted, estimated."""
        return min(self._everyone.overall() * self._factor, 1.0)

    def observe(self, level: int, *, accepted: bool) -> None:
        """Count one token, here and for all sequences."""
        if self._expected >= _MOST_OWN:
            self._expected /= 2
            self._accepted /= 2
        self._expected += self._everyone.share(level)
        self._accepted += accepted
        self._everyone.observe(level, accepted=accepted)

    def chances(self, levels: Sequence[int]) -> list[float]:
        """For each token of a proposal the chance that it and all before it are accepted."""
        chance, found = 1.0, []
        for level in levels:
            chance *= self.share(level)
            found.append(chance)
        return found

    @property
    def _factor(self) -> float:
        return (self._accepted + _OWN_WEIGHT) / (self._expected + _OWN_WEIGHT)

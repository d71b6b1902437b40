"""How often proposed tokens turn out to be the ones that are sampled, by how sure the proposal was.

Every proposal is compared with the tokens that come, whether it was verified as a draft or only made: what a draft
would be worth is known before one was ever paid for. Each sequence has counts of its own. Until these are many, the
counts of all sequences stand in for them, and for those the shares that were measured on recorded responses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_ALL_WEIGHT = 12.0  # observations of one's own that count as much as those of all sequences
_MOST = 256.0  # observations that are remembered: later ones make earlier ones fade


class Prior(NamedTuple):
    """Shares before anything was seen: of the tokens of each level, and of all.

    `weight` observations count as much as they do.
    """

    levels: tuple[float, ...]
    overall: float
    weight: float = 24.0

    @property
    def size(self) -> int:
        """The number of levels."""
        return len(self.levels)

    def share(self, level: int) -> float:
        """The share of tokens of this level that are accepted."""
        return self.levels[level]


class Acceptance:
    """The share of accepted tokens by level.

    Args:
        prior: What is expected before anything was seen, or the acceptance of all sequences.
    """

    def __init__(self, prior: Prior | Acceptance) -> None:
        self.size: int = prior.size
        self._prior = prior
        self._weight = _ALL_WEIGHT if isinstance(prior, Acceptance) else prior.weight
        self._seen = [0.0] * self.size
        self._accepted = [0.0] * self.size

    def share(self, level: int) -> float:
        """The share of tokens of this level that are accepted, estimated."""
        expected = self._weight * self._prior.share(level)
        return (self._accepted[level] + expected) / (self._seen[level] + self._weight)

    def overall(self) -> float:
        """The share of all tokens that are accepted, estimated."""
        prior = self._prior
        expected = prior.overall() if isinstance(prior, Acceptance) else prior.overall
        return (sum(self._accepted) + self._weight * expected) / (sum(self._seen) + self._weight)

    def observe(self, level: int, *, accepted: bool) -> None:
        """Count one token, here and for all sequences."""
        if self._seen[level] >= _MOST:
            self._seen[level] /= 2
            self._accepted[level] /= 2
        self._seen[level] += 1
        self._accepted[level] += accepted
        if isinstance(self._prior, Acceptance):
            self._prior.observe(level, accepted=accepted)

    def chances(self, levels: Sequence[int]) -> list[float]:
        """For each token of a proposal the chance that it and all before it are accepted."""
        chance, found = 1.0, []
        for level in levels:
            chance *= self.share(level)
            found.append(chance)
        return found

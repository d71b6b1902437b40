"""Sampling the next token: temperature, top-k, top-p and min-p, in this order.

Temperature is applied first, as in vLLM and transformers, with which the published results were made. llama.cpp's own
command-line tools apply it last, which for T < 1 keeps more tokens at the same top-p. Each filter gets the renormalized
result of the one before it and leaves at least one token. Equally likely tokens are kept or removed together.

The filters are numpy operations on the whole vocabulary. llama.cpp's sampler chain sorts 152,000 candidates of 12
bytes; for a flat distribution this takes a third of a 1.5B model's decode step, per sequence.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from qmath_cli.records import Sampling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MIN_TEMPERATURE = 1e-4  # below it sampling is greedy: a lead of 0.001 in the logits already decides
_NEGLIGIBLE = 1e-13  # weight relative to the likeliest token; all tokens below it add up to less than float32 rounding


class Sampler:
    """Samples the tokens of one sequence. The random state advances by exactly one number per token."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._random = random.Random(sampling.seed)  # noqa: S311  not used for secrets

    def draw(self, logits: NDArray[np.float32]) -> int:
        """The next token, given logits of shape (vocabulary,). Greedy sampling takes the first of equal logits."""
        best = int(logits.argmax())
        if self._sampling.temperature < _MIN_TEMPERATURE:
            return best
        number = self._random.random()
        tokens, weights = candidates(logits, float(logits[best]), self._sampling)
        sums = weights.cumsum(dtype="float64")
        index = int(sums.searchsorted(number * sums[-1], side="right"))
        return int(tokens[min(index, len(tokens) - 1)])


def candidates(
    logits: NDArray[np.float32], best: float, sampling: Sampling
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The tokens that remain after all filters.

    Args:
        logits: Shape (vocabulary,).
        best: The largest logit.
        sampling: Temperature (above 0) and filters.

    Returns:
        Token ids in ascending order, and their weights; the likeliest token has weight 1.
    """
    import numpy as np

    weights = np.exp((logits - np.float32(best)) * np.float32(1 / sampling.temperature))
    threshold = max(sampling.min_p, _NEGLIGIBLE)
    if sampling.top_k > 0 or sampling.top_p < 1:
        ordered = np.sort(weights[weights >= _NEGLIGIBLE])[::-1]
        if 0 < sampling.top_k < len(ordered):
            ordered = ordered[: sampling.top_k]
        sums = ordered.cumsum(dtype=np.float64)
        last = int(sums.searchsorted(sampling.top_p * sums[-1]))
        threshold = max(threshold, float(ordered[min(last, len(ordered) - 1)]))
    tokens = np.flatnonzero(weights >= np.float32(threshold))
    return tokens, weights[tokens]

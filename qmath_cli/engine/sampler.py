"""How the next token is drawn: temperature, top-k, top-p, min-p, in this order.

Temperature comes first, as in vLLM and transformers, on which the published numbers rest; llama.cpp's own command-line
tools put it last, which at T < 1 keeps more tokens for the same top-p. Each filter sees what the one before it left,
renormalised, and leaves at least one token; equally likely tokens share their fate.

Written over the whole vocabulary in numpy: llama.cpp's chain sorts 152,000 candidates of 12 bytes, which for a flat
distribution costs a third of a 1.5B model's decode step, per sequence.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from qmath_cli.records import Sampling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COLD = 1e-4  # no temperature: a lead of a thousandth already decides, and 32-bit numbers go no further
_NOTHING = 1e-13  # of the likeliest token's weight: all that is less likely, together, is less than 32-bit rounding


class Sampler:
    """Draws the tokens of one sequence. Its random state advances by one number per token, and with nothing else."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._dice = random.Random(sampling.seed)  # noqa: S311  dice, not secrets

    def draw(self, logits: NDArray[np.float32]) -> int:
        """The next token, given logits of shape (vocabulary,). Greedy takes the first of equals."""
        best = int(logits.argmax())
        if self._sampling.temperature < _COLD:
            return best
        number = self._dice.random()
        tokens, weights = candidates(logits, float(logits[best]), self._sampling)
        steps = weights.cumsum(dtype="float64")
        place = int(steps.searchsorted(number * steps[-1], side="right"))
        return int(tokens[min(place, len(tokens) - 1)])


def candidates(
    logits: NDArray[np.float32], best: float, sampling: Sampling
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The tokens that may be drawn, in the vocabulary's order, and their weights (the likeliest has 1)."""
    import numpy as np

    weights = np.exp((logits - np.float32(best)) * np.float32(1 / sampling.temperature))
    floor = max(sampling.min_p, _NOTHING)
    if sampling.top_k > 0 or sampling.top_p < 1:
        ordered = np.sort(weights[weights >= _NOTHING])[::-1]
        if 0 < sampling.top_k < len(ordered):
            ordered = ordered[: sampling.top_k]
        steps = ordered.cumsum(dtype=np.float64)
        enough = int(steps.searchsorted(sampling.top_p * steps[-1]))
        floor = max(floor, float(ordered[min(enough, len(ordered) - 1)]))
    tokens = np.flatnonzero(weights >= np.float32(floor))
    return tokens, weights[tokens]

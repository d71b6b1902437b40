"""A base model's prediction at one position, in the precision in which `llama-perplexity` stores it.

Facts: tools/perplexity of llama.cpp, `log_softmax` and `process_logits`. Log-probabilities are rounded to 16 bits over
a window of at most 16 nats below the largest logit, so a step is at most 2.4e-4 nats; only tokens whose log-probability
is above -16 count for the divergence. Here only those tokens are kept, which are a few hundred to a few thousand of
151,936; the statistics are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WINDOW = np.float32(16.0)  # nats
_STEPS = np.float32(65535.0)
_MARGIN = np.float32(0.01)  # nats; more than a step, so that no token is lost before it is rounded


@dataclass(frozen=True, slots=True)
class BaseRow:
    """The tokens that count at one position.

    Attributes:
        scale: nats per step.
        floor: the log-probability of step 0.
        target: the step of the token that the text continues with; 0 where it is below the window.
        ids: token ids, ascending, of shape (n,).
        steps: their log-probabilities in steps above `floor`, of shape (n,).
    """

    scale: np.float32
    floor: np.float32
    target: int
    ids: NDArray[np.uint32]
    steps: NDArray[np.uint16]

    @property
    def log_probabilities(self) -> NDArray[np.float32]:
        """Log-probabilities of `ids`, in nats."""
        return self.scale * self.steps.astype(np.float32) + self.floor

    @property
    def nll(self) -> float:
        """Minus the log-probability of the token that the text continues with, in nats."""
        return float(-(self.scale * np.float32(self.target) + self.floor))


def log_of_sum(logits: NDArray[np.float32]) -> tuple[np.float32, np.float32]:
    """The largest logit, and the logarithm of the sum of all exponentials relative to it."""
    largest = logits.max()
    return largest, np.float32(np.log(np.exp(logits - largest).sum(dtype=np.float64)))


def base_row(logits: NDArray[np.float32], target: int) -> BaseRow:
    """Round a prediction.

    Args:
        logits: of shape (vocabulary,).
        target: the id of the token that the text continues with.
    """
    largest, log_sum = log_of_sum(logits)
    least = max(logits.min(), largest - _WINDOW)
    scale, floor = np.float32((largest - least) / _STEPS), np.float32(least - largest - log_sum)
    if scale == 0:  # all logits are equal
        ids = np.arange(logits.size, dtype=np.uint32)
        return BaseRow(scale, floor, 0, ids, np.zeros(logits.size, np.uint16))
    near = np.flatnonzero(logits >= max(least, largest + log_sum - _WINDOW - _MARGIN))
    steps = _rounded(logits[near], least, scale)
    counts = scale * steps.astype(np.float32) + floor > -_WINDOW
    wanted = logits[target]
    hit = int(_rounded(wanted, least, scale)) if wanted > least else 0
    return BaseRow(scale, floor, hit, near[counts].astype(np.uint32), steps[counts])


def _rounded(logits: NDArray[np.float32] | np.float32, least: np.float32, scale: np.float32) -> NDArray[np.uint16]:
    return np.rint((np.float32(1) / scale) * (logits - least)).astype(np.uint16)

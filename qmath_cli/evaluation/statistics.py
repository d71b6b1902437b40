"""The uncertainty of a score: an interval for a proportion, and a paired test for two runs over the same problems."""

from __future__ import annotations

import math
from dataclasses import dataclass

_Z95 = 1.959963984540054  # the normal distribution's 97.5 % point


def wilson(successes: float, trials: int) -> tuple[float, float]:
    """The Wilson score interval of a proportion at 95 % (E. B. Wilson 1927).

    Args:
        successes: The number of successes, between 0 and `trials`; not necessarily whole.
        trials: The number of trials.

    Returns:
        Lower and upper bound, between 0 and 1; (0, 1) without trials.
    """
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, _Z95**2
    center = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half_width = _Z95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return max(0.0, center - half_width), min(1.0, center + half_width)


def pass_at(n: int, samples: int, correct: int) -> float:
    """The unbiased estimate of pass@n: one of n samples is correct (Chen et al. 2021, arXiv:2107.03374).

    Args:
        n: The number of samples that may be drawn, at most `samples`.
        samples: The number of samples that were drawn.
        correct: How many of them are correct.
    """
    return 1.0 - math.comb(samples - correct, n) / math.comb(samples, n)


@dataclass(frozen=True, slots=True)
class Paired:
    """Two runs over the same problems.

    Attributes:
        first_only: Problems that only the first run has right.
        second_only: Problems that only the second run has right.
        p: Two-sided p-value of a difference at least as large, if both runs are equally good.
    """

    first_only: int
    second_only: int
    p: float


def mcnemar(first: list[bool], second: list[bool]) -> Paired:
    """McNemar's exact two-sided test (Q. McNemar 1947), which counts only problems on which the runs differ.

    Args:
        first: For each problem, whether the first run has it right.
        second: The same for the second run, in the same order.

    Raises:
        ValueError: The lists differ in length.
    """
    only = [sum(a and not b for a, b in zip(*pair, strict=True)) for pair in ((first, second), (second, first))]
    total = sum(only)
    tail = sum(math.comb(total, i) for i in range(min(only) + 1)) / 2**total
    return Paired(only[0], only[1], min(1.0, 2 * tail))

"""How sure a score is: an interval for a proportion, and a paired test for two runs over the same problems."""

from __future__ import annotations

import math
from dataclasses import dataclass

_Z95 = 1.959963984540054  # the normal distribution's 97.5 % point


def wilson(successes: float, trials: int) -> tuple[float, float]:
    """The Wilson score interval at 95 % (Wilson 1927); `successes` may be a fraction of the trials."""
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, _Z95**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Paired:
    """Two runs on the same problems: right only in the first, only in the second, and how likely by chance."""

    first_only: int
    second_only: int
    p: float


def mcnemar(first: list[bool], second: list[bool]) -> Paired:
    """The exact two-sided test of McNemar (1947): only problems on which the two differ say anything."""
    only = [sum(a and not b for a, b in zip(*pair, strict=True)) for pair in ((first, second), (second, first))]
    low, total = min(only), sum(only)
    tail = sum(math.comb(total, i) for i in range(low + 1)) / 2**total
    return Paired(only[0], only[1], min(1.0, 2 * tail))

"""The gate: how many drafted tokens a step takes, from what its rows cost and how likely each token is accepted.

A step of R rows gives R tokens. With K drafted rows more it gives as many more as are accepted, and costs what a step
of R + K rows costs. The gate takes the K with the most tokens per second, none if drafts gain less than a margin. Costs
need not rise evenly: where three rows cost hardly more than two, it goes past two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from qmath_cli.records import StepCost

#: A step must gain this much, so that what is only estimated does not make it lose.
MARGIN = 0.03
MOST_DRAFTED = 8  # tokens of one sequence in a step


def choose(decoding: int, chances: Sequence[Sequence[float]], cost: StepCost, most: int) -> list[int]:
    """How many tokens of each proposal are verified.

    Args:
        decoding: The rows of the step without drafts.
        chances: For each proposal, the chances that its tokens are accepted; they never rise.
        cost: What steps cost.
        most: Drafted rows at most.

    Returns:
        A length for each proposal; all 0 where no choice gains enough.
    """
    ranked = sorted(
        ((chance, -index) for index, one in enumerate(chances) for chance in one), key=lambda item: item, reverse=True
    )
    best, taken, tokens = decoding / cost.seconds(decoding) * (1 + MARGIN), 0, float(decoding)
    for rows, (chance, _) in enumerate(ranked[:most], 1):
        tokens += chance
        rate = tokens / cost.seconds(decoding + rows)
        if rate > best:
            best, taken = rate, rows
    lengths = [0] * len(chances)
    for _, index in ranked[:taken]:
        lengths[-index] += 1
    return lengths


def can_gain(decoding: int, cost: StepCost, most: int) -> bool:
    """Whether drafts would gain enough if every token of them were accepted."""
    plain = decoding / cost.seconds(decoding) * (1 + MARGIN)
    return any((decoding + rows) / cost.seconds(decoding + rows) > plain for rows in range(1, most + 1))


class Length(NamedTuple):
    """How many tokens are worth drafting, 0 where none is, and how many times as fast decoding is with them."""

    tokens: int
    gain: float


def best_length(shares: Sequence[float], cost: StepCost, drafting: Callable[[int], float]) -> Length:
    """How many tokens of each sequence are worth drafting, where drafting has a cost of its own.

    Args:
        shares: For each sequence the share of its drafted tokens that are accepted.
        cost: What steps cost.
        drafting: The seconds that it takes to draft so many tokens of each.
    """
    decoding = len(shares)
    plain = decoding / cost.seconds(decoding)
    best, length = plain * (1 + MARGIN), 0
    tokens = float(decoding)
    for each in range(1, MOST_DRAFTED + 1):
        tokens += sum(share**each for share in shares)
        rate = tokens / (cost.seconds(decoding * (1 + each)) + drafting(each))
        if rate > best:
            best, length = rate, each
    return Length(length, best / plain if length else 1.0)

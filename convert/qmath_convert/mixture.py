"""The mixture of types that costs least at a given size.

The cost of a mixture is taken as the sum of its tensors' costs: the linearity theorem of Malinovskii et al., "HIGGS:
Pushing the Limits of Large Language Model Quantization via the Linearity Theorem" (NAACL 2025), says that the
divergence grows linearly with the tensors' relative squared errors, where these are small. The choice is the greedy one
over each tensor's convex hull (a Lagrangian relaxation: each step is the one with the largest gain per byte), after
which the room that is left is filled. It misses the optimum by less than one step of one tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qmath_convert.ggml import GgmlType


@dataclass(frozen=True, slots=True)
class Choice:
    """One type that a tensor can have: its bytes, and what it costs in nats of divergence."""

    kind: GgmlType
    size: int
    cost: float


def mixture(choices: Mapping[str, Sequence[Choice]], room: int) -> dict[str, Choice] | None:
    """The types with the least cost.

    Args:
        choices: by tensor, the types that it can have.
        room: bytes for all of them together.

    Returns:
        One choice for each tensor; None if not even the smallest ones have room.
    """
    found = {name: min(several, key=lambda one: (one.size, one.cost)) for name, several in choices.items()}
    left = room - sum(one.size for one in found.values())
    if left < 0:
        return None
    hulls = {name: _hull(several) for name, several in choices.items()}
    steps = sorted(
        ((name, before, after) for name, hull in hulls.items() for before, after in pairwise(hull)),
        key=lambda step: -_gain(step[1], step[2]),
    )
    for name, before, after in steps:
        if found[name] == before and after.size - before.size <= left:
            left -= after.size - before.size
            found[name] = after
    _fill(found, choices, left)
    return found


def _fill(found: dict[str, Choice], choices: Mapping[str, Sequence[Choice]], left: int) -> None:
    """Spend what is left on the single steps, off the hull too, that gain most."""
    while True:
        steps = [
            (found[name].cost - one.cost, name, one)
            for name, several in choices.items()
            for one in several
            if one.cost < found[name].cost and one.size - found[name].size <= left
        ]
        if not steps:
            return
        _, name, one = max(steps, key=lambda step: (step[0], step[1]))
        left -= one.size - found[name].size
        found[name] = one


def _hull(several: Sequence[Choice]) -> list[Choice]:
    """The choices on the lower convex hull, from the smallest: each step gains less per byte than the one before."""
    hull: list[Choice] = []
    for one in sorted(several, key=lambda one: (one.size, one.cost)):
        if hull and one.cost >= hull[-1].cost:
            continue
        while len(hull) > 1 and _gain(hull[-2], hull[-1]) <= _gain(hull[-1], one):
            hull.pop()
        hull.append(one)
    return hull


def _gain(before: Choice, after: Choice) -> float:
    """Cost that a step saves per byte."""
    return (before.cost - after.cost) / max(after.size - before.size, 1)

"""The report of `qmath convert --advise`: what the matrices get, and what the mixture is expected to cost."""

from __future__ import annotations

from collections.abc import Iterator

from qmath_cli.runtime.quantizing.advice import Advice, ExpectedCost
from qmath_cli.terminal.tables import columns

_NEIGHBOURS = 5  # standard quantizations that are shown, the nearest in size


def lines(advice: Advice) -> list[str]:
    """The tables. The line that matters most comes last."""
    roles = [("MATRICES", "WEIGHTS", "EXPECTED KLD", "TYPES")]
    for role in sorted(advice.roles, key=lambda one: -one.weights):
        types = ", ".join(f"{count} {name}" for name, count in role.types.items())
        roles.append((role.role, f"{role.weights:.1%}", f"{role.kld:.5f}", types))
    files: list[tuple[str, ...]] = [("FILE", "SIZE", "BITS PER WEIGHT", "EXPECTED KLD")]
    files += [_cells(one) for one in _shown(advice)]
    return [
        *columns(roles, right=frozenset({1, 2})),
        "",
        *columns(files, right=frozenset({1, 2, 3})),
        "",
        f"read: {advice.text}, {advice.positions} predictions for every group of matrices",
    ]


def _shown(advice: Advice) -> Iterator[ExpectedCost]:
    """The advice among its neighbours, by size."""
    near = sorted(advice.standard, key=lambda one: abs(one.size - advice.advised.size))[:_NEIGHBOURS]
    yield from sorted([*near, advice.advised], key=lambda one: one.size)


def _cells(one: ExpectedCost) -> tuple[str, ...]:
    return one.name, f"{one.size / 1e6:,.1f} MB", f"{one.bits:.2f}", f"{one.kld:.5f}"

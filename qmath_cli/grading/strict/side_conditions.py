"""Comparing answers with side conditions, and general solutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmath_cli.grading.strict import regions, renaming
from qmath_cli.grading.strict.kinds import (
    Both,
    Conditioned,
    Member,
    NamedSet,
    Shape,
    Value,
    Words,
)
from qmath_cli.grading.strict.reading.brackets import as_set
from qmath_cli.mathematics.meaning.terms import (
    Symbol,
)

if TYPE_CHECKING:
    from qmath_cli.grading.strict.comparison import Comparer

CONDITION_MISSING = "its condition on one side only"
_INTEGERS = frozenset({"ℤ", "ℤ+", "ℕ", "ℕ+"})


def same_under_conditions(comparison: Comparer, a: Shape, b: Shape) -> bool:
    """Answers with side conditions: parameters may have other names; conditions are compared where both have them."""
    left, right = _unconditioned(a), _unconditioned(b)
    mine, theirs = _parameters(left), _parameters(right)
    before = comparison.integers
    comparison.integers |= frozenset(mine) | frozenset(theirs)
    try:
        return _same_conditioned(comparison, left, right, mine, theirs)
    finally:
        comparison.integers = before


def _unconditioned(shape: Shape) -> Conditioned:
    if not isinstance(shape, Conditioned):
        return Conditioned(shape, ())
    inner = _unconditioned(shape.shape)
    conditions = (one.parts if isinstance(one, Both) else (one,) for one in (*inner.conditions, *shape.conditions))
    return Conditioned(inner.shape, tuple(part for one in conditions for part in one))


def _parameters(shape: Conditioned) -> list[str]:
    """The letters that the conditions say are integers."""
    return [
        one.subject.term.name
        for one in shape.conditions
        if isinstance(one, Member)
        and isinstance(one.subject, Value)
        and isinstance(one.subject.term, Symbol)
        and isinstance(region := as_set(one.region), NamedSet)
        and region.name in _INTEGERS
    ]


def _same_conditioned(comparison: Comparer, a: Conditioned, b: Conditioned, mine: list[str], theirs: list[str]) -> bool:
    if a.conditions and b.conditions:
        if not _same_conditions(comparison, a, b, mine, theirs):
            return False
    elif a.conditions or b.conditions:
        comparison.notes.append(CONDITION_MISSING)
    return any(comparison.same(one, b.shape) for one in renaming.candidates(a, mine, b, theirs))


def _same_conditions(comparison: Comparer, a: Conditioned, b: Conditioned, mine: list[str], theirs: list[str]) -> bool:
    """Whether the conditions that both sides have on the same thing agree."""
    changes = dict(zip(mine, theirs, strict=False)) if len(mine) == len(theirs) == 1 else {}
    for one in a.conditions:
        renamed = renaming.renamed(one, changes)
        for other in b.conditions:
            if _about_same(renamed, other) and not comparison.same(renamed, other):
                return False
    return True


def _about_same(one: Shape, other: Shape) -> bool:
    if isinstance(one, Member) and isinstance(other, Member):
        return one.subject == other.subject
    if isinstance(one, (Words, Member)) or isinstance(other, (Words, Member)):
        return False
    return regions.variable(one) == regions.variable(other) != ""

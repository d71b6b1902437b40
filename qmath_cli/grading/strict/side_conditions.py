"""Comparing answers with side conditions, and general solutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmath_cli.grading.strict import regions, renaming
from qmath_cli.grading.strict.kinds import (
    Both,
    Conditioned,
    Member,
    Named,
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
    shifts = not any(_is_defined_by(one.shape, mine + theirs) for one in (a, b)) and all(
        _all_integers(one) for one in (a, b) if one.conditions
    )
    candidates = renaming.candidates(a, mine, b, theirs, shifts=shifts)
    return any(comparison.same(one, b.shape) for one in candidates)


def _all_integers(shape: Conditioned) -> bool:
    """Whether a parameter runs over all integers."""
    return any(isinstance(one, Member) and as_set(one.region) == NamedSet("ℤ") for one in shape.conditions)


def _is_defined_by(shape: Shape, parameters: list[str]) -> bool:
    """Whether a shape defines a function or sequence of a parameter: `f(n)`, `a_n`."""
    if not isinstance(shape, Named):
        return False
    return shape.parameter in parameters or shape.name.partition("_")[2] in parameters


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
    if isinstance(one, Words) or isinstance(other, Words):
        return False
    named = [isinstance(shape, Member) and isinstance(as_set(shape.region), NamedSet) for shape in (one, other)]
    return _subject(one) == _subject(other) != "" and named[0] is named[1]


def _subject(condition: Shape) -> str:
    """The variable that a condition is about."""
    if isinstance(condition, Member):
        subject = condition.subject
        return subject.term.name if isinstance(subject, Value) and isinstance(subject.term, Symbol) else ""
    return regions.variable(condition)

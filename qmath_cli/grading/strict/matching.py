"""Comparing several things with several: each with each in order, or every one with a partner.

A pair that is undecided does not decide the whole while another one can: it is raised only where the rest agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qmath_cli.grading.strict.kinds import Shape
from qmath_cli.mathematics.meaning.equality import Undecided
from qmath_cli.mathematics.meaning.terms import NotUnderstood

Same = Callable[[Shape, Shape], bool]


def in_order(left: Sequence[Shape], right: Sequence[Shape], same: Same) -> bool:
    """Whether two sequences agree item by item. Raises `Undecided` or `NotUnderstood`."""
    if len(left) != len(right):
        return False
    open_question: Exception | None = None
    for a, b in zip(left, right, strict=True):
        try:
            if not same(a, b):
                return False
        except (Undecided, NotUnderstood) as exc:
            open_question = exc
    if open_question is not None:
        raise open_question
    return True


def one_to_one(left: Sequence[Shape], right: Sequence[Shape], same: Same) -> bool:
    """Whether the items can be paired, each used once. Raises `Undecided` or `NotUnderstood`."""
    if len(left) != len(right):
        return False
    rest = list(right)
    return all(_take_partner(one, rest, same) for one in left)


def as_sets(left: Sequence[Shape], right: Sequence[Shape], same: Same) -> bool:
    """Whether every item has an equal one on the other side. Raises `Undecided` or `NotUnderstood`."""
    return all(_take_partner(one, list(right), same) for one in left) and all(
        _take_partner(one, list(left), lambda a, b: same(b, a)) for one in right
    )


def _take_partner(one: Shape, others: list[Shape], same: Same) -> bool:
    open_question: Exception | None = None
    for k, other in enumerate(others):
        try:
            if same(one, other):
                others.pop(k)
                return True
        except (Undecided, NotUnderstood) as exc:
            open_question = exc
    if open_question is not None:
        raise open_question
    return False

r"""Other names for the letters of a shape: parameters of functions and of general solutions.

A general solution is a set: `2k\pi + c` and `2(k+1)\pi + c` are the same one. So a parameter that runs over the
integers may also be shifted by a few and have the other sign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

from qmath_cli.grading.strict.kinds import Conditioned, Shape
from qmath_cli.grading.strict.reading.letters_in import names_in
from qmath_cli.mathematics.meaning.terms import Constant, Sum, Symbol, Term, negative, number
from qmath_cli.mathematics.meaning.terms import replaced as replaced_in_term

_SHIFTS = (0, 1, -1, 2, -2)
_LETTERS = frozenset("kmntl")

S = TypeVar("S")


def renamed(shape: S, names: Mapping[str, str]) -> S:
    """The shape with variables renamed."""
    return replaced(shape, {Symbol(old): Symbol(new) for old, new in names.items()}) if names else shape


def replaced(shape: S, changes: Mapping[Term, Term]) -> S:
    """The shape with terms replaced in all its leaves; names of what is defined stay."""
    if isinstance(shape, Term):
        return replaced_in_term(shape, dict(changes))  # type: ignore[return-value]
    if isinstance(shape, tuple):
        return tuple(replaced(one, changes) for one in shape)  # type: ignore[return-value]
    if isinstance(shape, Constant) or not is_dataclass(shape) or isinstance(shape, type):
        return shape
    parts = {one.name: replaced(getattr(shape, one.name), changes) for one in fields(shape) if one.init}
    return replace(shape, **parts)


def candidates(a: Conditioned, mine: list[str], b: Conditioned, theirs: list[str], *, shifts: bool) -> Iterator[Shape]:
    """The shape of `a`, and what it is with its parameter named as in `b`.

    With `shifts` the parameter runs over all integers on both sides: it may be shifted and have the other sign.
    """
    yield a.shape
    names = _pair(a, mine, b, theirs)
    if names is None:
        return
    old, new = names
    yield replaced(a.shape, {Symbol(old): Symbol(new)})
    if not shifts:
        return
    for sign in (1, -1):
        for shift in _SHIFTS:
            parameter: Term = Symbol(new) if sign > 0 else negative(Symbol(new))
            yield replaced(a.shape, {Symbol(old): Sum((parameter, number(shift)))})


def _pair(a: Conditioned, mine: list[str], b: Conditioned, theirs: list[str]) -> tuple[str, str] | None:
    """The parameters of both sides; one side may not declare its own."""
    left = mine or sorted(names_in(a.shape) & _LETTERS)
    right = theirs or sorted(names_in(b.shape) & _LETTERS)
    return (left[0], right[0]) if len(left) == len(right) == 1 and (mine or theirs) else None

"""Comparing equations and inequalities: up to a factor, in either direction, and named values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmath_cli.grading.strict import renaming
from qmath_cli.grading.strict.kinds import (
    Named,
    Relation,
    Shape,
    Value,
)
from qmath_cli.grading.strict.reading.letters_in import names_in
from qmath_cli.mathematics.meaning import points
from qmath_cli.mathematics.meaning.terms import Matrix, Number, Power, Term, difference, symbols, walk

if TYPE_CHECKING:
    from qmath_cli.grading.strict.comparison import Comparer


def same_relations(comparison: Comparer, a: Shape, b: Shape) -> bool:
    """Equations up to a factor, `a < b` and `b > a`, named values; other kinds differ."""
    if isinstance(a, Named) and isinstance(b, Named):
        return _same_named(comparison, a, b)
    left, right = _as_relation(a), _as_relation(b)
    if left is None or right is None:
        return False
    if len(left.terms) != 2 or len(right.terms) != 2:
        return _same_chain(comparison, left, right)
    return _same_pair(comparison, left, right)


def _same_named(comparison: Comparer, a: Named, b: Named) -> bool:  # noqa: PLR0911  one line for each kind of name
    if a.parameter and b.parameter and a.name != b.name and not _occur(a, b):
        return False
    if a.parameter and b.parameter:
        if a.name.partition("(")[0] != b.name.partition("(")[0]:
            return False
        return comparison.same(renaming.renamed(a.value, {a.parameter: b.parameter}), b.value)
    index = _indices(a.name, b.name)
    if index is not None:
        return comparison.same(renaming.renamed(a.value, index), b.value)
    if a.name == b.name or _one_name(a, b):
        return comparison.same(a.value, b.value)
    left, right = _as_relation(a), _as_relation(b)
    if left is None or right is None or any(name.endswith("()") for one in (left, right) for name in _letters(one)):
        return False
    return not (a.parameter or b.parameter) and _same_pair(comparison, left, right)


def _occur(a: Named, b: Named) -> bool:
    """Whether the parameters of two functions stand for any value: `f(x) = 2x`, and not `P(A) = 0.5`."""
    return all(one.parameter in names_in(one.value) for one in (a, b))


def _letters(relation: Relation) -> frozenset[str]:
    return frozenset[str]().union(*(symbols(term) for term in relation.terms))


def _indices(mine: str, theirs: str) -> dict[str, str] | None:
    """The letter of a sequence's index in both names, `a_k` and `a_n`; None for other names."""
    heads = [name.partition("_") for name in (mine, theirs)]
    letters = [index for _, _, index in heads]
    if heads[0][0] != heads[1][0] or letters[0] == letters[1] or not set(letters) <= set("nkmij"):
        return None
    return {letters[0]: letters[1]}


def _one_name(a: Named, b: Named) -> bool:
    """Whether two names mean one thing: `AB` and `BA`, `y` and `f(x)`, `S` and `S_{ABC}`."""
    if a.term is not None and b.term is not None and not a.parameter and not b.parameter:
        products = all(len(one.name) == 2 and one.name.isupper() for one in (a, b))
        if products and sorted(a.name) == sorted(b.name):
            return True
    if bool(a.parameter) is not bool(b.parameter):
        plain, function = (b, a) if a.parameter else (a, b)
        head = function.name.partition("(")[0]
        return (plain.name == "y" and head in {"f", "g", "h", "F", "y"}) or plain.name == head
    heads = [one.name.partition("_")[0] for one in (a, b)]
    return heads[0] == heads[1] and any(one.name == head for one, head in zip((a, b), heads, strict=True))


def _as_relation(shape: Shape) -> Relation | None:
    if isinstance(shape, Named) and shape.term is not None and isinstance(shape.value, Value):
        if any(isinstance(one, Matrix) for one in walk(shape.value.term)):
            return None
        return Relation((shape.term, shape.value.term), ("=",))
    return shape if isinstance(shape, Relation) else None


def _same_pair(comparison: Comparer, a: Relation, b: Relation) -> bool:
    signs = {a.signs[0], b.signs[0]}
    if not signs <= {"<", "<=", ">", ">=", "=", "!="}:
        orders = [b.terms, b.terms[::-1]] if signs <= {"∥", "⊥", "≅", "∼"} else [b.terms]
        same = (all(comparison.equal(x, y) for x, y in zip(a.terms, terms, strict=True)) for terms in orders)
        return len(signs) == 1 and any(same)
    left, right = _difference(a), _difference(b)
    if left[0] != right[0]:
        return False
    positive = left[0] not in {"=", "!="}
    if points.proportional(left[1], right[1], positive=positive, integers=comparison.integers):
        return True
    return not positive and _cleared(comparison, a, b)


def _cleared(comparison: Comparer, a: Relation, b: Relation) -> bool:
    """Whether `y = c/x` is `xy = c`: equal numerators of the two differences over one denominator."""
    sides = [_difference(one)[1] for one in (a, b)]
    if not any(_divides_by_variable(side) for side in sides):
        return False
    from qmath_cli.mathematics.meaning.algebra import numerator

    left, right = (numerator(side) for side in sides)
    return points.proportional(left, right, positive=False, integers=comparison.integers)


def _divides_by_variable(term: Term) -> bool:
    return any(
        isinstance(one, Power) and isinstance(one.exponent, Number) and one.exponent.value < 0 and symbols(one.base)
        for one in walk(term)
    )


def _difference(relation: Relation) -> tuple[str, Term]:
    """The sign, turned to `<`, `<=`, `=` or `!=`, and left side minus right side."""
    lower, upper = relation.terms
    sign = relation.signs[0]
    return (sign.replace(">", "<"), difference(upper, lower)) if sign[0] == ">" else (sign, difference(lower, upper))


def _same_chain(comparison: Comparer, a: Relation, b: Relation) -> bool:
    """Chains term by term, in either direction."""
    turned = Relation(tuple(reversed(b.terms)), tuple(one.translate(_TURNED) for one in reversed(b.signs)))
    for other in (b, turned):
        if a.signs == other.signs and all(comparison.equal(x, y) for x, y in zip(a.terms, other.terms, strict=True)):
            return True
    return False


_TURNED = str.maketrans("<>", "><")

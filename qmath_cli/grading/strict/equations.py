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
from qmath_cli.mathematics.meaning import equality
from qmath_cli.mathematics.meaning.terms import (
    MINUS_ONE,
    Power,
    Symbol,
    Term,
    difference,
    product,
    symbols,
)

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


def _same_named(comparison: Comparer, a: Named, b: Named) -> bool:
    if a.parameter and b.parameter and a.parameter != b.parameter:
        a = renaming.renamed(a, {a.parameter: b.parameter})
    if a.name == b.name or _one_name(a, b):
        return comparison.same(a.value, b.value)
    left, right = _as_relation(a), _as_relation(b)
    if left is None or right is None:
        return False
    return not (a.parameter or b.parameter) and _same_pair(comparison, left, right)


def _one_name(a: Named, b: Named) -> bool:
    """Whether two names mean one thing: `AB` and `BA`, `y` and `f(x)`, `S` and `S_{ABC}`."""
    if a.term is not None and b.term is not None and not a.parameter and not b.parameter:
        products = all(len(one.name) == 2 and one.name.isupper() for one in (a, b))
        if products and sorted(a.name) == sorted(b.name):
            return True
    if bool(a.parameter) is not bool(b.parameter):
        plain, function = (b, a) if a.parameter else (a, b)
        return plain.name == "y" or plain.name == function.name.partition("(")[0]
    heads = [one.name.partition("_")[0] for one in (a, b)]
    return heads[0] == heads[1] and any(one.name == head for one, head in zip((a, b), heads, strict=True))


def _as_relation(shape: Shape) -> Relation | None:
    if isinstance(shape, Named) and shape.term is not None and isinstance(shape.value, Value):
        return Relation((shape.term, shape.value.term), ("=",))
    return shape if isinstance(shape, Relation) else None


def _same_pair(comparison: Comparer, a: Relation, b: Relation) -> bool:
    signs = {a.signs[0], b.signs[0]}
    if not signs <= {"<", "<=", ">", ">=", "=", "!="}:
        return len(signs) == 1 and all(comparison.equal(x, y) for x, y in zip(a.terms, b.terms, strict=True))
    left, right = _difference(a), _difference(b)
    if left[0] != right[0]:
        return False
    positive = left[0] not in {"=", "!="}
    if equality.proportional(left[1], right[1], positive=positive, integers=comparison.integers):
        return True
    return not positive and _cleared(comparison, a, b)


def _cleared(comparison: Comparer, a: Relation, b: Relation) -> bool:
    """Whether `y = c/x` is `xy = c`: the difference of both sides, multiplied by a variable."""
    names = sorted(symbols(_difference(a)[1]) & symbols(_difference(b)[1]))
    left, right = _difference(a)[1], _difference(b)[1]
    for name in names:
        for factor in (Symbol(name), Power(Symbol(name), MINUS_ONE)):
            if equality.proportional(product(left, factor), right, positive=False, integers=comparison.integers):
                return True
    return False


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

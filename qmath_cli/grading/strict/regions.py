r"""Sets of real numbers in every notation: intervals, inequalities, unions, set-builders, all numbers but some.

`1 < x \le 3`, `(1, 3]` and `\{x \mid 1 < x \le 3\}` are one set. The ends must agree, also in being open or closed.
`(1, 2)` is read as a point unless the other side can only be a set; then it is an interval.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmath_cli.grading.strict.kinds import (
    Both,
    Bracketed,
    Builder,
    Conditioned,
    Either,
    Items,
    Member,
    Named,
    NamedSet,
    Region,
    Relation,
    Shape,
    Value,
)
from qmath_cli.grading.strict.reading.brackets import as_set
from qmath_cli.mathematics.meaning import algebra, equality
from qmath_cli.mathematics.meaning.terms import Constant, NotUnderstood, Symbol, negative, symbols

_UNKNOWNS = frozenset("xyzt")
_SIGNS = {"<", "<=", ">", ">=", "!="}


def is_region(a: Shape, b: Shape) -> bool:
    """Whether two shapes are compared as sets of numbers: at least one can only be a set, and both can be."""
    return (only_region(a) or only_region(b)) and may_be_region(a) and may_be_region(b)


def only_region(shape: Shape) -> bool:  # noqa: PLR0911  one line for each kind
    """Whether a shape can only be a set of numbers."""
    match shape:
        case Bracketed(opening=opening, closing=closing, items=items):
            values = len(items) == 2 and all(isinstance(one, Value) for one in items)
            return values and (opening == "[" or closing == "]" or any(_is_endless(one) for one in items))
        case Region() | NamedSet():
            return True
        case Builder():
            return opened(shape) is not None
        case Relation():
            return is_inequality(shape)
        case Both(parts=parts):
            return all(only_region(one) or isinstance(one, Named) for one in parts) and any(map(only_region, parts))
        case Either(parts=parts):
            return all(only_region(one) or isinstance(one, Named) for one in parts) and any(map(only_region, parts))
        case Member(region=region):
            return may_be_region(as_set(region))
    return False


def may_be_region(shape: Shape) -> bool:
    """Whether a shape can be read as a set of numbers."""
    if isinstance(shape, Items):
        intervals = all(only_region(one) or _is_pair(one) for one in shape.items)
        return (shape.braces and not any(_is_pair(one) for one in shape.items)) or (intervals and len(shape.items) > 1)
    return only_region(shape) or _is_pair(shape)


def variable(shape: Shape) -> str:
    """The variable that an inequality is about; empty where there is none, or a set hides it."""
    match shape:
        case Relation(terms=terms):
            at = isolated(shape)
            alone = terms[at] if at is not None else None
            names = frozenset[str]().union(*(symbols(term) for term in terms))
            return alone.name if isinstance(alone, Symbol) else next(iter(names)) if len(names) == 1 else ""
        case Both(parts=parts) | Either(parts=parts):
            return variable(parts[0])
    return ""


def isolated(relation: Relation) -> int | None:
    """Where the variable of an inequality stands alone, bounded by the other terms; None where it does not."""
    places = [
        k
        for k, term in enumerate(relation.terms)
        if isinstance(term, Symbol)
        and not any(term.name in symbols(other) for j, other in enumerate(relation.terms) if j != k)
    ]
    if len(relation.terms) == 3 and 1 in places:
        return 1
    usual = [k for k in places if isinstance(term := relation.terms[k], Symbol) and term.name in _UNKNOWNS]
    return usual[0] if usual else places[0] if places else None


def is_inequality(relation: Relation) -> bool:
    """Whether a relation is an inequality, or a chain of them, in one variable."""
    if not set(relation.signs) <= _SIGNS:
        return False
    names = frozenset[str]().union(*(symbols(term) for term in relation.terms))
    others = len(names) == 1 or (isolated(relation) is not None and _is_bounded(relation))
    return others and not any(name.endswith("()") for name in names)


def _is_bounded(relation: Relation) -> bool:
    """Whether the bounds of an isolated variable are letters that no unknown is called by."""
    at = isolated(relation)
    bounds = (term for k, term in enumerate(relation.terms) if k != at)
    return not any(symbols(term) & _UNKNOWNS for term in bounds)


def as_interval(shape: Shape) -> Shape:
    """An inequality with an isolated variable as the interval between its bounds; any other shape unchanged."""
    if not isinstance(shape, Relation) or len(shape.terms) > 3 or "!=" in shape.signs:
        return shape
    at = isolated(shape)
    if at is None or (len(shape.terms) == 3 and (at != 1 or len({sign[0] for sign in shape.signs}) > 1)):
        return shape
    low: tuple[Shape, str] = (Value(negative(Constant.INFINITY)), "<")
    high: tuple[Shape, str] = (Value(Constant.INFINITY), "<")
    for k, sign in enumerate(shape.signs):
        bound = shape.terms[k + 1] if k == at else shape.terms[k]
        if (sign[0] == "<") is (k == at):
            high = (Value(bound), sign)
        else:
            low = (Value(bound), sign)
    return Bracketed("[" if low[1].endswith("=") else "(", (low[0], high[0]), "]" if high[1].endswith("=") else ")")


def opened(builder: Builder) -> Shape | None:
    """A set-builder as what its conditions say about the member; None where the member is no variable."""
    if not isinstance(builder.member, Value) or not isinstance(builder.member.term, Symbol):
        return None
    name = builder.member.term.name
    parts: list[Shape] = []
    for one in builder.conditions:
        if isinstance(one, Named) and one.name == name:
            parts.append(one.value if isinstance(one.value, Items) else Items((one.value,), braces=True))
        elif isinstance(one, Member) and one.subject != builder.member:
            return None
        elif isinstance(one, Relation) and one.signs == ("=",) and variable(one) == name:
            parts.append(Region("=", (one,)))
        elif isinstance(one, Member):
            parts.append(as_set(one.region))
        else:
            parts.append(one)
    if not all(may_be_region(one) for one in parts):
        return None
    return parts[0] if len(parts) == 1 else Region("∩", tuple(parts))


def same(a: Shape, b: Shape, same_end: Callable[[Shape, Shape], bool]) -> bool:
    """Whether two regions are the same set. Raises `NotUnderstood`.

    Args:
        a: A region.
        b: Another one.
        same_end: Whether two ends of intervals are equal, where they may contain variables.
    """
    a, b = as_interval(a), as_interval(b)
    if isinstance(a, Bracketed) and isinstance(b, Bracketed):
        brackets = (a.opening, a.closing) == (b.opening, b.closing)
        return brackets and all(same_end(x, y) for x, y in zip(a.items, b.items, strict=True))
    if isinstance(a, NamedSet) and isinstance(b, NamedSet):
        return a.name.replace("ℤ+", "ℕ+") == b.name.replace("ℤ+", "ℕ+")
    try:
        return _same_sets(as_sympy(a), as_sympy(b))
    except (TypeError, ValueError, NotImplementedError) as exc:  # sympy's refusals of sets that are not of real numbers
        raise NotUnderstood("sets that cannot be compared") from exc


def _same_sets(left: Any, right: Any) -> bool:  # noqa: ANN401  sympy sets
    if left == right:
        return True
    difference = left.symmetric_difference(right)
    if difference.is_empty is None:
        difference = difference.simplify() if hasattr(difference, "simplify") else difference
    if difference.is_empty is None:
        raise NotUnderstood("sets that cannot be compared")
    return bool(difference.is_empty)


def _is_pair(shape: Shape) -> bool:
    return isinstance(shape, Bracketed) and len(shape.items) == 2


def _is_endless(shape: Shape) -> bool:
    return isinstance(shape, Value) and equality.endless(shape.term) != 0


# ---------------------------------------------------------------- as sympy sets


def as_sympy(shape: Shape) -> Any:  # noqa: ANN401, C901, PLR0911  a sympy set; one line for each kind
    """The sympy set that a region is. Raises `NotUnderstood`."""
    import sympy

    match shape:
        case NamedSet(name=name):
            return _named_set(name)
        case Bracketed(items=(low, high)):
            return sympy.Interval(_end(low), _end(high), shape.opening == "(", shape.closing == ")")
        case Items(items=items, braces=True):
            return sympy.FiniteSet(*(_end(one) for one in items))
        case Items(items=parts) | Either(parts=parts) | Region(operator="∪", parts=parts):
            return sympy.Union(*(as_sympy(one) for one in parts))
        case Both(parts=parts) | Region(operator="∩", parts=parts):
            return sympy.Intersection(*(as_sympy(one) for one in parts))
        case Region(parts=(whole, *taken)):
            return sympy.Complement(as_sympy(whole), sympy.Union(*(as_sympy(one) for one in taken)))
        case Region(operator="=", parts=(Relation() as relation,)) | (Relation() as relation):
            return _solved(relation)
        case Member(region=region):
            return as_sympy(as_set(region))
        case Named(value=Value() as value) | (Value() as value):
            return sympy.FiniteSet(_end(value))
        case Conditioned(shape=inner):
            return as_sympy(inner)
        case Builder():
            known = opened(shape)
            if known is not None:
                return as_sympy(known)
    raise NotUnderstood("a set of numbers that is not understood")


def _named_set(name: str) -> Any:  # noqa: ANN401
    import sympy

    s, oo = sympy.S, sympy.oo
    sets = {
        "ℝ": s.Reals,
        "ℝ+": sympy.Interval.open(0, oo),
        "ℝ-": sympy.Interval.open(-oo, 0),
        "ℤ": s.Integers,
        "ℤ+": s.Naturals,
        "ℕ": s.Naturals0,
        "ℕ+": s.Naturals,
        "ℚ": s.Rationals,
        "ℂ": s.Complexes,
    }
    if name not in sets:
        raise NotUnderstood(f"the set {name}")
    return sets[name]


def _end(shape: Shape) -> Any:  # noqa: ANN401
    if not isinstance(shape, Value):
        raise NotUnderstood("an end of an interval that is no number")
    return algebra.as_sympy(shape.term, real=True)


def _solved(relation: Relation) -> Any:  # noqa: ANN401
    """The set that an inequality chain in one variable defines: the intersection of its links."""
    import sympy

    at = isolated(relation)
    found = sympy.S.Reals
    for k, sign in enumerate(relation.signs):
        left, right = relation.terms[k], relation.terms[k + 1]
        if at == k:
            found &= _half(sign, algebra.as_sympy(right, real=True))
        elif at == k + 1:
            found &= _half(sign.translate(str.maketrans("<>", "><")), algebra.as_sympy(left, real=True))
        elif symbols(left) | symbols(right):
            found &= algebra.solved(left, sign, right, next(iter(symbols(left) | symbols(right))))
    return found


def _half(sign: str, bound: Any) -> Any:  # noqa: ANN401
    """The numbers x with `x sign bound`."""
    import sympy

    if sign == "!=":
        return sympy.S.Reals - sympy.FiniteSet(bound)
    if sign.startswith("<"):
        return sympy.Interval(-sympy.oo, bound, left_open=True, right_open=sign == "<")
    return sympy.Interval(bound, sympy.oo, left_open=sign == ">", right_open=True)

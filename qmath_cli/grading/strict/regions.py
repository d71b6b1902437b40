r"""Sets of real numbers in every notation: intervals, inequalities, unions, all numbers but some.

`1 < x \le 3`, `(1, 3]` and `\{x \mid 1 < x \le 3\}` are one set. The ends must agree, also in being open or closed.
`(1, 2)` is read as a point unless the other side can only be a set; then it is an interval.
"""

from __future__ import annotations

import re
from typing import Any

from qmath_cli.grading.strict import algebra
from qmath_cli.grading.strict.algebra import Unreadable
from qmath_cli.grading.strict.kinds import REALS, Bracketed, Listing, Relation, Shape, Union, Value

_VARIABLE = re.compile(r"\\?[a-zA-Z]+(?:_\{?\w+\}?)?")
_SIGNS = {"<", "<=", ">", ">=", "!="}


def is_region(a: Shape, b: Shape) -> bool:
    """Whether two shapes are compared as sets of numbers: at least one can only be a set, and both can be."""
    return (_only_region(a) or _only_region(b)) and _may_be_region(a) and _may_be_region(b)


def same(a: Shape, b: Shape) -> bool:
    """Whether two regions are the same set. Raises `Unreadable`."""
    left, right = _region(a), _region(b)
    if left == right:
        return True
    difference = left.symmetric_difference(right)
    if difference.is_empty is None:
        raise Unreadable("cannot compare these sets")
    return bool(difference.is_empty)


def _only_region(shape: Shape) -> bool:
    if isinstance(shape, Bracketed):
        mixed = shape.opening == "[" or shape.closing == "]"
        endless = any(isinstance(item, Value) and r"\infty" in item.tex for item in shape.items)
        return len(shape.items) == 2 and (mixed or endless)
    return isinstance(shape, Union) or _is_inequality(shape)


def _may_be_region(shape: Shape) -> bool:
    if isinstance(shape, Listing):
        return shape.braces or all(_only_region(item) for item in shape.items)
    return _only_region(shape) or (isinstance(shape, Bracketed) and len(shape.items) == 2)


def _is_inequality(shape: Shape) -> bool:
    """Whether a shape is an inequality, or a chain of them, with exactly one term that is a variable."""
    if not isinstance(shape, Relation) or not set(shape.signs) <= _SIGNS:
        return False
    return sum(_VARIABLE.fullmatch(term) is not None and term not in {r"\pi", "e"} for term in shape.terms) == 1


def _region(shape: Shape) -> Any:  # noqa: ANN401  a sympy set
    import sympy

    if shape == REALS:
        return sympy.S.Reals
    if isinstance(shape, Union):
        return sympy.Union(*(_region(part) for part in shape.parts))
    if isinstance(shape, Relation):
        return _solved(shape)
    if isinstance(shape, Bracketed):
        low, high = (_end(item) for item in shape.items)
        return sympy.Interval(low, high, shape.opening == "(", shape.closing == ")")
    if isinstance(shape, Listing) and all(isinstance(item, Value) for item in shape.items):
        return sympy.FiniteSet(*(_end(item) for item in shape.items))
    if isinstance(shape, Listing):
        return sympy.Intersection(*(_region(item) for item in shape.items))
    raise Unreadable("not a set of numbers")


def _end(item: Shape) -> Any:  # noqa: ANN401
    import sympy

    if not isinstance(item, Value):
        raise Unreadable("an end that is not a number")
    found = algebra.parse(re.sub(r"\+\s*\\infty", r"\\infty", item.tex))
    return found.xreplace({one: sympy.Symbol(one.name, real=True) for one in found.free_symbols})


def _solved(relation: Relation) -> Any:  # noqa: ANN401
    """The set that an inequality chain in one variable defines: the intersection of the links with the variable."""
    import sympy

    at = next(k for k, term in enumerate(relation.terms) if _VARIABLE.fullmatch(term) and term not in {r"\pi", "e"})
    found = sympy.S.Reals
    for k, sign in enumerate(relation.signs):
        if k == at:
            found &= _half(sign, _end(Value(relation.terms[k + 1])))
        elif k + 1 == at:
            found &= _half(sign.translate(str.maketrans("<>", "><")), _end(Value(relation.terms[k])))
    return found


def _half(sign: str, bound: Any) -> Any:  # noqa: ANN401
    """The numbers x with `x sign bound`."""
    import sympy

    if sign == "!=":
        return sympy.S.Reals - sympy.FiniteSet(bound)
    if sign.startswith("<"):
        return sympy.Interval(-sympy.oo, bound, left_open=True, right_open=sign == "<")
    return sympy.Interval(bound, sympy.oo, left_open=sign == ">", right_open=True)

r"""The strict comparison of two answers.

Both answers are cleaned (`text`), parsed to a shape (`shape`) and compared part by part; the algebra is math-verify's
parser and sympy (`algebra`). Accepted: sets and roots in any order, points and intervals part by part, another unit of
the same quantity or none, `x=5` for `5`, a percentage for its fraction, a number that rounds to an expected decimal.
Not accepted: a rounded value where an exact one is expected, other brackets, other dimensions.

The verdict is `undecided`, with the reason, if an answer cannot be read. Equal values at several points, to 20 digits,
count as equal expressions; this is no proof. May take any time and memory: it runs in `child` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from qmath_cli.grading.strict import algebra, regions
from qmath_cli.grading.strict.algebra import Unreadable
from qmath_cli.grading.strict.kinds import (
    Bracketed,
    Clock,
    Listing,
    Matrix,
    Ordered,
    Relation,
    Shape,
    Value,
    Words,
)
from qmath_cli.grading.strict.shape import read, read_tight_list
from qmath_cli.grading.strict.text import clean
from qmath_cli.grading.strict.units import NONE
from qmath_cli.grading.strict.words import letters, same_words
from qmath_cli.records import Mark, Verdict


def compare(answer: str, reference: str) -> Verdict:
    """Compare two answers under the strict rules.

    Args:
        answer: The answer, as written.
        reference: The expected answer, as written.

    Returns:
        The verdict; its rule names the kind of the expected answer.
    """
    ours, theirs = clean(answer), clean(reference)
    if not ours or not theirs:
        return _verdict(same=ours == theirs, rule="empty")
    if ours == theirs:
        return Verdict(Mark.CORRECT, "same text")
    expected_letters = letters(theirs)
    if expected_letters:
        return _verdict(same=letters(ours, lenient=True) == expected_letters, rule="choice")
    a, b = read(ours), read(theirs)
    if isinstance(b, (Listing, Ordered)):
        a = read_tight_list(ours) or a
    elif isinstance(a, (Listing, Ordered)):
        b = read_tight_list(theirs) or b
    try:
        return _verdict(same=same(a, b), rule=type(b).__name__.lower())
    except Unreadable as exc:
        return Verdict(Mark.UNDECIDED, type(b).__name__.lower(), str(exc))


def same(a: Shape, b: Shape) -> bool:
    """Whether shape `a` is accepted for the expected shape `b`. Raises `Unreadable`."""
    if a == b:
        return True
    if isinstance(a, Words) or isinstance(b, Words):
        return isinstance(a, Words) and isinstance(b, Words) and same_words(a.text, b.text)
    a, b = _plain(a, b), _plain(b, a)
    if regions.is_region(a, b):
        return regions.same(a, b)
    for kind, test in _TESTS:
        if isinstance(a, kind) or isinstance(b, kind):
            return test(a, b)
    return _same_values(a, b)


def _plain(shape: Shape, other: Shape) -> Shape:
    """`x = 5` and `2 + 3 = 5` as `5`, a list of one as its item, unless the other side has the same kind."""
    if isinstance(shape, Relation) and set(shape.signs) == {"="} and not isinstance(other, Relation):
        return read(shape.terms[-1])
    if isinstance(shape, Listing) and len(shape.items) == 1 and not isinstance(other, Listing):
        return shape.items[0]
    return shape


def _clocks(a: Shape, b: Shape) -> bool:
    """Times of day; one side may lack a.m. or p.m."""
    times = [_time(one) for one in (a, b)]
    halves = {one.half for one in (a, b) if isinstance(one, Clock)} - {""}
    return times[0] == times[1] is not None and len(halves) < 2


def _time(shape: Shape) -> tuple[str, ...] | None:
    if isinstance(shape, Clock):
        return (str(shape.hour), f"{shape.minute:02}")
    return tuple(_ratio(shape)) if isinstance(shape, Ordered) and shape.ratio else None


def _listings(a: Shape, b: Shape) -> bool:
    """Every item has a partner; multiplicity counts unless one side is in braces."""
    left = a.items if isinstance(a, Listing) else (a,)
    right = b.items if isinstance(b, Listing) else (b,)
    if isinstance(a, (Bracketed, Matrix, Ordered)) or isinstance(b, (Bracketed, Matrix, Ordered)):
        return _point_as_list(a, b)
    if any(isinstance(one, Listing) and one.braces for one in (a, b)):
        return all(any(same(x, y) for y in right) for x in left) and all(any(same(x, y) for x in left) for y in right)
    return len(left) == len(right) and _matched(left, list(right))


def _point_as_list(a: Shape, b: Shape) -> bool:
    """`2, 3` for the blanks `2; 3`, in order; but a set is not a point."""
    if not isinstance(a, (Listing, Ordered)) or not isinstance(b, (Listing, Ordered)):
        return False
    in_braces = any(isinstance(one, Listing) and one.braces for one in (a, b))
    return not in_braces and _each(a.items, b.items)


def _matched(left: Sequence[Shape], right: list[Shape]) -> bool:
    for one in left:
        found = next((k for k, other in enumerate(right) if same(one, other)), None)
        if found is None:
            return False
        right.pop(found)
    return True


def _each(left: Sequence[Shape], right: Sequence[Shape]) -> bool:
    return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))


def _ordered(a: Shape, b: Shape) -> bool:
    """Blanks one by one; ratios up to a common factor, and `3:4` as three quarters."""
    if not any(isinstance(one, Ordered) and one.ratio for one in (a, b)):
        return isinstance(a, Ordered) and isinstance(b, Ordered) and _each(a.items, b.items)
    left, right = _ratio(a), _ratio(b)
    if len(left) != len(right):
        return False
    first = [algebra.parse(one) for one in left]
    second = [algebra.parse(one) for one in right]
    return all(algebra.equal(x * second[0], y * first[0]) for x, y in zip(first, second, strict=True))


def _ratio(shape: Shape) -> list[str]:
    if isinstance(shape, Value):
        return [shape.tex, "1"]
    items = shape.items if isinstance(shape, Ordered) else ()
    return [item.tex for item in items if isinstance(item, Value)]


def _brackets(a: Shape, b: Shape) -> bool:
    """Points, vectors and intervals; a matrix of one column is a point."""
    left, right = _point_of_column(a), _point_of_column(b)
    if not isinstance(left, Bracketed) or not isinstance(right, Bracketed):
        return False
    return (left.opening, left.closing) == (right.opening, right.closing) and _each(left.items, right.items)


def _point_of_column(shape: Shape) -> Shape:
    if isinstance(shape, Matrix) and all(len(row) == 1 for row in shape.rows):
        return Bracketed("(", tuple(row[0] for row in shape.rows), ")")
    return shape


def _matrices(a: Shape, b: Shape) -> bool:
    if isinstance(a, Matrix) and isinstance(b, Matrix):
        return len(a.rows) == len(b.rows) and all(_each(x, y) for x, y in zip(a.rows, b.rows, strict=True))
    return False


def _relations(a: Shape, b: Shape) -> bool:
    """Equations up to a factor; `a < b` and `b > a`."""
    if not isinstance(a, Relation) or not isinstance(b, Relation):
        return False
    if a.signs == b.signs == ("=",) and any(_FUNCTION.fullmatch(one.terms[0]) for one in (a, b)):
        heads = [_HEAD.fullmatch(one.terms[0]) for one in (a, b)]
        return all(heads) and same(read(a.terms[1]), read(b.terms[1]))
    if len(a.terms) != 2 or len(b.terms) != 2:
        raise Unreadable("chained relation without one variable")
    left, right = _difference(a), _difference(b)
    if left[0] != right[0]:
        return False
    return algebra.proportional(left[1], right[1], positive=left[0] not in {"=", "!="})


def _difference(relation: Relation) -> tuple[str, object]:
    """The sign, turned to `<`, `<=`, `=` or `!=`, and left side minus right side."""
    lower, upper = (algebra.parse(term) for term in relation.terms)
    sign = relation.signs[0]
    return (sign.replace(">", "<"), upper - lower) if sign.startswith(">") else (sign, lower - upper)


def _same_values(a: Shape, b: Shape) -> bool:
    """Values with units; either side may lack its unit, and degrees may be given as radians."""
    if not isinstance(a, Value) or not isinstance(b, Value):
        raise Unreadable("cannot compare a set of numbers with an expression")
    if a.unit.dimension and b.unit.dimension and a.unit.dimension != b.unit.dimension:
        return False
    left, right = algebra.parse(a.tex), algebra.parse(b.tex)
    if a.unit != b.unit and a.unit.dimension == b.unit.dimension != "":
        return algebra.equal(left * _exact(a), right * _exact(b))
    if algebra.equal(left, right):
        return True
    if not algebra.is_decimal(a.tex) and algebra.rounds_to(left, b.tex):
        return True
    return _converted(a, b, left, right)


def _converted(a: Value, b: Value, left: object, right: object) -> bool:
    """`50%` for `0.5`, `90` degrees for `pi/2`: the unit is on one side only."""
    import sympy

    factors = {"percent": sympy.Rational(1, 100), "angle": sympy.pi / 180}
    if a.unit != NONE and b.unit == NONE and a.unit.dimension in factors:
        return algebra.equal(left * factors[a.unit.dimension], right)
    if b.unit != NONE and a.unit == NONE and b.unit.dimension in factors:
        return algebra.equal(left, right * factors[b.unit.dimension])
    return False


def _exact(value: Value) -> object:
    import sympy

    return sympy.Rational(value.unit.factor.numerator, value.unit.factor.denominator)


def _verdict(*, same: bool, rule: str) -> Verdict:
    return Verdict(Mark.CORRECT if same else Mark.WRONG, rule)


_FUNCTION = re.compile(r"[a-zA-Z]\w*'*\s*\([a-z]\)")  # f(x)
_HEAD = re.compile(r"[a-zA-Z]\w*'*(?:\s*\([a-z]\))?")  # f(x), or y
_TESTS: tuple[tuple[type, Callable[[Shape, Shape], bool]], ...] = (
    (Clock, _clocks),
    (Listing, _listings),
    (Ordered, _ordered),
    (Bracketed, _brackets),
    (Matrix, _matrices),
    (Relation, _relations),
)

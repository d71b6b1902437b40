"""The comparison of two shapes, kind by kind.

Accepted: sets and roots in any order, points and intervals part by part, another unit of the same quantity or none,
`x=5` for `5`, the values of several names for a point, a side condition that one side lacks. A relation equals a value
only where its left side is a name. Shapes of different kinds that are both understood are different.
"""

from __future__ import annotations

from collections.abc import Callable

from qmath_cli.grading.strict import equations, pieces, regions, side_conditions, statements
from qmath_cli.grading.strict.kinds import (
    Blanks,
    Both,
    Bracketed,
    Builder,
    Conditioned,
    Congruence,
    Either,
    Items,
    Member,
    Named,
    NamedSet,
    Piecewise,
    Ratio,
    Region,
    Relation,
    Shape,
    Value,
    Words,
)
from qmath_cli.grading.strict.matching import as_sets, in_order, one_to_one
from qmath_cli.grading.strict.reading import program_output
from qmath_cli.grading.strict.reading.brackets import as_set
from qmath_cli.grading.strict.values import Values
from qmath_cli.grading.strict.words import same_words
from qmath_cli.mathematics.meaning import equality, matrices
from qmath_cli.mathematics.meaning.terms import ONE, Apply, Matrix, Term, product, symbols

_CHOICES = {"C": "binomial", "P": "permutations"}


class Comparer:
    """Compares shapes; `notes` says afterwards what was forgiven.

    Args:
        exact: Whether rounded values are refused.
    """

    def __init__(self, *, exact: bool = False) -> None:
        self.exact = exact
        self.notes: list[str] = []
        self.integers: frozenset[str] = frozenset()

    def same(self, a: Shape, b: Shape) -> bool:
        """Whether shape `a` is accepted for the expected shape `b`. Raises `Undecided` or `NotUnderstood`."""
        before = len(self.notes)
        found = a == b or self._same(a, b)
        if not found:
            del self.notes[before:]
        return found

    def equal(self, left: Term, right: Term) -> bool:
        """Whether two terms are equal."""
        return equality.equal(left, right, self.integers)

    def _same(self, a: Shape, b: Shape) -> bool:
        if isinstance(a, Conditioned) or isinstance(b, Conditioned):
            return side_conditions.same_under_conditions(self, a, b)
        if isinstance(a, Words) or isinstance(b, Words):
            return isinstance(a, Words) and isinstance(b, Words) and same_words(a.text, b.text)
        a, b = _each_named(a, b), _each_named(b, a)
        a, b = _plain(a, b), _plain(b, a)
        if isinstance(a, NamedSet) or isinstance(b, NamedSet):
            a, b = as_set(a), as_set(b)
        if _is_list(a, b):
            return one_to_one(_items(a), _items(b), self.same)
        statements_of_letters = isinstance(a, Relation) and isinstance(b, Relation) and _several_letters(a)
        members = isinstance(a, Member) and isinstance(b, Member)
        if regions.is_region(a, b) and not members and not statements_of_letters:
            return self._regions(a, b)
        for kinds, test in self._tests():
            if isinstance(a, kinds) or isinstance(b, kinds):
                return test(a, b)
        return isinstance(a, Value) and isinstance(b, Value) and self._values(a, b)

    def _tests(self) -> tuple[tuple[tuple[type, ...], Callable[[Shape, Shape], bool]], ...]:
        """The kinds with their comparisons; the first that one side belongs to decides."""
        return (
            ((Builder,), self._builders),
            ((Member,), self._members),
            ((Both, Either), lambda a, b: statements.same_statements(self, a, b)),
            ((Items,), self._lists),
            ((Blanks,), self._blanks),
            ((Piecewise,), lambda a, b: pieces.same_pieces(self, a, b)),
            ((Named, Relation), lambda a, b: equations.same_relations(self, a, b)),
            ((Congruence,), lambda a, b: pieces.same_residues(self, a, b)),
            ((Ratio,), self._ratios),
            ((Bracketed,), self._brackets),
            ((Region,), lambda _a, _b: False),
        )

    # ------------------------------------------------------------ kinds

    def _values(self, a: Value, b: Value) -> bool:
        return Values(self.notes, exact=self.exact, integers=self.integers).same(a, b)

    def _regions(self, a: Shape, b: Shape) -> bool:
        names = regions.variable(a), regions.variable(b)
        if all(names) and names[0] != names[1]:
            return False
        return regions.same(a, b, self.same)

    def _builders(self, a: Shape, b: Shape) -> bool:
        """Sets of what an expression takes; one side may give the members or the condition alone."""
        inner = [_builder_as_answer(one) if isinstance(one, Builder) else one for one in (a, b)]
        if isinstance(inner[0], Builder) and isinstance(inner[1], Builder):
            return self.same(inner[0].member, inner[1].member) and self.same(
                Both(inner[0].conditions), Both(inner[1].conditions)
            )
        if isinstance(inner[0], Builder) or isinstance(inner[1], Builder):
            return False
        return self.same(inner[0], inner[1])

    def _members(self, a: Shape, b: Shape) -> bool:
        r"""`x\in S` for `S`; two memberships need the same subject."""
        if isinstance(a, Member) and isinstance(b, Member) and not self.same(a.subject, b.subject):
            return False
        left, right = (as_set(one.region) if isinstance(one, Member) else as_set(one) for one in (a, b))
        return self.same(left, right)

    def _lists(self, a: Shape, b: Shape) -> bool:
        """Every item has a partner; multiplicity counts unless one side is in braces."""
        if isinstance(a, (Bracketed, Ratio)) or isinstance(b, (Bracketed, Ratio)):
            return False
        braces = any(isinstance(one, Items) and one.braces for one in (a, b))
        if isinstance(a, Blanks) or isinstance(b, Blanks):
            return not braces and in_order(_items(a), _items(b), self.same)
        return (as_sets if braces else one_to_one)(_items(a), _items(b), self.same)

    def _blanks(self, a: Shape, b: Shape) -> bool:
        return isinstance(a, Blanks) and isinstance(b, Blanks) and in_order(a.items, b.items, self.same)

    def _ratios(self, a: Shape, b: Shape) -> bool:
        """Ratios up to a common factor, and `3:4` as three quarters."""
        left, right = _ratio(a), _ratio(b)
        if len(left) != len(right) or not left:
            return False
        pairs = zip(left, right, strict=True)
        return all(self.equal(product(x, right[0]), product(y, left[0])) for x, y in pairs)

    def _brackets(self, a: Shape, b: Shape) -> bool:
        """Points, vectors and intervals; a matrix of one column is a point."""
        if isinstance(a, Value) is not isinstance(b, Value):
            a, b = _matrix_of_lists(a), _matrix_of_lists(b)
            if isinstance(a, Value) and isinstance(b, Value):
                return self._values(a, b)
        left, right = _point_of_column(a), _point_of_column(b)
        if not isinstance(left, Bracketed) or not isinstance(right, Bracketed):
            return False
        brackets = (left.opening, left.closing) == (right.opening, right.closing)
        return brackets and in_order(left.items, right.items, self.same)


def _each_named(shape: Shape, other: Shape) -> Shape:
    r"""`y=\pm2x` as two equations, beside equations."""
    equations = isinstance(other, Items) and any(isinstance(one, (Relation, Named)) for one in other.items)
    if not equations or not isinstance(shape, Named) or not isinstance(shape.value, Items):
        return shape
    return Items(tuple(Named(shape.name, value, shape.term, shape.parameter) for value in shape.value.items))


def _plain(shape: Shape, other: Shape) -> Shape:
    """`x = 5` as `5`, a list of one as its item, unless the other side has the same kind."""
    if isinstance(shape, Named) and isinstance(other, Value) and (chosen := _choice(shape)) is not None:
        return chosen
    if isinstance(shape, Named) and not isinstance(other, (Named, Relation, Both, Either, Builder)):
        return shape.value
    single = isinstance(shape, (Items, Both, Either)) and len(_items(shape)) == 1
    if single and not isinstance(other, (Items, Both, Either)) and not regions.only_region(other):
        return _items(shape)[0]
    return shape


def _choice(named: Named) -> Value | None:
    """`C(10,3)` beside a number as a binomial coefficient, and not a point C."""
    point = named.value
    if (
        named.name not in _CHOICES
        or named.term is not None
        or not isinstance(point, Bracketed)
        or len(point.items) != 2
    ):
        return None
    terms = tuple(one.term for one in point.items if isinstance(one, Value))
    return Value(Apply(_CHOICES[named.name], terms)) if len(terms) == 2 else None


def _items(shape: Shape) -> tuple[Shape, ...]:
    match shape:
        case (
            Items(items=items) | Blanks(items=items) | Bracketed(items=items) | Both(parts=items) | Either(parts=items)
        ):
            return items
    return (shape,)


def _is_list(a: Shape, b: Shape) -> bool:
    """Whether `a` is a list in square brackets, as Python prints it, and `b` one without brackets."""
    square = isinstance(a, Bracketed) and a.opening == "[" and a.closing == "]"
    return square and isinstance(b, Items) and not b.braces


def _builder_as_answer(builder: Builder) -> Shape:
    r"""`\{x|x=2k, k\in\mathbb{Z}\}` as `2k` with its condition, where the member is a variable."""
    known = regions.opened(builder)
    if known is not None:
        return known
    first = builder.conditions[0]
    if isinstance(first, Named) and isinstance(builder.member, Value) and first.term == builder.member.term:
        return Conditioned(first.value, builder.conditions[1:]) if builder.conditions[1:] else first.value
    if isinstance(builder.member, Value) and all(isinstance(one, Member) for one in builder.conditions):
        return Conditioned(builder.member, builder.conditions)
    return builder


def _ratio(shape: Shape) -> tuple[Term, ...]:
    if isinstance(shape, Value):
        return shape.term, ONE
    return shape.terms if isinstance(shape, Ratio) else ()


def _matrix_of_lists(shape: Shape) -> Shape:
    """`[[1, 2], [3, 4]]` as a matrix."""
    rows = isinstance(shape, Bracketed) and all(isinstance(one, Bracketed) for one in shape.items)
    found = program_output.matrix_of(shape) if rows else None
    return shape if found is None else Value(found)


def _several_letters(relation: Relation) -> bool:
    return len(frozenset[str]().union(*(symbols(term) for term in relation.terms))) > 1


def _point_of_column(shape: Shape) -> Shape:
    if isinstance(shape, Value):
        grid = matrices.worked_out(shape.term)
        if isinstance(grid, Matrix) and all(len(row) == 1 for row in grid.rows):
            return Bracketed("(", tuple(Value(row[0]) for row in grid.rows), ")")
    return shape

"""What sympy prints with `str()`: `Matrix([[1, 2], [3, 4]])`, `Interval.open(1, 3)`, `Union(...)`, `Eq(x, 3)`."""

from __future__ import annotations

from qmath_cli.grading.strict.kinds import Both, Bracketed, Either, Items, Named, Region, Relation, Shape, Value
from qmath_cli.grading.strict.reading.lists import Read
from qmath_cli.mathematics.meaning.rows import flat, is_blank, is_sign, split, trimmed
from qmath_cli.mathematics.meaning.terms import Matrix, NotUnderstood, Symbol, Term, quotient
from qmath_cli.mathematics.tree import Fence, Node, Space, Text

_ENDS = {"": "[]", "open": "()", "Lopen": "(]", "Ropen": "[)"}
_NAMES = frozenset({"Matrix", "ImmutableDenseMatrix", "MutableDenseMatrix", "Interval", "Union", "Intersection",
                    "FiniteSet", "Rational", "Eq", "Ne", "Lt", "Le", "Gt", "Ge", "And", "Or", "Integer"})  # fmt: skip
_SIGNS = {"Eq": "=", "Ne": "!=", "Lt": "<", "Le": "<=", "Gt": ">", "Ge": ">="}


def printed(items: list[Node], read: Read) -> Shape | None:
    """The shape of a call that sympy prints; None for anything else. Raises `NotUnderstood`."""
    items = [item for item in items if not isinstance(item, Space) and not is_blank(item)]
    if len(items) < 2 or not isinstance(items[0], Text) or not isinstance(items[-1], Fence) or items[-1].left != "(":
        return None
    name = items[0].text.strip()
    ending = "".join(item.text for item in items[1:-1] if isinstance(item, Text))
    if name not in _NAMES or (ending and ending not in _ENDS) or any(not _is_ending(item) for item in items[1:-1]):
        return None
    parts, _ = split(flat(items[-1].body), lambda node: is_sign(node, ","))
    arguments = [read(trimmed(part)) for part in parts if trimmed(part)]
    return _shape(name, ending, arguments)


def _is_ending(item: Node) -> bool:
    return isinstance(item, Text) or is_sign(item, ".")


def _shape(name: str, ending: str, arguments: list[Shape]) -> Shape:  # noqa: PLR0911  one line for each name
    if name.endswith("Matrix"):
        return Value(_matrix(arguments))
    if name == "Interval":
        ends = _ENDS[ending]
        return Bracketed(ends[0], tuple(arguments[:2]), ends[1])
    if name in {"Union", "Intersection"}:
        return Region("∪" if name == "Union" else "∩", tuple(arguments))
    if name == "FiniteSet":
        return Items(tuple(arguments), braces=True)
    if name in {"And", "Or"}:
        return (Both if name == "And" else Either)(tuple(arguments))
    terms = tuple(_term(one) for one in arguments)
    if name in {"Rational", "Integer"}:
        return Value(quotient(terms[0], terms[1]) if len(terms) == 2 else terms[0])
    if name == "Eq" and isinstance(terms[0], Symbol):
        return Named(terms[0].name, arguments[1], terms[0])
    return Relation(terms, (_SIGNS[name],))


def _matrix(arguments: list[Shape]) -> Matrix:
    """The matrix of nested lists of rows; a flat list is a column."""
    found = matrix_of(arguments[0]) if len(arguments) == 1 else None
    if found is None:
        raise NotUnderstood("a matrix that is no list of rows")
    return found


def matrix_of(shape: Shape) -> Matrix | None:
    """The matrix that a list of rows in square brackets is; None for any other shape."""
    rows = _entries(shape)
    if rows is None:
        return None
    inner = [_entries(row) for row in rows]
    if all(one is None for one in inner):
        return Matrix(tuple((_term(one),) for one in rows))
    if any(one is None for one in inner) or len({len(one or ()) for one in inner}) != 1:
        return None
    return Matrix(tuple(tuple(_term(entry) for entry in one or ()) for one in inner))


def _entries(shape: Shape) -> tuple[Shape, ...] | None:
    """What is between square brackets; also of a list of one, which `read` gives without them."""
    return shape.items if isinstance(shape, Bracketed) and shape.opening == "[" and shape.closing == "]" else None


def _term(shape: Shape) -> Term:
    if not isinstance(shape, Value):
        raise NotUnderstood("an argument that is no expression")
    return shape.term

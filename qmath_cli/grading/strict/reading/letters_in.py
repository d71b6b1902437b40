"""The variables that occur in a shape."""

from __future__ import annotations

from qmath_cli.grading.strict.kinds import (
    Blanks,
    Both,
    Bracketed,
    Builder,
    Conditioned,
    Either,
    Items,
    Member,
    Named,
    Piecewise,
    Ratio,
    Region,
    Relation,
    Shape,
    Value,
)
from qmath_cli.mathematics.meaning.terms import symbols


def names_in(shape: Shape) -> frozenset[str]:  # noqa: PLR0911  one line for each kind
    """The variables that occur in a shape."""
    match shape:
        case Value(term=term):
            return symbols(term)
        case Relation(terms=terms) | Ratio(terms=terms):
            return frozenset[str]().union(*(symbols(term) for term in terms))
        case Named(name=name, value=value, parameter=parameter, term=term):
            own = {name, parameter} | (symbols(term) if term is not None else set())
            return names_in(value) | frozenset(own - {""})
        case (
            Items(items=found) | Blanks(items=found) | Bracketed(items=found) | Both(parts=found) | Either(parts=found)
        ):
            return frozenset[str]().union(*(names_in(one) for one in found))
        case Region(parts=found):
            return frozenset[str]().union(*(names_in(one) for one in found))
        case Conditioned(shape=inner) | Builder(member=inner) | Member(subject=inner):
            return names_in(inner)
        case Piecewise(pieces=pieces):
            return frozenset[str]().union(*(names_in(value) for value, _ in pieces))
    return frozenset()

"""Matrices: sums, multiples, products and transposes of grids worked out as one grid."""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.mathematics.meaning.terms import (
    Apply,
    Matrix,
    NotUnderstood,
    Number,
    Power,
    Product,
    Sum,
    Term,
    product,
    walk,
)

_MOST_POWER = 12


def worked_out(term: Term) -> Term:  # noqa: PLR0911  one line for each kind of term
    """The term as one grid if it is a matrix; any other term unchanged.

    Raises:
        NotUnderstood: Matrices are combined in a way that has no meaning.
    """
    if isinstance(term, Matrix) or not any(isinstance(one, Matrix) for one in walk(term)):
        return term
    match term:
        case Apply(function="transpose", arguments=(inner,)):
            grid = worked_out(inner)
            return Matrix(tuple(zip(*grid.rows, strict=True))) if isinstance(grid, Matrix) else grid
        case Apply():
            return term
        case Sum(terms=terms):
            return _sum([worked_out(one) for one in terms])
        case Product(factors=factors):
            return _product([worked_out(one) for one in factors])
        case Power(base=base, exponent=Number(value=value)) if value.denominator == 1:
            return _power(worked_out(base), int(value))
    return term


def _sum(terms: list[Term]) -> Term:
    grids = [one for one in terms if isinstance(one, Matrix)]
    if len(grids) < len(terms) or len({(len(one.rows), len(one.rows[0])) for one in grids}) > 1:
        raise NotUnderstood("a sum of matrices of different sizes")
    rows = zip(*(one.rows for one in grids), strict=True)
    return Matrix(tuple(tuple(Sum(entries) for entries in zip(*row, strict=True)) for row in rows))


def _product(factors: list[Term]) -> Term:
    scalars = [one for one in factors if not isinstance(one, Matrix)]
    grids = [one for one in factors if isinstance(one, Matrix)]
    found = grids[0]
    for other in grids[1:]:
        if len(found.rows[0]) == len(other.rows[0]) == 1 and len(found.rows) == len(other.rows):
            return _dot_product(found, other, scalars)
        found = _times(found, other)
    if not scalars:
        return found
    return Matrix(tuple(tuple(product(*scalars, entry) for entry in row) for row in found.rows))


def _dot_product(left: Matrix, right: Matrix, scalars: Sequence[Term]) -> Term:
    products = tuple(product(a[0], b[0]) for a, b in zip(left.rows, right.rows, strict=True))
    return product(*scalars, Sum(products))


def _power(base: Term, exponent: int) -> Term:
    """A power of a square matrix, by repeated multiplication; of negative exponent by its inverse."""
    if not isinstance(base, Matrix) or len(base.rows) != len(base.rows[0]) or abs(exponent) > _MOST_POWER:
        raise NotUnderstood("a power of a matrix")
    found = base = base if exponent > 0 else _inverse(base)
    for _ in range(abs(exponent) - 1):
        found = _times(found, base)
    return found


def _inverse(matrix: Matrix) -> Matrix:
    import sympy

    from qmath_cli.mathematics.meaning.algebra import as_sympy, from_sympy

    try:
        found = sympy.Matrix([[as_sympy(entry) for entry in row] for row in matrix.rows]).inv()
    except (ValueError, NotImplementedError) as exc:  # sympy's error for a singular matrix is a ValueError
        raise NotUnderstood("the inverse of a matrix that has none") from exc
    return Matrix(tuple(tuple(from_sympy(entry) for entry in row) for row in found.tolist()))


def _times(left: Matrix, right: Matrix) -> Matrix:
    if len(left.rows[0]) != len(right.rows):
        raise NotUnderstood("a product of matrices of different sizes")
    columns = tuple(zip(*right.rows, strict=True))
    return Matrix(
        tuple(
            tuple(Sum(tuple(product(a, b) for a, b in zip(row, column, strict=True))) for column in columns)
            for row in left.rows
        )
    )

"""Composite quantities: `1 h 30 min`, `5 ft 6 in`, `12元5角`, `1亿2000万` as one value."""

from __future__ import annotations

from fractions import Fraction

from qmath_cli.grading.strict import units
from qmath_cli.grading.strict.kinds import Value
from qmath_cli.grading.strict.units import Unit
from qmath_cli.mathematics.meaning.terms import Sum, Term, number, product


def added(parts: list[tuple[Term, Unit]]) -> Value | None:
    """The sum of quantities in units that become smaller (`1 h 30 min`, `1亿2000万`); None if they do not."""
    parts = _cents(parts)
    sizes = [unit.factor * unit.multiplier for _, unit in parts]
    first = parts[0][1]
    same = all(unit.dimension == first.dimension and not unit.unknown for _, unit in parts[:-1])
    last = parts[-1][1]
    ends = (last.dimension == first.dimension or not first.dimension) and not last.unknown
    decreasing = sizes == sorted(sizes, reverse=True) and len(set(sizes)) == len(sizes)
    if not (same and ends and decreasing) or (not first.is_known and first.multiplier == 1):
        return None
    total = Sum(tuple(product(term, number(size)) for (term, _), size in zip(parts, sizes, strict=True)))
    return Value(total, Unit(last.dimension, noun=last.noun))


def _cents(parts: list[tuple[Term, Unit]]) -> list[tuple[Term, Unit]]:
    """`3元5角2分` and `30度15分`: behind money a `分` is a hundredth, behind degrees a sixtieth, and no minute."""
    minute = units.read("分")
    sizes = {units.read("元").dimension: Fraction(1, 100), units.read("度").dimension: Fraction(1, 60)}
    base = parts[0][1].dimension
    if base not in sizes:
        return parts
    return [(term, Unit(base, sizes[base]) if unit == minute else unit) for term, unit in parts]

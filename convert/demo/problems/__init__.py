"""Every kind of problem the demo checkpoint was trained on, by name."""

from __future__ import annotations

from . import (
    algebra,
    arithmetic,
    bases,
    calculus,
    counting,
    dates,
    matrices,
    number_theory,
    polynomials,
    stories,
)
from .base import Draft, Draw, Language, Step

KINDS: dict[str, Draw] = {
    "integers": arithmetic.integers,
    "decimals": arithmetic.decimals,
    "fractions": arithmetic.fractions,
    "percentages": arithmetic.percentages,
    "powers": arithmetic.powers,
    "radicals": arithmetic.radicals,
    "bases": bases.bases,
    "gcd": number_theory.greatest_divisor,
    "lcm": number_theory.least_multiple,
    "factorisation": number_theory.factorisation,
    "divisor count": number_theory.divisor_count,
    "modular powers": number_theory.modular_powers,
    "congruences": number_theory.congruences,
    "linear equations": algebra.linear,
    "quadratic equations": algebra.quadratic,
    "squares of roots": algebra.root_squares,
    "linear systems": algebra.system,
    "polynomial values": polynomials.evaluation,
    "expansion": polynomials.expansion,
    "factoring": polynomials.factoring,
    "determinants": matrices.determinants,
    "eigenvalues": matrices.eigenvalues,
    "derivatives": calculus.derivatives,
    "slopes": calculus.slopes,
    "integrals": calculus.integrals,
    "series": calculus.series,
    "factorials": counting.factorials,
    "binomials": counting.binomials,
    "permutations": counting.permutations,
    "probability": counting.probability,
    "statistics": counting.statistics,
    "days between": dates.days_between,
    "weekdays": dates.weekdays,
    "shopping": stories.shopping,
    "travel": stories.travel,
    "chickens and rabbits": stories.heads_and_legs,
    "discounts": stories.discounts,
    "sequences": stories.sequences,
    "lengths": stories.figures,
}

__all__ = ["KINDS", "Draft", "Draw", "Language", "Step"]

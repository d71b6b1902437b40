"""Terms as sympy objects and back; what sympy works out: limits and integrals, inequalities.

May take any time and memory: call it only in a process that can be killed. sympy is imported at the first call.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from qmath_cli.mathematics.meaning.terms import (
    FUNCTIONS,
    Apply,
    Bound,
    Constant,
    NotUnderstood,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
    Term,
    symbols,
)

_SYMPY_NAMES = {
    "abs": "Abs", "norm": "Abs", "floor": "floor", "ceil": "ceiling", "factorial": "factorial", "binomial": "binomial",
    "double factorial": "factorial2", "permutations": "ff", "gcd": "gcd", "lcm": "lcm", "max": "Max", "min": "Min",
    "mod": "Mod", "conjugate": "conjugate", "ln": "log", "log": "log", "exp": "exp", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "arccot": "acot", "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh", "sgn": "sign",
}  # fmt: skip
_TERM_NAMES = {"Abs": "abs", "ceiling": "ceil", "factorial2": "double factorial", "Max": "max", "Min": "min",
               "Mod": "mod", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "acot": "arccot",
               "log": "ln"}  # fmt: skip


def as_sympy(term: Term, *, real: bool = False) -> Any:  # noqa: ANN401, PLR0911  sympy has no useful types
    """The sympy expression of a term.

    Args:
        term: Any term but a matrix.
        real: Whether the variables are real numbers.

    Raises:
        NotUnderstood: sympy has no object for it.
    """
    import sympy

    def go(one: Term) -> Any:  # noqa: ANN401
        return as_sympy(one, real=real)

    match term:
        case Number(value=value):
            return sympy.Rational(value.numerator, value.denominator)
        case Constant():
            return _constants()[term]
        case Symbol(name=name):
            return sympy.Symbol(name, real=True) if real else sympy.Symbol(name)
        case Sum(terms=terms):
            return sympy.Add(*(go(one) for one in terms))
        case Product(factors=factors):
            return sympy.Mul(*(go(one) for one in factors))
        case Power(base=base, exponent=exponent):
            return _power(base, go(base), go(exponent))
        case Apply(function=function, arguments=arguments):
            return _function(function)(*(go(one) for one in arguments))
        case Bound():
            return _bound(term, go)
    raise NotUnderstood("a matrix where a number must stand")


def _constants() -> dict[Constant, Any]:
    import sympy

    return {
        Constant.PI: sympy.pi,
        Constant.E: sympy.E,
        Constant.I: sympy.I,
        Constant.INFINITY: sympy.oo,
        Constant.DEGREE: sympy.pi / 180,
    }


def _power(term: Term, base: Any, exponent: Any) -> Any:  # noqa: ANN401
    """A power; an odd root of a negative number is the real one."""
    if exponent.is_Rational and exponent.q % 2 and exponent.q > 1 and not symbols(term) and base.is_real:
        if base.is_negative is None:
            raise NotUnderstood("a root of a number whose sign is not known")
        if base.is_negative:
            return (-1) ** exponent.p * (-base) ** exponent
    if exponent.is_Integer and base.is_Integer and abs(exponent) * abs(base).p.bit_length() > 1_000_000:
        raise NotUnderstood("a power that is too large")
    return base**exponent


def _function(name: str) -> Callable[..., Any]:
    import sympy

    if name not in FUNCTIONS:
        found: Callable[..., Any] = sympy.Function(name)
        return found
    known: Callable[..., Any] | None = getattr(sympy, _SYMPY_NAMES.get(name, name), None)
    return sympy.Function(name) if known is None else known


def _bound(term: Bound, go: Callable[[Term], Any]) -> Any:  # noqa: ANN401
    """The value of a sum, product, integral, limit or derivative."""
    import sympy

    variable = go(Symbol(term.variable))
    body, limits = go(term.body), [go(one) for one in term.limits]
    match term.operator:
        case "sum":
            found = sympy.summation(body, (variable, *limits))
        case "product":
            found = sympy.product(body, (variable, *limits))
        case "integral":
            found = sympy.integrate(body, (variable, *limits) if limits else variable)
        case "limit":
            side = "+-" if limits[1] == 0 else "+" if limits[1] > 0 else "-"
            found = sympy.limit(body, variable, limits[0], side)
        case _:
            found = sympy.diff(body, variable)
    if found.has(sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit, sympy.nan, sympy.AccumBounds):
        raise NotUnderstood(f"the {term.operator} has no closed form")
    return found


def resolved(term: Term) -> Term:
    """The term with its sums, integrals, limits and derivatives worked out. Raises `NotUnderstood`."""
    match term:
        case Bound():
            return from_sympy(as_sympy(term))
        case Sum(terms=terms):
            return Sum(tuple(resolved(one) for one in terms))
        case Product(factors=factors):
            return Product(tuple(resolved(one) for one in factors))
        case Power(base=base, exponent=exponent):
            return Power(resolved(base), resolved(exponent))
        case Apply(function=function, arguments=arguments):
            return Apply(function, tuple(resolved(one) for one in arguments))
    return term


def from_sympy(expression: Any) -> Term:  # noqa: ANN401, PLR0911  one line for each kind
    """The term of a sympy expression. Raises `NotUnderstood` for one that has none."""
    import sympy

    constants = {value: name for name, value in _constants().items() if name is not Constant.DEGREE}
    if expression in constants:
        return constants[expression]
    if expression == -sympy.oo:
        return Product((Number(Fraction(-1)), Constant.INFINITY))
    if expression.is_Rational:
        return Number(Fraction(int(expression.p), int(expression.q)))
    if expression.is_Symbol:
        return Symbol(expression.name)
    parts = tuple(from_sympy(one) for one in expression.args)
    if expression.is_Add:
        return Sum(parts)
    if expression.is_Mul:
        return Product(parts)
    if isinstance(expression, sympy.exp):
        return Power(Constant.E, parts[0])
    if expression.is_Pow:
        return Power(parts[0], parts[1])
    name = type(expression).__name__
    if expression.is_Function and parts:
        return Apply(_TERM_NAMES.get(name, name), parts)
    raise NotUnderstood(f"a {name}")


def numerator(term: Term) -> Term:
    """The numerator of a term over one denominator. Raises `NotUnderstood`."""
    import sympy

    return from_sympy(sympy.numer(sympy.cancel(sympy.together(as_sympy(term)))))


# ---------------------------------------------------------------- inequalities


def solved(left: Term, sign: str, right: Term, variable: str) -> Any:  # noqa: ANN401
    """The real numbers for which a relation in one variable holds, as a sympy set. Raises `NotUnderstood`."""
    import sympy

    relations = {"<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge, "!=": sympy.Ne, "=": sympy.Eq}
    x = sympy.Symbol(variable, real=True)
    relation = relations[sign](as_sympy(left, real=True), as_sympy(right, real=True))
    if relation in {True, False}:
        return sympy.S.Reals if relation == True else sympy.S.EmptySet  # noqa: E712  sympy's own truth
    try:
        if sign == "=":
            return sympy.solveset(relation, x, sympy.S.Reals)
        return sympy.solve_univariate_inequality(relation, x, relational=False)
    except NotImplementedError as exc:
        raise NotUnderstood("an inequality that cannot be solved") from exc

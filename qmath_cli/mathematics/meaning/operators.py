r"""Large operators with what they apply to: sums, products, integrals, limits.

A sum applies to the product behind it, an integral to all up to its differential. `d` is a differential only there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmath_cli.mathematics.meaning.rows import flat, is_relation, is_sign, name_of, name_of_or_none, split
from qmath_cli.mathematics.meaning.terms import Bound, Constant, NotUnderstood, Symbol, Term, number, quotient, replaced
from qmath_cli.mathematics.tree import Atom, Fraction, Role, Row, Script, Text

if TYPE_CHECKING:
    from qmath_cli.mathematics.meaning.expressions import Grammar

_SERIES = {"∑": "sum", "∏": "product"}
NAMES = frozenset({"∑", "∏", "∫", "lim"})


def applied(script: Script, name: str, grammar: Grammar) -> Term:
    """An operator with what it applies to, which comes next in the row. Raises `NotUnderstood`."""
    if name in _SERIES:
        return _series(script, _SERIES[name], grammar)
    if name == "∫":
        return _integral(script, grammar)
    if name == "lim":
        return _limit(script, grammar)
    raise NotUnderstood(f"the operator {name}")


def _series(script: Script, operator: str, grammar: Grammar) -> Term:
    lower = flat(script.sub) if script.sub is not None else []
    (variable, *rest), signs = split(lower, is_relation)
    if len(signs) != 1 or not is_sign(signs[0], "=") or len(variable) != 1 or not rest[0] or script.sup is None:
        raise NotUnderstood(f"a {operator} without its bounds")
    name, first = name_of(variable[0]), grammar.whole(Row(tuple(rest[0])))
    body = grammar.product()
    if name == "i":
        body = replaced(body, {Constant.I: Symbol("i")})
    return Bound(operator, name, body, (first, grammar.whole(script.sup)))


def _integral(script: Script, grammar: Grammar) -> Term:
    end = _end_of_integral(grammar)
    if end is None and (found := _with_fraction(script, grammar)) is not None:
        return found
    if end is None or (script.sub is None) is not (script.sup is None):
        raise NotUnderstood("an integral without its variable or bounds")
    body = grammar.items[grammar.at : end]
    variable = name_of(grammar.items[end + 1])
    grammar.at = end + 2
    limits: tuple[Term, ...] = ()
    if script.sub is not None and script.sup is not None:
        limits = grammar.whole(script.sub), grammar.whole(script.sup)
    return Bound("integral", variable, grammar.whole(Row(tuple(body))) if body else number(1), limits)


def _end_of_integral(grammar: Grammar) -> int | None:
    """Where the differential of this integral stands; those before it belong to integrals inside."""
    inside = 0
    for k in range(grammar.at, len(grammar.items) - 1):
        item = grammar.items[k]
        inside += is_sign(item.base if isinstance(item, Script) else item, "∫")
        if _is_differential(grammar, k):
            if not inside:
                return k
            inside -= 1
    return None


def _with_fraction(script: Script, grammar: Grammar) -> Term | None:
    r"""`\int \frac{dx}{x}`: the differential is in the numerator."""
    item = grammar.peek()
    if not isinstance(item, Fraction):
        return None
    top = flat(item.top)
    if len(top) < 2 or not is_sign(top[-2], "d") or not isinstance(top[-1], Atom):
        return None
    grammar.take()
    rest = grammar.whole(Row(tuple(top[:-2]))) if top[:-2] else number(1)
    limits = (grammar.whole(script.sub), grammar.whole(script.sup)) if script.sub and script.sup else ()
    return Bound("integral", top[-1].text, quotient(rest, grammar.whole(item.bottom)), limits)


def _is_differential(grammar: Grammar, at: int) -> bool:
    sign, variable = grammar.items[at], grammar.items[at + 1]
    is_d = (isinstance(sign, Text) and sign.text.strip() == "d") or is_sign(sign, "d")
    return is_d and isinstance(variable, Atom) and variable.role is Role.ORDINARY and variable.text.isalpha()


def _limit(script: Script, grammar: Grammar) -> Term:
    under = flat(script.sub) if script.sub is not None else []
    (variable, *rest), signs = split(under, is_relation)
    if len(signs) != 1 or not is_sign(signs[0], "→") or len(variable) != 1 or not rest[0]:
        raise NotUnderstood("a limit without its point")
    point, side = rest[0], number(0)
    last = point[-1]
    if isinstance(last, Script) and last.sup is not None and name_of_or_none(last.sup) in {"+", "-"}:
        point, side = [*point[:-1], last.base], number(1 if name_of(last.sup) == "+" else -1)
    return Bound("limit", name_of(variable[0]), grammar.product(), (grammar.whole(Row(tuple(point))), side))

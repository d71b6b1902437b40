r"""Functions with what they apply to; sums, integrals and limits are in `operators`.

A function without brackets takes the factors behind it up to a multiplication sign, another function or a bracket
(`\ln 2\cdot 3` is 3 times ln 2). A number before a bracket with a letter belongs to a trigonometric argument
(`\sin 2(x+1)`), and a quotient of numbers does if it contains pi (`\cos 2\pi/3`). `\sin^{-1}` is the inverse function,
other exponents are powers of the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmath_cli.mathematics.meaning import operators
from qmath_cli.mathematics.meaning.rows import flat, is_sign, name_of, name_of_or_none, split
from qmath_cli.mathematics.meaning.terms import (
    Apply,
    Constant,
    NotUnderstood,
    Number,
    Power,
    Symbol,
    Term,
    negative,
    number,
    product,
    quotient,
    symbols,
    walk,
)
from qmath_cli.mathematics.tree import Atom, Fence, Node, Role, Row, Script, Text

if TYPE_CHECKING:
    from qmath_cli.mathematics.meaning.expressions import Grammar

_TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_OTHERS = "arcsin arccos arctan arccot sinh cosh tanh arsinh arcosh artanh ln log lg exp"
_NAMES = _TRIGONOMETRIC | frozenset(_OTHERS.split())
_LISTS = frozenset({"max", "min", "gcd", "lcm", "binomial", "permutations"})
_LETTERS = frozenset("fgFGH")
_INVERSES = {name: f"arc{name}" for name in ("sin", "cos", "tan", "cot")}


def is_function(item: Node) -> bool:
    """Whether an item applies to what follows it."""
    base = item.base if isinstance(item, Script) else item
    if isinstance(base, Text):
        return base.text.strip() in _NAMES | _LISTS
    return isinstance(base, Atom) and (
        base.role in {Role.FUNCTION, Role.BIG} or (base.text in _LETTERS and base.role is Role.ORDINARY)
    )


def applied(item: Node, grammar: Grammar) -> Term:
    """A function with its argument, which comes next in the row. Raises `NotUnderstood`."""
    script = item if isinstance(item, Script) else Script(item)
    name = name_of(script.base)
    if name in _LETTERS:
        return _letter(script, name, grammar)
    if name in operators.NAMES or (isinstance(script.base, Atom) and script.base.role is Role.BIG):
        return operators.applied(script, name, grammar)
    return _named(script, name, grammar)


def _named(script: Script, name: str, grammar: Grammar) -> Term:
    behind = grammar.peek()
    if isinstance(behind, Script) and isinstance(behind.base, Fence) and behind.base.left == "(" and not behind.sub:
        grammar.items[grammar.at] = behind.base  # `sin(x)^2` is the square of the sine
        value = _named(script, name, grammar)
        return value if behind.sup is None else Power(value, grammar.whole(behind.sup))
    base = _base_of_logarithm(script, name, grammar)
    arguments = _arguments(name, grammar) if base is None else base[1]
    function, power = name, script.sup
    if power is not None and name_of_or_none(power) == "-1" and name in _INVERSES:
        function, power = _INVERSES[name], None
    found = _call(function, script, base, arguments)
    return found if power is None else Power(found, grammar.whole(power))


def _call(name: str, script: Script, base: tuple[Term, tuple[Term, ...]] | None, arguments: tuple[Term, ...]) -> Term:
    """The value of a function with these arguments."""
    if name in {"log", "ln", "lg"} and (base is not None or name == "lg" or len(arguments) == 2):
        bottom = base[0] if base is not None else arguments[1] if len(arguments) == 2 else number(10)
        return quotient(Apply("ln", arguments[:1]), Apply("ln", (bottom,)))
    if name == "exp":
        return Power(Constant.E, arguments[0])
    if name == "cbrt":
        return Power(arguments[0], quotient(number(1), number(3)))
    if script.sub is not None:
        return Apply(f"{name}_{name_of(script.sub)}", arguments)
    return Apply(name, arguments)


def _base_of_logarithm(script: Script, name: str, grammar: Grammar) -> tuple[Term, tuple[Term, ...]] | None:
    r"""Base and argument of `\log_2 8`; also of `\log_28`, where only the first digit is the base."""
    if name not in {"log", "lg", "ln"} or script.sub is None:
        return None
    digits = script.sub.text if isinstance(script.sub, Atom) and script.sub.role is Role.NUMBER else ""
    if len(digits) > 1 and not grammar.begins_operand():
        return number(int(digits[0])), (number(int(digits[1:])),)
    return grammar.whole(script.sub), _arguments(name, grammar)


# ---------------------------------------------------------------- arguments


def _arguments(name: str, grammar: Grammar) -> tuple[Term, ...]:
    """The arguments of a function: in brackets, or the factors behind it."""
    item = grammar.peek()
    if isinstance(item, Fence) and item.left in "([{":
        grammar.take()
        return _listed(item, grammar)
    if name in _LISTS:
        raise NotUnderstood(f"{name} without its arguments")
    return (_juxtaposed(name, grammar),)


def _listed(fence: Fence, grammar: Grammar) -> tuple[Term, ...]:
    parts, _ = split(flat(fence.body), lambda node: is_sign(node, ",", ";"))
    return tuple(grammar.whole(Row(tuple(part))) for part in parts)


def _juxtaposed(name: str, grammar: Grammar) -> Term:
    """The factors that an argument without brackets consists of."""
    minus = grammar.next_is("-")
    if minus:
        grammar.take()
    found = grammar.mixed_number() or grammar.factor()
    while grammar.begins_operand() and not is_function(_known(grammar.peek())):
        if isinstance(grammar.peek(), Text) or (_is_bracket(grammar.peek()) and not _inside(name, found, grammar)):
            break
        found = product(found, grammar.factor())
    if name in _TRIGONOMETRIC and grammar.next_is("/") and _is_angle(found):
        grammar.take()
        found = quotient(found, grammar.factor())
    return negative(found) if minus else found


def _known(item: Node | None) -> Node:
    return Text("") if item is None else item


def _is_bracket(item: Node | None) -> bool:
    base = item.base if isinstance(item, Script) else item
    return isinstance(base, Fence) and base.left in "(["


def _inside(name: str, found: Term, grammar: Grammar) -> bool:
    r"""Whether the next bracket belongs to the argument: in `\sin 2(x+1)` it does."""
    item = grammar.peek()
    if name not in _TRIGONOMETRIC or not isinstance(found, Number) or not isinstance(item, Fence):
        return False
    return bool(symbols(grammar.whole(item.body)))


def _is_angle(term: Term) -> bool:
    return Constant.PI in walk(term) and not symbols(term)


def _letter(script: Script, name: str, grammar: Grammar) -> Term:
    """`f(x)`, `f^{-1}(x)`, `f'(2)`: a function of what is in the brackets; without brackets a letter."""
    item = grammar.peek()
    marks = f"_{name_of(script.sub)}" if script.sub is not None else ""
    if not isinstance(item, Fence) or item.left != "(" or (name != "f" and not _is_simple(item)):
        base: Term = Symbol(name + marks)
        return base if script.sup is None else Power(base, grammar.whole(script.sup))
    grammar.take()
    sup = name_of_or_none(script.sup) if script.sup is not None else ""
    arguments = _listed(item, grammar)
    if sup is not None and (sup in {"", "-1"} or set(sup) == {"′"}):
        return Apply(name + marks + sup, arguments)
    if script.sup is None:
        raise NotUnderstood(f"the function {name}")
    return Power(Apply(name + marks, arguments), grammar.whole(script.sup))


def _is_simple(fence: Fence) -> bool:
    return isinstance(fence.body, Atom) or (isinstance(fence.body, Row) and len(fence.body.items) == 1)

r"""Operands of an expression other than functions: letters, brackets, fractions, roots, scripts, marked letters.

Each function gets the node and the `Grammar` whose position is behind it. Upright single letters (`\mathrm{e}`) are
the constants; other upright words are names only as an index.
"""

from __future__ import annotations

from fractions import Fraction as Rational
from typing import TYPE_CHECKING

from qmath_cli.mathematics.meaning.numerals import decimal, in_base
from qmath_cli.mathematics.meaning.rows import flat, is_sign, name_of, name_of_or_none, split
from qmath_cli.mathematics.meaning.terms import (
    Apply,
    Bound,
    Constant,
    Matrix,
    NotUnderstood,
    Number,
    Power,
    Symbol,
    Term,
    number,
    product,
    quotient,
    symbols,
)
from qmath_cli.mathematics.tree import (
    Accent,
    AccentMark,
    Atom,
    Fence,
    Fraction,
    Node,
    Role,
    Root,
    Row,
    Script,
    Stack,
    Table,
    Text,
)
from qmath_cli.mathematics.tree import (
    Grid as TableKind,
)

if TYPE_CHECKING:
    from qmath_cli.mathematics.meaning.expressions import Grammar

_LETTERS = {"π": Constant.PI, "e": Constant.E, "i": Constant.I, "ı": Constant.I, "∞": Constant.INFINITY}
_FENCED = {"|": "abs", "⌊": "floor", "⌈": "ceil", "‖": "norm"}
_FIGURES = frozenset("∠△∡⊙□◇")
_DEGREE_SIGNS = frozenset("∘°")


def operand(item: Node, grammar: Grammar) -> Term:  # noqa: PLR0911  one line for each kind of node
    """The term of an item that is no function. Raises `NotUnderstood`."""
    match item:
        case Script():
            return _scripted(item, grammar)
        case Atom():
            return _letter(item, grammar)
        case Text(text=text):
            return word(text)
        case Fence():
            return _fenced(item, grammar)
        case Fraction(bar=True):
            return _fraction(item, grammar)
        case Fraction(top=top, bottom=bottom):
            return Apply("binomial", (grammar.whole(top), grammar.whole(bottom)))
        case Root(radicand=radicand, degree=degree):
            return root(grammar.whole(radicand), number(2) if degree is None else grammar.whole(degree))
        case Accent():
            return _marked(item, grammar)
        case Stack(base=base, brace=True):
            return grammar.whole(base)
        case Stack(base=base, over=over) if over is not None:
            return Symbol(f"{name_of(over)} over {name_of(base)}")
        case Table():
            return _table(item, grammar)
    raise NotUnderstood(f"a {type(item).__name__.lower()} inside an expression")


def root(radicand: Term, degree: Term) -> Term:
    """The root of a term."""
    return Power(radicand, quotient(number(1), degree))


def word(text: str) -> Term:
    """An upright word as an operand: a constant, or a single letter."""
    name = text.strip()
    if name in {"e", "i"}:
        return _LETTERS[name]
    if len(name) == 1 and name.isalpha() and name.isascii():
        return Symbol(name)
    raise NotUnderstood(f"the words {name!r}")


def postfix(sign: str, term: Term) -> Term:
    """A term with a sign behind it."""
    if sign == "!":
        return Apply("factorial", (term,))
    if sign == "%":
        return product(term, Number(Rational(1, 100)))
    if sign in _DEGREE_SIGNS:
        return product(term, Constant.DEGREE)
    if sign == "′" and isinstance(term, Symbol):
        return Symbol(f"{term.name}′")
    raise NotUnderstood(f"the sign {sign}")


def raised(base: Term, item: Script, grammar: Grammar) -> Term:
    """A base with the superscript of `item`."""
    if item.sup is None:
        return base
    if isinstance(item.sup, Atom) and item.sup.text in _DEGREE_SIGNS:
        return product(base, Constant.DEGREE)
    if isinstance(base, Matrix) and name_of_or_none(item.sup) in {"T", "⊤", "⊺"}:
        return Apply("transpose", (base,))
    return Power(base, grammar.whole(item.sup))


# ---------------------------------------------------------------- letters and scripts


def _letter(atom: Atom, grammar: Grammar) -> Term:
    if atom.role is Role.NUMBER:
        return decimal(atom.text)
    if atom.text in _LETTERS:
        return _LETTERS[atom.text]
    if atom.text in _FIGURES:
        return _figure(atom, grammar)
    if atom.role is Role.ORDINARY and atom.text != "\\":
        return Symbol(atom.text)
    raise NotUnderstood(f"the sign {atom.text}")


def _figure(atom: Atom, grammar: Grammar) -> Term:
    r"""`\angle ABC`, `\triangle ABC`: one name."""
    name = ""
    while isinstance(item := grammar.peek(), Atom) and item.role is Role.ORDINARY and item.text.isalpha():
        name += item.text
        grammar.take()
    return Symbol(atom.text + name)


def _scripted(item: Script, grammar: Grammar) -> Term:  # noqa: PLR0911  one line for each use of a script
    base = item.base
    if isinstance(base, Row) and not base.items:
        return _before(item, grammar)
    if (chosen := _choice(item, grammar)) is not None:
        return chosen
    if isinstance(base, Atom) and base.role is Role.NUMBER and item.sub is not None:
        return raised(in_base(base.text, int(_digits(item.sub))), item, grammar)
    if isinstance(base, Fence) and item.sub is not None and name_of(base.body).isalnum():
        return raised(in_base(name_of(base.body), int(_digits(item.sub))), item, grammar)
    if item.sub is not None:
        return _indexed(item, grammar)
    if item.sup is not None and _is_mark(item.sup):
        return Symbol(f"{name_of(base)}{name_of(item.sup)}")
    return raised(operand(base, grammar) if not isinstance(base, Row) else grammar.whole(base), item, grammar)


def _digits(node: Node) -> str:
    name = name_of(node)
    if not name.isdecimal() or len(name) > 2:
        raise NotUnderstood(f"a number with the index {name}")
    return name


def _is_mark(sup: Node) -> bool:
    r"""Whether a superscript is part of a name: `f'`, `\mathbb{N}^*`, `0^+`."""
    name = name_of_or_none(sup) or ""
    return name in {"*", "+", "-", "∗", "⋆", "†"} or set(name) == {"′"}


def _indexed(item: Script, grammar: Grammar) -> Term:
    """A letter with an index; an index that is a sum is compared as one: `a_{n+1}` is `a_{1+n}`."""
    base, sub = item.base, item.sub
    if sub is None:
        raise NotUnderstood("an index that is missing")
    name = name_of(base.body) if isinstance(base, Fence) else name_of(base)
    if isinstance(sub, Row) and any(is_sign(part, "+", "-") for part in sub.items):
        found: Term = Apply(f"{name}_", (grammar.whole(sub),))
    else:
        found = Symbol(f"{name}_{name_of(sub)}")
    if item.sup is not None and _is_mark(item.sup):
        return Symbol(f"{name}_{name_of(sub)}{name_of(item.sup)}")
    return raised(found, item, grammar)


def _choice(item: Script, grammar: Grammar) -> Term | None:
    r"""`C_5^2`, `\mathrm{A}_4^2`: combinations and arrangements; None for any other letter."""
    letter = name_of(item.base) if isinstance(item.base, (Atom, Text)) else ""
    if letter not in {"C", "A", "P"} or item.sub is None or item.sup is None or _is_mark(item.sup):
        return None
    total, chosen = grammar.whole(item.sub), grammar.whole(item.sup)
    if letter != "C" and not (isinstance(total, Number) and total.value > 1) and not isinstance(item.base, Text):
        return None
    return Apply("binomial" if letter == "C" else "permutations", (total, chosen))


def _before(item: Script, grammar: Grammar) -> Term:
    """`{}_{10}C_3` and `{}^{10}C_3`: the number before the letter."""
    after = grammar.peek()
    before = item.sub if item.sub is not None else item.sup
    if before is None or not isinstance(after, Script) or after.sub is None or name_of(after.base) not in {"C", "P"}:
        raise NotUnderstood("an index with nothing before it")
    grammar.take()
    function = "binomial" if name_of(after.base) == "C" else "permutations"
    return Apply(function, (grammar.whole(before), grammar.whole(after.sub)))


# ---------------------------------------------------------------- brackets, fractions, marks, matrices


def _fenced(fence: Fence, grammar: Grammar) -> Term:
    if fence.left in _FENCED:
        inner = grammar.whole(fence.body)
        return Apply("det", (inner,)) if isinstance(inner, Matrix) else Apply(_FENCED[fence.left], (inner,))
    inner_items = flat(fence.body)
    if len(inner_items) == 1 and isinstance(inner_items[0], Table) and fence.left in "([":
        return grammar.whole(fence.body)
    if fence.left in "([{" and not any(is_sign(one, ",", ";") for one in inner_items):
        return grammar.whole(fence.body)
    if (fence.left, fence.right) in {("(", ")"), ("⟨", "⟩")}:
        parts, _ = split(inner_items, lambda node: is_sign(node, ","))
        return Matrix(tuple((grammar.whole(Row(tuple(part))),) for part in parts))
    raise NotUnderstood(f"a list in brackets {fence.left}...{fence.right} inside an expression")


def _fraction(fraction: Fraction, grammar: Grammar) -> Term:
    top, bottom = name_of_or_none(fraction.top), name_of_or_none(fraction.bottom)
    if top == "d" and bottom is not None and len(bottom) == 2 and bottom[0] == "d":
        return Bound("derivative", bottom[1], grammar.product())
    derivative = top is not None and bottom is not None and top[:1] == bottom[:1] == "d"
    if derivative and top is not None and bottom is not None and len(top) == len(bottom) == 2:
        return Symbol(f"{top}/{bottom}")
    return quotient(grammar.whole(fraction.top), grammar.whole(fraction.bottom))


def _marked(item: Accent, grammar: Grammar) -> Term:
    if item.mark is AccentMark.UNDERLINE:
        return grammar.whole(item.body)
    written = name_of_or_none(item.body) or ""
    if item.mark is AccentMark.BAR and len(written) > 1 and written.isalpha() and written != "zi":
        return Symbol(f"bar {name_of(item.body)}")
    if item.mark is AccentMark.BAR:
        inner = grammar.whole(item.body)
        return Apply("bar" if symbols(inner) else "conjugate", (inner,))
    return Symbol(f"{item.mark.value} {name_of(item.body)}")


def _table(table: Table, grammar: Grammar) -> Term:
    if table.kind not in {TableKind.MATRIX, TableKind.ARRAY, TableKind.LINES, TableKind.ALIGNED}:
        raise NotUnderstood("a system inside an expression")
    rows = tuple(tuple(grammar.whole(cell) for cell in row) for row in table.rows)
    if len({len(row) for row in rows}) != 1:
        raise NotUnderstood("a matrix with rows of different lengths")
    return Apply("det", (Matrix(rows),)) if table.left == "|" else Matrix(rows)

r"""The grammar of expressions: a row of the tree as a term.

Juxtaposition is a product; `3\frac12` is a mixed number only where an integer stands before a proper fraction of
integers without brackets. A function takes the factors that follow it, up to a multiplication sign, another function,
or a bracket; an argument in brackets ends with them. `d` and `e` are letters: `e` has the value of Euler's number, and
`d` is a differential only where it closes an integral or stands in a derivative.

Promises: every sign is read, or `NotUnderstood` names the piece. It evaluates nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.mathematics.meaning import atoms, functions
from qmath_cli.mathematics.meaning.numerals import decimal, repeating
from qmath_cli.mathematics.meaning.rows import flat, is_blank, is_relation, is_sign, name_of
from qmath_cli.mathematics.meaning.terms import (
    Apply,
    NotUnderstood,
    Number,
    Sum,
    Symbol,
    Term,
    negative,
    product,
    quotient,
)
from qmath_cli.mathematics.tree import Accent, AccentMark, Atom, Fence, Fraction, Node, Role, Script, Space, Text

_TIMES = frozenset("*×⋅·∙∗")
_OVER = frozenset("/÷")
_MOST_DEPTH = 80


def meaning(node: Node) -> Term:
    """The term of a whole node.

    Raises:
        NotUnderstood: It is no expression; the message names the piece.
    """
    return expression(flat(node))


def expression(items: Sequence[Node], depth: int = 0) -> Term:
    """The term of a row whose brackets are paired (see `rows.flat`)."""
    if depth > _MOST_DEPTH:
        raise NotUnderstood("an expression nested too deeply")
    grammar = Grammar([item for item in items if not is_blank(item)], depth)
    found = grammar.sum()
    if not grammar.done():
        raise NotUnderstood(_named(grammar.peek()))
    return found


class Grammar:
    """A position in a row, and the rules from sums down to operands.

    Args:
        items: The row, without blanks.
        depth: How many brackets and arguments it is inside of.
    """

    def __init__(self, items: list[Node], depth: int) -> None:
        self.items = items
        self.depth = depth
        self.at = 0

    def done(self) -> bool:
        """Whether everything is read."""
        return self.at >= len(self.items)

    def peek(self, ahead: int = 0) -> Node | None:
        """The next item, or one behind it; None at the end."""
        index = self.at + ahead
        return self.items[index] if index < len(self.items) else None

    def take(self) -> Node:
        """Consume and return the next item. Raises `NotUnderstood` at the end."""
        item = self.peek()
        if item is None:
            raise NotUnderstood("an expression that ends too early")
        self.at += 1
        return item

    def next_is(self, *signs: str) -> bool:
        """Whether the next item is one of these signs."""
        item = self.peek()
        return item is not None and is_sign(item, *signs)

    def whole(self, node: Node) -> Term:
        """The term of a node inside this row, one level deeper."""
        return expression(flat(node), self.depth + 1)

    # ------------------------------------------------------------ sums and products

    def sum(self) -> Term:
        """Terms with their signs."""
        terms = [self.signed()]
        while self.next_is("+", "-"):
            terms.append(self.signed())
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def signed(self) -> Term:
        """A product with the signs before it."""
        minus = False
        while self.next_is("+", "-"):
            minus ^= is_sign(self.take(), "-")
        found = self.product()
        return negative(found) if minus else found

    def product(self) -> Term:
        """Factors side by side or with signs between them."""
        found = self.mixed_number() or self.factor()
        while True:
            if self.next_is(*_TIMES):
                sign = self.take()
                found = _multiplied(found, sign, self.signed_factor())
            elif self.next_is(*_OVER):
                self.take()
                found = quotient(found, self.signed_factor())
            elif self.next_is("mod"):
                self.take()
                found = Apply("mod", (found, self.signed_factor()))
            elif self.begins_operand():
                self._refuse_two_numbers()
                found = product(found, self.factor())
            else:
                return found

    def signed_factor(self) -> Term:
        """A factor after a multiplication or division sign; it may have its own sign."""
        minus = False
        while self.next_is("+", "-"):
            minus ^= is_sign(self.take(), "-")
        found = self.mixed_number() or self.factor()
        return negative(found) if minus else found

    def _refuse_two_numbers(self) -> None:
        before, after = self.items[self.at - 1], self.peek()
        if _is_numeral(before) and _is_numeral(after.base if isinstance(after, Script) else after):
            raise NotUnderstood("two numbers side by side")

    def mixed_number(self) -> Term | None:
        r"""`3\frac12` and `1 1/2`; None where there is none."""
        whole, part = self.peek(), self.peek(1)
        if not isinstance(whole, Atom) or not whole.text.isdecimal() or part is None:
            return None
        if isinstance(part, Fraction) and part.bar:
            return self._mixed(whole, part.top, part.bottom, 2)
        slash, bottom = self.peek(2), self.peek(3)
        if _is_numeral(part) and slash is not None and is_sign(slash, "/") and bottom is not None:
            return self._mixed(whole, part, bottom, 4)
        return None

    def _mixed(self, whole: Atom, top: Node, bottom: Node, length: int) -> Term | None:
        if not (
            isinstance(top, Atom) and isinstance(bottom, Atom) and top.text.isdecimal() and bottom.text.isdecimal()
        ):
            return None
        if int(top.text) >= int(bottom.text):
            return None
        self.at += length
        value = decimal(whole.text).value + decimal(top.text).value / decimal(bottom.text).value
        return self.postfixed(Number(value))

    def begins_operand(self) -> bool:
        """Whether the next item can be a factor."""
        item = self.peek()
        base = item.base if isinstance(item, Script) else item
        if isinstance(base, Atom):
            return base.role in {Role.ORDINARY, Role.NUMBER, Role.FUNCTION, Role.BIG} and not is_relation(base)
        return base is not None and not isinstance(base, Space)

    # ------------------------------------------------------------ factors

    def factor(self) -> Term:
        """An operand with the postfix signs behind it."""
        return self.postfixed(self.operand())

    def postfixed(self, found: Term) -> Term:
        """`n!`, `n!!`, `50%`, `30°`, with powers of them."""
        while True:
            item = self.peek()
            sign = item.base if isinstance(item, Script) else item
            if not isinstance(sign, Atom) or sign.role is not Role.POSTFIX:
                return found
            self.take()
            if sign.text == "!" and sign is item and self.next_is("!"):
                self.take()
                found = Apply("double factorial", (found,))
            else:
                found = atoms.postfix(sign.text, found)
            if isinstance(item, Script):
                found = atoms.raised(found, item, self)

    def operand(self) -> Term:
        """One number, letter, function with its argument, fraction, root, or bracket."""
        item = self.take()
        base = item.base if isinstance(item, Script) else item
        if isinstance(base, Atom) and base.role is Role.NUMBER and (found := self._repeating(item)) is not None:
            return found
        if functions.is_function(item):
            return functions.applied(item, self)
        return atoms.operand(item, self)

    def _repeating(self, item: Node) -> Term | None:
        r"""`0.1\overline{6}` and `0.\dot1\dot6`; None where no digits are marked."""
        if not isinstance(item, Atom) or "e" in item.text.lower():
            return None
        ahead = 1 if self.next_is(".") else 0
        marks: list[Accent] = []
        digits = ""
        while isinstance(node := self.peek(ahead), Accent) or (marks and _is_numeral(node)):
            if isinstance(node, Accent):
                if node.mark not in {AccentMark.BAR, AccentMark.DOT} or not name_of(node.body).isdecimal():
                    return None
                marks.append(node)
            digits += name_of(node.body if isinstance(node, Accent) else node) if node is not None else ""
            ahead += 1
        if not marks or ("." not in item.text and not self.next_is(".")):
            return None
        self.at += ahead
        whole, _, fixed = item.text.partition(".")
        return repeating(whole, fixed, digits)


def _multiplied(left: Term, sign: Node, right: Term) -> Term:
    """A product; the cross product of two vectors is no product of numbers."""
    vectors = all(isinstance(one, Symbol) and one.name.startswith("vec ") for one in (left, right))
    return Apply("cross", (left, right)) if vectors and is_sign(sign, "×") else product(left, right)


def _is_numeral(node: Node | None) -> bool:
    return isinstance(node, Atom) and node.role is Role.NUMBER


def _named(node: Node | None) -> str:
    """What a piece that is not understood is called in a message."""
    match node:
        case Text(text=text):
            return f"the words {text.strip()!r}"
        case Fence(left=left, right=right):
            return f"a bracket {left}...{right} where none can stand"
        case Atom(text=text):
            return f"the sign {text}"
        case None:
            return "an expression that ends too early"
    return f"a {type(node).__name__.lower()} where none can stand"

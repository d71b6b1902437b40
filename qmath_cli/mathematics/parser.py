r"""The parser: tokens to a tree, by recursive descent. Source that is not understood is refused, never dropped.

TeX's rules hold where they change the reading. An unbraced argument is one token (`x^10` is x to the 1, then 0), a
script binds to the item directly before it, and `\over` splits its group. The commands that take arguments are a
parameter; `constructs` has the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from qmath_cli.mathematics.lexer import Token, TokenKind, tokens
from qmath_cli.mathematics.symbols import DEFINED_AS, SYMBOLS, character
from qmath_cli.mathematics.tree import Atom, Fraction, Grid, Node, Refused, Role, Row, Script, Space, Table, Text

_SPLITTING = frozenset({"over", "choose", "atop", "brace", "brack"})  # each takes its whole group apart
_MAX_DEPTH = 60  # nested groups; real formulas have far fewer, and Python's recursion limit allows for them

Stop = Callable[[Token], bool]
Construct = Callable[["Parser", str], Node | None]


class Parser:
    """A cursor over the tokens, and the grammar of rows, scripts and groups."""

    def __init__(self, source: str, constructs: Mapping[str, Construct], found: list[Token] | None = None) -> None:
        self.source = source
        self.constructs = constructs
        self._tokens = tokens(source) if found is None else found
        self._at = 0
        self._depth = 0
        self._stops: list[Stop] = []  # of the rows that are being read, the innermost last

    # ------------------------------------------------------------ the cursor

    def peek(self) -> Token:
        """The next token."""
        return self._tokens[self._at]

    def take(self) -> Token:
        """Consume and return the next token; END is never consumed."""
        token = self._tokens[self._at]
        self._at += token.kind is not TokenKind.END
        return token

    def skip_spaces(self) -> bool:
        """Skip white space; return whether there was any."""
        found = False
        while self.peek().kind is TokenKind.SPACE:
            self.take()
            found = True
        return found

    def at_command(self, *names: str) -> bool:
        """Whether the next token is one of these commands."""
        return self.peek().kind is TokenKind.COMMAND and self.peek().text in names

    def at_character(self, char: str) -> bool:
        """Whether the next token is this character."""
        return self.peek().kind is TokenKind.CHARACTER and self.peek().text == char

    def take_point(self) -> bool:
        """Consume the point of `.5` alone, where it stands for no delimiter; what follows is the next token."""
        token = self.peek()
        if token.kind is not TokenKind.NUMBER or not token.text.startswith("."):
            return False
        digits, end, after = token.text[1:], token.end, self._at + 1
        following = self._tokens[after]
        if following.kind is TokenKind.NUMBER and following.text.startswith("."):  # .2.5 is a point before 2.5
            digits, end, after = digits + following.text, following.end, after + 1
        self._tokens[self._at : after] = [Token(TokenKind.NUMBER, digits, token.start + 1, end)]
        return True

    def take_prefix(self, name: str) -> bool:
        r"""Consume the `\hline` of `\hlineRed`: a command that has lost the line break after it."""
        token = self.peek()
        if token.kind is not TokenKind.COMMAND or not token.text.startswith(name):
            return False
        start = token.end - len(token.text) + len(name)
        rest = [Token(TokenKind.CHARACTER, self.source[at], at, at + 1) for at in range(start, token.end)]
        self._tokens[self._at : self._at + 1] = rest
        return True

    # ------------------------------------------------------------ rows

    def row(self, stop: Stop) -> Node:
        """Read up to a token that `stop` accepts; that token is not consumed."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise Refused("nested too deeply")
        self._stops.append(stop)
        items: list[Node] = []
        while True:
            spaced = self.skip_spaces()
            token = self.peek()
            if stop(token) or token.kind is TokenKind.END:
                break
            if token.kind is TokenKind.COMMAND and token.text in _SPLITTING:
                self.take()
                items = [_split(token.text, simplify(items), self.row(stop))]
                break
            items += self._spacing(items, spaced)
            items += self.item()
        self._stops.pop()
        self._depth -= 1
        return simplify(items)

    def rest(self) -> Node:
        r"""The rest of the group, cell or formula that is being read: what a switch such as `\bf` applies to."""
        return self.row(self._stops[-1] if self._stops else lambda token: token.kind is TokenKind.END)

    def _spacing(self, items: list[Node], spaced: bool) -> list[Node]:
        """The blank before the next item where TeX's spacing does not decide: after punctuation, between numbers."""
        if not items:
            return []
        before = items[-1]
        if isinstance(before, Atom) and before.role is Role.PUNCTUATION:
            thousands = len(items) > 1 and _is_number(items[-2]) and self.peek().kind is TokenKind.NUMBER
            tight = before.text in {":", "."} or thousands
            return [Space()] if spaced or not tight else []
        if spaced and self.at_character(":"):
            return [Space()]
        return [Space()] if spaced and _is_number(before) and self.peek().kind is TokenKind.NUMBER else []

    def item(self) -> list[Node]:
        r"""The next item with its scripts; empty for an instruction without a sign (`\displaystyle`)."""
        if self.at_character("^") or self.at_character("_") or self.at_character("'"):
            return [self._scripts(Row())]
        found = self.nucleus()
        if found is None:
            return []
        return [self._scripts(found)]

    # ------------------------------------------------------------ scripts

    def _scripts(self, base: Node) -> Node:
        sub: Node | None = None
        sup: Node | None = None
        while True:
            spaced = self.skip_spaces()
            if self.at_command("limits", "nolimits"):
                self.take()
            elif self.at_character("'"):
                sup = _join(sup, self._primes())
            elif self.at_character("^"):
                self.take()
                if sup is not None and not _is_prime(sup):
                    raise Refused("two superscripts")
                sup = _join(sup, self.script())
            elif self.at_character("_"):
                self.take()
                if sub is not None:
                    raise Refused("two subscripts")
                sub = self.script()
            else:
                self._at -= spaced  # the row may need the blank
                break
        return base if sub is None and sup is None else Script(base, sub, sup)

    def _primes(self) -> Node:
        count = 0
        while self.at_character("'"):
            self.take()
            count += 1
        return simplify([SYMBOLS["prime"]] * count)

    # ------------------------------------------------------------ arguments

    def argument(self) -> Node:
        """The argument of a command or script: a braced group or a single token."""
        self.skip_spaces()
        token = self.peek()
        if token.kind is TokenKind.OPEN:
            return self.group()
        if token.kind is TokenKind.NUMBER and len(token.text) > 1:
            return self._first_digit(token)
        if token.kind in {TokenKind.CLOSE, TokenKind.END} or self.at_character("^") or self.at_character("_"):
            raise Refused("an argument is missing")
        found = self.nucleus()
        if found is None:
            raise Refused("an argument is missing")
        return found

    def _first_digit(self, token: Token) -> Node:
        """Take one digit of a number as the argument; the rest of the number stays the next token."""
        digit, rest = token.text[0], token.text[1:]
        if rest.startswith("."):
            raise Refused("an unbraced decimal as an argument")
        self._tokens[self._at] = Token(TokenKind.NUMBER, rest, token.start + 1, token.end)
        return Atom(digit, Role.NUMBER, digit)

    def script(self) -> Node:
        """The argument of `^` or `_`."""
        return self.argument()

    def group(self) -> Node:
        """`{ ... }` as one node."""
        self.skip_spaces()
        if self.take().kind is not TokenKind.OPEN:
            raise Refused("a brace is missing")
        body = self.row(lambda token: token.kind is TokenKind.CLOSE)
        if self.take().kind is not TokenKind.CLOSE:
            raise Refused("a brace is not closed")
        return body

    def optional(self) -> Node | None:
        """`[ ... ]`, or None if it is absent."""
        self.skip_spaces()
        if not self.at_character("["):
            return None
        self.take()
        body = self.row(lambda token: token.kind is TokenKind.CHARACTER and token.text == "]")
        if not self.at_character("]"):
            raise Refused("a bracket is not closed")
        self.take()
        return body

    def raw_group(self) -> str:
        """The source between balanced braces, unparsed."""
        self.skip_spaces()
        opening = self.take()
        if opening.kind is not TokenKind.OPEN:
            raise Refused("a brace is missing")
        depth = 1
        while depth:
            token = self.take()
            if token.kind is TokenKind.END:
                raise Refused("a brace is not closed")
            depth += (token.kind is TokenKind.OPEN) - (token.kind is TokenKind.CLOSE)
        return self.source[opening.end : token.start]

    # ------------------------------------------------------------ single items

    def nucleus(self) -> Node | None:
        """One sign, group or construct without its scripts; None for an instruction without a sign."""
        token = self.peek()
        if token.kind is TokenKind.OPEN:
            return _grouped(self.group())
        token = self.take()
        if token.kind is TokenKind.NUMBER:
            return Atom(token.text, Role.NUMBER, token.text)
        if token.kind is TokenKind.WORD:
            return Text(token.text)
        if token.kind is TokenKind.COMMAND:
            return self._command(token)
        if token.kind is TokenKind.CHARACTER and token.text == ":" and self.at_character("="):
            self.take()
            return DEFINED_AS
        if token.kind is TokenKind.CHARACTER and token.text != "&":
            return character(token.text)
        raise Refused(f"unexpected {token.text!r}")

    def _command(self, token: Token) -> Node | None:
        construct = self.constructs.get(token.text)
        if construct is not None:
            return construct(self, token.text)
        symbol = SYMBOLS.get(token.text)
        if symbol is None:
            raise Refused(f"unknown command \\{token.text}")
        return symbol


# ---------------------------------------------------------------- nodes


def simplify(items: Iterable[Node]) -> Node:
    """Several nodes as a `Row`; a single one as itself."""
    found = tuple(items)
    return found[0] if len(found) == 1 else Row(found)


def _split(command: str, top: Node, bottom: Node) -> Node:
    r"""The two parts of a group on both sides of `\over` or one of its relatives."""
    if command in {"over", "choose"}:
        return Fraction(top, bottom, bar=command == "over")
    left, right = {"atop": ("", ""), "brace": ("{", "}"), "brack": ("[", "]")}[command]
    return Table(Grid.LINES, ((top,), (bottom,)), left, right)


def _is_number(node: Node) -> bool:
    return isinstance(node, Atom) and node.role is Role.NUMBER


def _grouped(body: Node) -> Node:
    """Braces turn a sign into an ordinary symbol: `{,}` is a comma without space, `{+}` a plus without space."""
    if isinstance(body, Atom) and body.role in {Role.PUNCTUATION, Role.BINARY, Role.RELATION}:
        return Atom(body.text, Role.ORDINARY, body.ascii)
    return body


def _join(first: Node | None, second: Node) -> Node:
    return second if first is None else Row((first, second))


def _is_prime(node: Node) -> bool:
    items = node.items if isinstance(node, Row) else (node,)
    return all(isinstance(item, Atom) and item.text == "′" for item in items)

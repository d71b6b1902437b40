r"""The reader of answers: LaTeX, Unicode, typed text and sympy's spelling, in any mixture, into the tree of `tree`.

It is the parser of formulas with the habits of writers in place of TeX's where those differ: `x^10`, `10^-3` and
`x^(n+1)` have the whole exponent, `\sqrt16` and `√16` the whole number, `\sqrt(2)` the bracket as its radicand, `x1` an
index, `{1, 2}` is a set, styles (`\mathbf`, `\textcolor`) do not count, and words are words. Arguments of other
commands are as TeX reads them (`\frac12`, `x^\frac12`).

Promises: the tree holds every sign that has a meaning; what is not understood raises `Refused` with the piece.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from qmath_cli.mathematics.constructs import CONSTRUCTS
from qmath_cli.mathematics.environments import lines
from qmath_cli.mathematics.lexer import TokenKind
from qmath_cli.mathematics.parser import Construct, Parser
from qmath_cli.mathematics.symbols import SYMBOLS, in_alphabet
from qmath_cli.mathematics.tree import Atom, Fence, Node, Refused, Role, Root, Row, Script, Text
from qmath_cli.mathematics.typed.signs import spelled
from qmath_cli.mathematics.typed.vocabulary import COMMANDS
from qmath_cli.mathematics.typed.words import typed_tokens

_UPRIGHT: Final = re.compile(r"[A-Za-zμΩ℃℉\s.'°%·/-]*[A-Za-zμΩ℃℉%][A-Za-zμΩ℃℉\s.'°%·/-]*")
_UNIT: Final = re.compile(r"[A-Za-zμΩ]+(?:\^?\{?-?\d\}?)?(?:\s*[/·\s]\s*[A-Za-zμΩ]+(?:\^?\{?-?\d\}?)?)*")
_LAYOUT: Final = ((re.compile(r"\\[,;:!> ]|~|\\q?quad"), " "), (re.compile(r"\\cdot(?![a-z])"), "·"),
                  (re.compile(r"\\mu(?![a-z])"), "μ"), (re.compile(r"\\Omega(?![a-z])"), "Ω"),
                  (re.compile(r"\\([%$&#_])"), r"\1"))  # fmt: skip


def read(text: str, *, upright: bool = False) -> Node:
    r"""Read an answer, or a part of one.

    Args:
        text: LaTeX without delimiters, typed text, or both.
        upright: it is the content of `\text` or the like.

    Returns:
        The root of the tree.

    Raises:
        Refused: The text is not understood.
    """
    reader = TypedParser(_program_constants(spelled(text)), upright=upright)
    found = lines(reader, lambda token: token.kind is TokenKind.END)
    if reader.peek().kind is not TokenKind.END:
        raise Refused(f"unexpected {reader.peek().text!r}")
    return found


def _program_constants(text: str) -> str:
    """`text` with Python's names of the imaginary unit and of Euler's number, where it is written as a program."""
    if "\\" in text or "*" not in text:
        return text
    return re.sub(r"(?<![A-Za-z])[IE](?![A-Za-z])", lambda found: found[0].lower(), text)


class TypedParser(Parser):
    """The parser with the habits of writers."""

    def __init__(self, source: str, *, upright: bool = False) -> None:
        super().__init__(source, _CONSTRUCTS, typed_tokens(source, upright=upright))

    def item(self) -> list[Node]:
        """As of the parser; digits directly behind a letter are its index, and `x` between numbers is a cross."""
        letter, number = self._tokens[self._at], self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        if letter.kind is TokenKind.CHARACTER and letter.text.isalpha() and number.kind is TokenKind.NUMBER:
            if letter.text == "x" and self._after_number():
                self.take()
                return [SYMBOLS["times"]]
            if letter.text not in "ei" and number.text.isdecimal():
                self.take(), self.take()
                index = Atom(number.text, Role.NUMBER, number.text)
                return [self._scripts(Script(Atom(letter.text, ascii=letter.text), sub=index))]
        if letter.kind is TokenKind.CHARACTER and letter.text == "x" and self._crosses():
            self.take()
            return [SYMBOLS["times"]]
        return super().item()

    def _after_number(self) -> bool:
        return self._at > 0 and self._tokens[self._at - 1].kind is TokenKind.NUMBER

    def _crosses(self) -> bool:
        """Whether the next token is the `x` of `2.5 x 10^3`."""
        around = self._tokens[max(0, self._at - 2) : self._at + 3]
        kinds = [token.kind for token in around]
        return kinds == [TokenKind.NUMBER, TokenKind.SPACE, TokenKind.CHARACTER, TokenKind.SPACE, TokenKind.NUMBER]

    def nucleus(self) -> Node | None:
        """As of the parser; a braced group with a comma or a condition is a set."""
        if self.peek().kind is not TokenKind.OPEN:
            return super().nucleus()
        body = self.group()
        return Fence("{", body, "}") if _is_set(body) else body

    def script(self) -> Node:
        """An exponent or index: with its sign, the whole number, the whole bracket; `2^3^2` is 2 to the 9."""
        is_power = self._tokens[self._at - 1].text == "^"
        found = self._script()
        self.skip_spaces()
        if is_power and isinstance(found, (Atom, Fence)) and self.at_character("^"):
            self.take()
            return Script(found, sup=self.script())
        return found

    def _script(self) -> Node:
        self.skip_spaces()
        token = self.peek()
        if token.kind is TokenKind.CHARACTER and token.text in "+-":
            return self._signed()
        if token.kind is TokenKind.NUMBER:
            self.take()
            return Atom(token.text, Role.NUMBER, token.text)
        return self.bracket() if token.text == "(" and token.kind is TokenKind.CHARACTER else self.argument()

    def _signed(self) -> Node:
        sign = Atom(self.take().text, Role.BINARY)
        token = self.peek()
        follows = token.kind in {TokenKind.NUMBER, TokenKind.OPEN, TokenKind.COMMAND} or token.text.isalpha()
        return Row((sign, self._script())) if follows or token.text == "(" else sign

    def bracket(self) -> Node:
        """`( ... )` as a fence."""
        self.take()
        body = self.row(lambda token: token.kind is TokenKind.CHARACTER and token.text == ")")
        if not self.at_character(")"):
            raise Refused("a bracket is not closed")
        self.take()
        return Fence("(", body, ")")

    def radicand(self) -> Node:
        """The argument of a root."""
        self.skip_spaces()
        token = self.peek()
        if token.kind is TokenKind.CHARACTER and token.text == "-":
            return Row((Atom(self.take().text, Role.BINARY), self.radicand()))
        if token.kind is TokenKind.NUMBER:
            self.take()
            return Atom(token.text, Role.NUMBER, token.text)
        return self.bracket() if token.text == "(" and token.kind is TokenKind.CHARACTER else self.argument()


def _is_set(body: Node) -> bool:
    """Whether a braced group lists items or states a condition, as in `{1, 2}` and `{x|x>1}`."""
    if not isinstance(body, Row):
        return False
    depth, commas, bars, relations = 0, 0, 0, 0
    for node in body.items:
        if isinstance(node, Atom):
            depth += (node.role is Role.OPEN) - (node.role is Role.CLOSE)
            commas += depth == 0 and node.text == ","
            bars += depth == 0 and node.text in "|∣"
            relations += depth == 0 and node.role is Role.RELATION
    return commas > 0 or (bars % 2 == 1 and relations > 0)


# ---------------------------------------------------------------- constructs that differ from the drawing parser's


def _root(parser: Parser, _command: str) -> Node:
    degree = parser.optional()
    return Root(parser.radicand() if isinstance(parser, TypedParser) else parser.argument(), degree)


def _words(parser: Parser, _command: str) -> Node:
    r"""`\text{...}`, `\mathrm{...}`, `\operatorname{...}`: a name, a word, a unit, or typed text."""
    if parser.at_character("*"):
        parser.take()
    parser.skip_spaces()
    if parser.peek().kind is not TokenKind.OPEN:
        found = parser.argument()
        return Text(found.text) if isinstance(found, Atom) and found.text.isalpha() else found
    return _upright(parser.raw_group())


def _upright_rest(parser: Parser, _command: str) -> Node:
    r"""`{\rm m/s}`: upright to the end of the group; `\rm{m}` as `\mathrm`."""
    parser.skip_spaces()
    start = parser.peek()
    if start.kind is TokenKind.OPEN:
        return _upright(parser.raw_group())
    while parser.peek().kind not in {TokenKind.CLOSE, TokenKind.END}:
        parser.take()
    return _upright(parser.source[start.start : parser.peek().start])


def _upright(source: str) -> Node:
    content = source.replace("$", "") if source.count("$") % 2 == 0 else source
    for layout, plain in _LAYOUT:
        content = layout.sub(plain, content)
    name = content.strip()
    if name in COMMANDS and COMMANDS[name] in SYMBOLS and len(name) > 1:
        return SYMBOLS[COMMANDS[name]]
    if name in COMMANDS:
        return _function(COMMANDS[name])
    if _UPRIGHT.fullmatch(content) or _UNIT.fullmatch(name):
        return Text(content)
    return read(content, upright=True) if name else Text(" ")


def _function(name: str) -> Atom:
    return Atom(name, Role.FUNCTION, name)


def _named_function(_parser: Parser, command: str) -> Node:
    return _function(command)


def _bold(parser: Parser, command: str) -> Node | None:
    r"""A style without a meaning; but `\mathbf{R}` is the set of the real numbers."""
    parser.skip_spaces()
    start = parser.peek()
    if command == "bf" and start.kind is not TokenKind.OPEN:
        return None
    if start.kind is TokenKind.OPEN:
        content = re.sub(r"(?<=\d)[\s~]+(?=[\d.])|(?<=\.)[\s~]+(?=\d)", "", parser.raw_group())
        body = read(content)
    else:
        body = parser.argument()
    if isinstance(body, Atom) and body.text in {"R", "Z", "N", "Q", "C"} and command != "boldsymbol":
        return in_alphabet("mathbb", body.text) or body
    return body


def _blackboard(parser: Parser, command: str) -> Node:
    body = parser.argument()
    found = in_alphabet("mathbb", body.text) if isinstance(body, Atom) and len(body.text) == 1 else None
    if found is None:
        raise Refused(f"\\{command} of something that is no letter")
    return found


def _set_letter(_parser: Parser, command: str) -> Node:
    return in_alphabet("mathbb", {"reals": "R"}.get(command, command)) or Text(command)


def _circled(parser: Parser, _command: str) -> Node:
    number = parser.raw_group().strip()
    if not number.isdecimal() or not 1 <= int(number) <= 20:
        raise Refused("a circle around something that is no number")
    return Text(chr(ord("①") + int(number) - 1))


def _dropped(parser: Parser, _command: str) -> None:
    parser.raw_group()


def _nothing(_parser: Parser, _command: str) -> None:
    return None


_OVERRIDES: tuple[tuple[str, Callable[[Parser, str], Node | None]], ...] = (
    ("sqrt", _root),
    (
        "text textbf textit textrm textsf texttt textnormal mbox hbox emph textup textmd mathrm mathit mathsf mathtt",
        _words,
    ),
    ("mathnormal operatorname textsl", _words),
    ("rm", _upright_rest),
    ("mathbf boldsymbol bm bold bf symbf pmb", _bold),
    ("mathbb Bbb", _blackboard),
    ("R N Z Q C reals", _set_letter),
    ("textcircled", _circled),
    ("tag", _dropped),
    ("cbrt abs floor ceil factorial binomial permutations arsinh arcosh artanh sgn sign", _named_function),
    ("operatornamewithlimits", _words),
    ("/ bigl bigr", _nothing),
)
_CONSTRUCTS: dict[str, Construct] = CONSTRUCTS | {
    name: construct for names, construct in _OVERRIDES for name in names.split() if name not in {"bigl", "bigr", "/"}
}

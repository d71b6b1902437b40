r"""Words in formulas: `\text` and its relatives, operators that are words, circled numbers."""

from __future__ import annotations

import re
import unicodedata

from qmath_cli.mathematics.environments import lines
from qmath_cli.mathematics.lexer import TokenKind
from qmath_cli.mathematics.parser import Parser, simplify
from qmath_cli.mathematics.symbols import CIRCLED, SYMBOLS, character
from qmath_cli.mathematics.tree import Atom, Node, Refused, Role, Row, Text

_MATHS_IN_TEXT = re.compile(r"\$((?:[^$\\]|\\.)*)\$|\\\((.*?)\\\)", re.DOTALL)
_FONT = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|sc|normal|up)?|emph|mbox|hbox|mathrm|mathbf|underline|operatorname)\s*(?=\{)"
    r"|\\multicolumn\s*\{[^{}]*\}\s*\{[^{}]*\}"
    r"|\\(?:bf|it|rm|sf|tt|sc|em|tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|bfseries|itshape)"
    r"(?![A-Za-z])\s*"
)
_ACCENTED = re.compile(r"\\(['`^\"~=.])\s*(?:\{([A-Za-z])\}|([A-Za-z]))")
_COMBINING = dict(zip("'`^\"~=.", "\u0301\u0300\u0302\u0308\u0303\u0304\u0307", strict=True))
_SPACING = re.compile(r"\\(?:[,:;>!\s\\]|quad(?![A-Za-z])|qquad(?![A-Za-z])|newline(?![A-Za-z]))|~")
_SIGN = re.compile(r"\\([A-Za-z]+)(?:\{\}|\s*)")
_ESCAPE = re.compile(r"\\([%$#&_{}])")
_QUOTES = (("``", "“"), ("''", "”"), ("---", "—"))
_LIMITS = frozenset({"argmax", "argmin", "arg max", "arg min"})


def text(parser: Parser, _command: str) -> Node:
    r"""`\text{...}`, or one character: `\text-`."""
    parser.skip_spaces()
    if parser.peek().kind is TokenKind.CHARACTER:
        return Text(parser.take().text)
    return _words(parser, parser.raw_group())


def _words(parser: Parser, source: str) -> Node:
    r"""Words, and mathematics between `$ $` or `\( \)`."""
    items: list[Node] = []
    position = 0
    for found in _MATHS_IN_TEXT.finditer(source):
        if found.start() and source[found.start() - 1] == "\\":
            continue  # an escaped dollar
        items += _plain(source[position : found.start()])
        inner = Parser(found.group(1) or found.group(2) or "", parser.constructs)
        items.append(whole(inner))
        position = found.end()
    items += _plain(source[position:])
    return simplify(items)


def whole(parser: Parser) -> Node:
    """Everything that a parser has. Raises `Refused`."""
    found = lines(parser, lambda token: token.kind is TokenKind.END)
    if parser.peek().kind is not TokenKind.END:
        raise Refused(f"unexpected {parser.peek().text!r}")
    return found


def _plain(source: str) -> list[Node]:
    """Words without their fonts. Raises `Refused` for a command that is no sign."""
    words = _ACCENTED.sub(_accented, _FONT.sub("", source))
    words = _SPACING.sub(" ", words)
    if "$" in words.replace("\\$", ""):
        raise Refused("a dollar inside text")
    words = _SIGN.sub(_sign, words)
    for typed, shown in _QUOTES:
        words = words.replace(typed, shown)
    words = _ESCAPE.sub(lambda found: _HIDDEN[found.group(1)], words)
    if "\\" in words:
        raise Refused("a command inside text")
    words = re.sub("[{}]", "", words)
    words = "".join(_SHOWN.get(char, char) for char in words)
    return [Text(" ".join(words.split("\n")))] if words else []


#: Escaped signs while braces that only group are dropped.
_HIDDEN = {char: chr(0xE000 + at) for at, char in enumerate("%$#&_{}")}
_SHOWN = {hidden: char for char, hidden in _HIDDEN.items()}


def _accented(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", (found[2] or found[3]) + _COMBINING[found[1]])


def _sign(found: re.Match[str]) -> str:
    known = SYMBOLS.get(found[1])
    if known is None or known.role is Role.FUNCTION:
        raise Refused(f"\\{found[1]} inside text")
    return known.text + (" " if found.group().endswith(" ") and not known.text.isalpha() else "")


def operator(parser: Parser, _command: str) -> Node:
    r"""`\operatorname{atan}`: a function if it is a word, else the formula that is written there."""
    starred = parser.at_character("*")
    if starred:
        parser.take()
    source = parser.raw_group()
    name = " ".join(_SPACING.sub(" ", _FONT.sub("", source)).translate({ord("{"): None, ord("}"): None}).split())
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9 -]*", name):
        return Atom(name, Role.FUNCTION, name, limits=starred or name in _LIMITS)
    body = whole(Parser(source, parser.constructs))
    items = body.items if isinstance(body, Row) else (body,)
    if items and all(isinstance(item, Atom) and item.role is Role.FUNCTION for item in items):
        joined = " ".join(item.text for item in items if isinstance(item, Atom))
        return Atom(joined, Role.FUNCTION, joined, limits=starred or joined in _LIMITS)
    return body


def circled(parser: Parser, _command: str) -> Node:
    r"""`\textcircled{1}`: the character ①. Raises `Refused` for what Unicode has not in a circle."""
    parser.skip_spaces()
    source = parser.raw_group() if parser.peek().kind is TokenKind.OPEN else parser.take().text
    inner = re.sub(r"[{}$\s]", "", _FONT.sub("", re.sub(r"\\raisebox\{[^{}]*\}", "", source)))
    if inner in CIRCLED:
        return character(CIRCLED[inner].text)
    raise Refused("nothing like this in a circle")

r"""White space: `\quad`, `\hspace{1cm}`, `\kern 3pt`, and `\rule`, a blank to fill in."""

from __future__ import annotations

import re

from qmath_cli.mathematics.lexer import TokenKind
from qmath_cli.mathematics.parser import Parser
from qmath_cli.mathematics.tree import Accent, AccentMark, Node, Refused, Space

#: Terminal columns per unit.
_SCALE = {"em": 2.0, "cm": 5.0, "pt": 0.2, "mm": 0.5, "in": 12.0, "ex": 1.0, "mu": 0.1}


def space(_parser: Parser, command: str) -> Node:
    r"""`\quad`, `\,` and the other spaces of a fixed size."""
    return Space({"quad": 2, "qquad": 4}.get(command, 1))


def distance(parser: Parser, command: str) -> Node | None:
    r"""`\hspace{1cm}`, `\kern 3pt`, `\phantom{x}`; None for a negative length."""
    if parser.at_character("*"):
        parser.take()
    if command == "phantom":
        parser.group()
        return Space()
    return _blank(parser.raw_group() if _at_brace(parser) else _length(parser))


def _at_brace(parser: Parser) -> bool:
    parser.skip_spaces()
    return parser.peek().kind is TokenKind.OPEN


def _length(parser: Parser) -> str:
    r"""The length after `\hskip` or `\kern`, which has no braces: a sign, a number, two letters."""
    found = ""
    while parser.peek().kind in {TokenKind.NUMBER, TokenKind.SPACE} or parser.at_character("-"):
        found += parser.take().text
    unit = parser.source[parser.peek().start :][:2]
    if unit not in _SCALE:
        raise Refused("no length")
    return found + parser.take().text + parser.take().text


def _blank(length: str) -> Space | None:
    """A length as columns, at least one; None if it is negative, one column if it is unknown."""
    found = re.match(r"\s*(-?)\s*(\d*\.?\d+)\s*([a-z]{2})", length)
    if found is None or found[3] not in _SCALE:
        return Space()
    return None if found[1] else Space(min(40, max(1, round(float(found[2]) * _SCALE[found[3]]))))


def rule(parser: Parser, _command: str) -> Node:
    r"""`\rule{1cm}{0.4pt}`: a blank to fill in."""
    width = _blank(parser.raw_group())
    parser.raw_group()
    return Accent(AccentMark.UNDERLINE, width or Space())

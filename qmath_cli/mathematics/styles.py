r"""Alphabets on formulas: `\mathbf{\hat n}`, `\boldsymbol{\alpha + 1}`, and the switches `\bf`, `\rm`, `\cal`.

Letters and digits are turned into the characters that Unicode has for the alphabet. A sign that has no such form keeps
its own: a style never makes a formula unreadable.
"""

from __future__ import annotations

import re
from dataclasses import replace

from qmath_cli.mathematics.parser import Parser, simplify
from qmath_cli.mathematics.symbols import ALPHABETS, in_alphabet
from qmath_cli.mathematics.tree import (
    Accent,
    Atom,
    Boxed,
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

_SWITCHES = {"bf": "mathbf", "bfseries": "mathbf", "boldmath": "boldsymbol", "cal": "mathcal", "mit": ""}


def alphabet(parser: Parser, command: str) -> Node:
    r"""`\mathbf{...}`."""
    return in_style(command, parser.argument())


def switch(parser: Parser, command: str) -> Node:
    r"""`\bf`: the alphabet of everything up to the end of the group."""
    body, name = parser.rest(), _SWITCHES[command]
    return in_style(name, body) if name else body


def upright(parser: Parser, _command: str) -> Node:
    r"""`\mathrm{lcm}`: letters alone are a word, anything else is a formula."""
    parser.skip_spaces()
    if parser.peek().text != "{":
        return parser.argument()
    start = parser.peek().end
    body = parser.group()
    return _word(parser.source[start : parser.source.find("}", start)]) or body


def upright_switch(parser: Parser, _command: str) -> Node:
    r"""`{\rm lcm}`: likewise, up to the end of the group."""
    parser.skip_spaces()
    start = parser.peek().start
    body = parser.rest()
    return _word(parser.source[start : parser.peek().start].strip()) or body


def _word(source: str) -> Text | None:
    return Text(source.replace("~", " ")) if re.fullmatch(r"[A-Za-z~ ]+", source) else None


def in_style(name: str, node: Node) -> Node:
    """A formula whose letters and digits are in one of the `ALPHABETS`, as far as it has them."""
    if name not in ALPHABETS:
        return node
    match node:
        case Atom():
            return _letter(name, node)
        case Row():
            return simplify(in_style(name, item) for item in node.items)
        case Accent() | Boxed() | Fence():
            return replace(node, body=in_style(name, node.body))
        case Fraction():
            return replace(node, top=in_style(name, node.top), bottom=in_style(name, node.bottom))
        case _:
            return _built(name, node)


def _built(name: str, node: Node) -> Node:
    match node:
        case Root():
            return replace(node, radicand=in_style(name, node.radicand), degree=_optional(name, node.degree))
        case Script():
            base = in_style(name, node.base)
            return replace(node, base=base, sub=_optional(name, node.sub), sup=_optional(name, node.sup))
        case Stack():
            base = in_style(name, node.base)
            return replace(node, base=base, over=_optional(name, node.over), under=_optional(name, node.under))
        case Table():
            return replace(node, rows=tuple(tuple(in_style(name, cell) for cell in row) for row in node.rows))
        case _:
            return node


def _optional(name: str, node: Node | None) -> Node | None:
    return None if node is None else in_style(name, node)


def _letter(name: str, atom: Atom) -> Atom:
    if atom.role is Role.NUMBER:
        return _number(name, atom)
    if atom.role is not Role.ORDINARY or len(atom.text) != 1:
        return atom
    return in_alphabet(name, atom.text) or atom


def _number(name: str, atom: Atom) -> Atom:
    """A number in one piece: its digits in the alphabet, its decimal point as it is."""
    found = [in_alphabet(name, char) for char in atom.text]
    styled = next((letter for letter in found if letter is not None), None)
    if styled is None:
        return atom
    text = "".join(letter.text if letter else char for letter, char in zip(found, atom.text, strict=True))
    return Atom(text, Role.NUMBER, f"{(styled.ascii or '').partition('(')[0]}({atom.text})")

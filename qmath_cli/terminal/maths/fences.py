"""Delimiters that grow with their content."""

from __future__ import annotations

from qmath_cli.mathematics.symbols import ASCII_DELIMITERS
from qmath_cli.mathematics.tree import Refused
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.box import Box, side_by_side

# top, middle, bottom, and the piece at half height where there is one
_TALL = {
    "(": "⎛⎜⎝",
    ")": "⎞⎟⎠",
    "[": "⎡⎢⎣",
    "]": "⎤⎥⎦",
    "{": "⎧⎪⎩⎨",
    "}": "⎫⎪⎭⎬",
    "|": "│││",
    "‖": "║║║",
    "⌊": "⎢⎢⎣",
    "⌋": "⎥⎥⎦",
    "⌈": "⎡⎢⎢",
    "⌉": "⎤⎥⎥",
}
_TALL_ASCII = {"(": "/|\\", ")": "\\|/", "[": "[[[", "]": "]]]", "{": "/|\\<", "}": "\\|/>", "|": "|||"}


def fenced(left: str, body: Box, right: str, alphabet: Alphabet) -> Box:
    """A box between delimiters; an empty string is no delimiter. Raises `Refused` for one that does not grow."""
    return side_by_side([_delimiter(left, body, alphabet), body, _delimiter(right, body, alphabet)])


def _delimiter(char: str, body: Box, alphabet: Alphabet) -> Box:
    if not char:
        return Box(("",) * body.height, body.base)
    if body.height == 1:
        return Box((ASCII_DELIMITERS.get(char, char) if alphabet is Alphabet.ASCII else char,))
    pieces = (_TALL_ASCII if alphabet is Alphabet.ASCII else _TALL).get(char)
    if pieces is None:
        raise Refused(f"{char} does not grow")
    rows = [pieces[0], *[pieces[1]] * (body.height - 2), pieces[2]]
    if len(pieces) > 3 and body.height > 2:
        rows[body.height // 2] = pieces[3]
    return Box(tuple(rows), body.base)

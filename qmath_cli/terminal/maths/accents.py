"""Accents on one line: a combining mark on every character, or the mark's name where that would not be read."""

from __future__ import annotations

from unicodedata import combining

from qmath_cli.mathematics.tree import AccentMark, Role
from qmath_cli.terminal.maths.fragments import Fragment

_COMBINING = {
    AccentMark.BAR: "\u0305",
    AccentMark.HAT: "\u0302",
    AccentMark.TILDE: "\u0303",
    AccentMark.VECTOR: "\u20d7",
    AccentMark.DOT: "\u0307",
}
_COMBINING |= {AccentMark.DOUBLE_DOT: "\u0308", AccentMark.UNDERLINE: "\u0332", AccentMark.CANCEL: "\u0336"}
_COMBINING |= {AccentMark.TRIPLE_DOT: "\u20db", AccentMark.LEFT_VECTOR: "\u20d6", AccentMark.CHECK: "\u030c"}
_COMBINING |= {AccentMark.BREVE: "\u0306", AccentMark.ACUTE: "\u0301", AccentMark.GRAVE: "\u0300"}
_COMBINING |= {AccentMark.RING: "\u030a"}


def accented(mark: AccentMark, body: Fragment, *, ascii_only: bool) -> Fragment:
    """An expression with its mark."""
    text = body.text
    if mark is AccentMark.UNDERLINE and not text.strip():  # a blank to fill in
        return Fragment("_" * max(4, len(text)), Role.ORDINARY, Role.ORDINARY)
    if ascii_only or (mark in {AccentMark.ARC, AccentMark.LINE} and text):
        return Fragment(f"{mark}({text})", Role.ORDINARY, Role.CLOSE)
    marked = "".join(char if combining(char) else char + _COMBINING[mark] for char in text)
    return Fragment(marked, Role.ORDINARY, Role.ORDINARY, number=body.number)

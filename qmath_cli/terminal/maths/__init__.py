"""LaTeX mathematics as text in a terminal. It shows the mathematics as written, or says that it cannot (None)."""

from __future__ import annotations

from qmath_cli.mathematics.constructs import parse
from qmath_cli.mathematics.tree import Refused
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.broken import display
from qmath_cli.terminal.maths.line import line

__all__ = ["Alphabet", "render_display", "render_inline", "understood"]


def render_inline(latex: str, alphabet: Alphabet = Alphabet.UNICODE) -> str | None:
    """`latex` (without delimiters) on one line; None where that cannot be done without changing what it says."""
    try:
        return line(parse(latex), alphabet)
    except Refused:
        return None


def render_display(latex: str, width: int, alphabet: Alphabet = Alphabet.UNICODE) -> list[str] | None:
    """`latex` as rows of at most `width` columns; None where that cannot be done without changing what it says."""
    try:
        return [row.rstrip() for row in display(parse(latex), width, alphabet).rows]
    except Refused:
        return None


def understood(latex: str) -> bool:
    """Whether every command of `latex` is known, and its braces and environments are closed."""
    try:
        parse(latex)
    except Refused:
        return False
    return True

"""LaTeX mathematics drawn as text. A drawing never changes the meaning; where that is impossible there is none."""

from __future__ import annotations

from qmath_cli.mathematics.constructs import parse
from qmath_cli.mathematics.tree import Refused
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.line import line
from qmath_cli.terminal.maths.line_breaking import display

__all__ = ["Alphabet", "render_display", "render_inline", "understood"]


def render_inline(latex: str, alphabet: Alphabet = Alphabet.UNICODE) -> str | None:
    """Draw a formula on one line.

    Args:
        latex: The formula without its delimiters.
        alphabet: The characters to draw with.

    Returns:
        The line; None if the formula is not understood or one line would change its meaning.
    """
    try:
        return line(parse(latex), alphabet)
    except Refused:
        return None


def render_display(latex: str, width: int, alphabet: Alphabet = Alphabet.UNICODE) -> list[str] | None:
    """Draw a formula in two dimensions.

    Args:
        latex: The formula without its delimiters.
        width: Columns that a row may have.
        alphabet: The characters to draw with.

    Returns:
        The rows; None if the formula is not understood or does not fit.
    """
    try:
        return [row.rstrip() for row in display(parse(latex), width, alphabet).rows]
    except Refused:
        return None


def understood(latex: str) -> bool:
    """Whether `latex` can be parsed: every command is known, and braces and environments are closed."""
    try:
        parse(latex)
    except Refused:
        return False
    return True

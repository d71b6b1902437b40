"""LaTeX mathematics drawn as text. A drawing never changes the meaning; where that is impossible there is none."""

from __future__ import annotations

from qmath_cli.mathematics.constructs import parse
from qmath_cli.mathematics.tree import Refused
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.breaking.lines import display, on_lines
from qmath_cli.terminal.maths.line import line
from qmath_cli.terminal.maths.unboxed import unboxed
from qmath_cli.terminal.output import clean

__all__ = ["Alphabet", "plain", "render_display", "render_inline", "render_lines", "understood"]


def render_inline(latex: str, alphabet: Alphabet = Alphabet.UNICODE, *, boxes: bool = True) -> str | None:
    r"""Draw a formula on one line.

    Args:
        latex: The formula without its delimiters.
        alphabet: The characters to draw with.
        boxes: Whether `\boxed` has brackets; a screen reader would spell them out.

    Returns:
        The line; None if the formula is not understood or one line would change its meaning.
    """
    try:
        return line(parse(latex) if boxes else unboxed(parse(latex)), alphabet)
    except Refused:
        return None


def plain(latex: str, alphabet: Alphabet = Alphabet.UNICODE) -> str:
    """An answer on one line of plain characters, such as `19/12`; its LaTeX on one line where that is impossible."""
    source = " ".join(clean(latex).split())
    drawn = render_inline(source, alphabet)
    return source if drawn is None else " ".join(drawn.split())


def render_display(latex: str, width: int, alphabet: Alphabet = Alphabet.UNICODE) -> list[str] | None:
    """Draw a formula in two dimensions.

    Args:
        latex: The formula without its delimiters.
        width: Columns that a row may have.
        alphabet: The characters to draw with.

    Returns:
        The rows, none wider than `width`; None if the formula is not understood or cannot be drawn.
    """
    try:
        return [row.rstrip() for row in display(parse(latex), width, alphabet).rows]
    except Refused:
        return None


def render_lines(
    latex: str, width: int, alphabet: Alphabet = Alphabet.UNICODE, *, boxes: bool = True
) -> list[str] | None:
    r"""Draw a formula without a second dimension, on as many lines as it needs.

    Args:
        latex: The formula without its delimiters.
        width: Columns that a line may have.
        alphabet: The characters to draw with.
        boxes: Whether `\boxed` has brackets.

    Returns:
        The lines, none wider than `width`: one if it fits, else broken before relations and operators, and a table one
        row per line. None if the formula is not understood or one line would change its meaning.
    """
    try:
        return [row.rstrip() for row in on_lines(parse(latex) if boxes else unboxed(parse(latex)), width, alphabet)]
    except Refused:
        return None


def understood(latex: str) -> bool:
    """Whether `latex` can be parsed: every command is known, and braces and environments are closed."""
    try:
        parse(latex)
    except Refused:
        return False
    return True

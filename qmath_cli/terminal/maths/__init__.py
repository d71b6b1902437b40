"""LaTeX mathematics as text in a terminal. It shows the mathematics as written, or says that it cannot (None)."""

from __future__ import annotations

from qmath_cli.mathematics.constructs import parse
from qmath_cli.mathematics.tree import Refused
from qmath_cli.terminal.maths.alphabet import Style
from qmath_cli.terminal.maths.broken import display
from qmath_cli.terminal.maths.line import line

__all__ = ["Style", "render_display", "render_inline", "understood"]


def render_inline(latex: str, style: Style = Style.UNICODE) -> str | None:
    """`latex` (without delimiters) on one line; None where that cannot be done without changing what it says."""
    try:
        return line(parse(latex), style)
    except Refused:
        return None


def render_display(latex: str, width: int, style: Style = Style.UNICODE) -> list[str] | None:
    """`latex` as rows of at most `width` columns; None where that cannot be done without changing what it says."""
    try:
        return [row.rstrip() for row in display(parse(latex), width, style).rows]
    except Refused:
        return None


def understood(latex: str) -> bool:
    """Whether every command of `latex` is known, and its braces and environments are closed."""
    try:
        parse(latex)
    except Refused:
        return False
    return True

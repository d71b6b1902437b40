"""LaTeX mathematics as text in a terminal. It shows the mathematics as written, or says that it cannot (None).

For now it refuses everything, so that callers show the source.
"""

from __future__ import annotations

from qmath_cli.terminal.maths.style import Style

__all__ = ["Style", "render_display", "render_inline"]


def render_inline(latex: str, style: Style = Style.UNICODE) -> str | None:  # noqa: ARG001
    """`latex` (without delimiters) on one line; None where that cannot be done without changing what it says."""
    return None


def render_display(latex: str, width: int, style: Style = Style.UNICODE) -> list[str] | None:  # noqa: ARG001
    """`latex` as rows of at most `width` columns; None where that cannot be done without changing what it says."""
    return None

"""Syntax colours for Python, line by line, as it streams: keywords stand out, comments stand back.

Each line is coloured on its own, so the inside of a string over several lines may have wrong colours.
"""

from __future__ import annotations

import keyword
import re

from qmath_cli.terminal.style import Paint, Style

_TOKEN = re.compile(
    r"""(?P<comment>\#.*)
      | (?P<text>[rbfRBF]{0,2}(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))
      | (?P<word>\b[A-Za-z_]\w*\b)""",
    re.VERBOSE,
)


def highlight(line: str, style: Style) -> str:
    """Colour the comments and keywords of one line; the characters are unchanged."""

    def colour(found: re.Match[str]) -> str:
        text = found.group()
        if found.lastgroup == "comment":
            return style.dim(text)
        return style.paint(text, Paint.CODE_WORD) if keyword.iskeyword(text) else text

    return _TOKEN.sub(colour, line) if style.colour else line

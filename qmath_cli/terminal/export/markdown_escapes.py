r"""Prose in a Markdown document: a person's text appears as it was typed, a model's Markdown stays Markdown.

Escapes are those of CommonMark 0.31 (a backslash before ASCII punctuation). Markup is what any of CommonMark, GitHub,
Jupyter and pandoc takes for it: tables, `~x~` and `^x^` too.
"""

from __future__ import annotations

import re

from qmath_cli.terminal.markdown_stream import Piece

#: How a dollar sign is written that is none of mathematics. Jupyter reads Markdown first and lets MathJax look for
#: pairs of dollar signs after that, when escapes are gone; MathJax does not look across elements.
DOLLAR = r"\$"
JUPYTER_DOLLAR = "<span>&#36;</span>"

#: What is markup wherever it stands; a bracket only before what makes a link of it, an ampersand only in an entity.
_ANYWHERE = re.compile(r"[\\`*|~^]|<(?=[A-Za-z/!?])|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|\](?=[(\[:])|&(?=#?\w+;)")
#: What is markup at the start of a line.
_LINE_START = re.compile(
    r"^[ \t]*(?:(?=[#>]|[-+](?:[ \t]|$)|(?:-{2,}|=+)[ \t]*$)|(\d{1,9})(?=[.)](?:[ \t]|$)))", re.MULTILINE
)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)

#: A model's prose: what stays (code, escapes of its own), and what would be read as markup and is none.
_MODEL = re.compile(
    r"""(?P<kept> (?<!`)(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`) | \\[%#&_*] )
      | (?P<dollar> \\?\$ )
      | (?P<latex> \\(?=[\\,;:!{}()\[\]|]) )
      | (?P<tag> <(?=[A-Za-z/!?]) )
      | (?P<times> (?<=[0-9A-Za-z)\]])\*+(?=[0-9A-Za-z(\[\\]) )""",
    re.VERBOSE,
)


def typed(text: str, dollar: str, *, at_line_start: bool = True) -> str:
    r"""A person's text so that it appears as it was typed, line by line.

    Args:
        text: The text, without mathematics.
        dollar: How a dollar sign is written.
        at_line_start: Whether the text begins a line.
    """
    first, newline, rest = text.partition("\n")
    head = _escaped(first, dollar)
    written = _at_line_start(head) if at_line_start else head
    if newline:
        written += newline + _at_line_start(_escaped(rest, dollar))
    return re.sub(r"[ \t]*\n", "  \n", written)  # two blanks keep the line break


def _escaped(text: str, dollar: str) -> str:
    return _ANYWHERE.sub(r"\\\g<0>", text).replace("$", dollar)


def _at_line_start(text: str) -> str:
    """Without indentation, which would make code of a line; a number keeps its digits and loses its list."""
    text = _INDENT.sub("", text)
    return _LINE_START.sub(lambda found: (found.group(1) or "") + "\\", text)


def written(pieces: list[Piece], dollar: str) -> str:
    """A model's prose: Markdown, but no HTML, no dollar sign that opens mathematics, and `2*3*4` is no emphasis."""

    def replaced(found: re.Match[str]) -> str:
        match found.lastgroup:
            case "dollar":
                return dollar
            case "latex" | "tag":
                return "\\" + found.group()
            case "times":
                return "\\*" * len(found.group())
            case _:
                return found.group()

    return _MODEL.sub(replaced, "".join(piece.source for piece in pieces))

"""A text on one line of limited width: a problem in a list, or as the title of a page."""

from __future__ import annotations

from qmath_cli.terminal.markdown_stream import MarkdownStream, Piece, PieceKind
from qmath_cli.terminal.maths import Alphabet, render_inline
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.text_width import columns

_FORMULAS = {PieceKind.INLINE, PieceKind.DISPLAY, PieceKind.BOXED}


def one_line(text: str, width: int, alphabet: Alphabet | None = Alphabet.UNICODE) -> str:
    """A text without line breaks, its formulas drawn where one line can show them.

    Args:
        text: A problem, or Markdown.
        width: Columns; what is longer is cut, and ends with an ellipsis.
        alphabet: The characters to draw with; None: the formulas stay LaTeX.
    """
    stream = MarkdownStream()
    pieces = [*stream.feed(clean(text)), *stream.close()]
    return cut(" ".join("".join(_drawn(piece, alphabet) for piece in pieces).split()), width, alphabet)


def formula(latex: str, width: int, alphabet: Alphabet | None = Alphabet.UNICODE) -> str:
    """The same for a formula without its delimiters."""
    source = " ".join(clean(latex).split())
    drawn = render_inline(source, alphabet) if alphabet is not None else None
    return cut(drawn or source, width, alphabet)


def cut(line: str, width: int, alphabet: Alphabet | None = Alphabet.UNICODE) -> str:
    """A line of at most `width` columns."""
    if columns(line) <= width:
        return line
    ending = "…" if alphabet is Alphabet.UNICODE else "..."
    while line and columns(line) + columns(ending) > width:
        line = line[:-1]
    return line.rstrip() + ending


def _drawn(piece: Piece, alphabet: Alphabet | None) -> str:
    if piece.kind in _FORMULAS and alphabet is not None:
        return render_inline(piece.text, alphabet) or piece.source
    return piece.source

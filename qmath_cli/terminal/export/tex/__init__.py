r"""Solutions as LaTeX that compiles with XeLaTeX, and with pdfLaTeX where nothing in it is Chinese.

Mathematics is written by `formula`, all other text by `words`. So a model's text cannot place commands with side
effects (`\input`, `\write`) in a file that will be compiled; a formula with an unknown command appears as its source.
The preamble has the packages and definitions of what is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from qmath_cli.terminal.export.document import Block, Document, Program, Prose, Result, Sheet
from qmath_cli.terminal.export.tex import formula
from qmath_cli.terminal.export.tex.commands import NEEDS
from qmath_cli.terminal.export.tex.cursor import NotWritable
from qmath_cli.terminal.export.tex.words import verbatim, words
from qmath_cli.terminal.markdown_stream import Piece, PieceKind

_USED = re.compile(r"\\begin\{(\w+)\}|\\([A-Za-z]+)")


def write(sheet: Sheet) -> str:
    """The documents as a LaTeX article."""
    several = len(sheet.documents) > 1
    sections = [line for title, one in sheet.numbered for line in _sections(one, title, several=several)]
    lines = [
        *(["% !TeX program = xelatex"] if sheet.chinese else []),
        r"\documentclass{article}",
        r"\usepackage{amsmath,amssymb}",
        *_needs("\n".join(sections)),
        *([r"\usepackage[fontset=fandol]{ctex}"] if sheet.chinese else []),
        r"\setlength{\parindent}{0pt}\setlength{\parskip}{0.6em}",
        r"\begin{document}",
        *sections,
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def _needs(body: str) -> list[str]:
    """Packages, then definitions."""
    used = {name for found in _USED.finditer(body) for name in found.groups() if name}
    return sorted({NEEDS[name] for name in used if name in NEEDS}, key=lambda line: (line[1] != "u", line))


def _sections(document: Document, title: str, *, several: bool) -> list[str]:
    titles, below = document.titles, "subsection" if several else "section"
    answer = _display(document.answer, document.answer) if document.answer is not None else words(f"({titles.none})")
    return [
        *_section("section", title, _body(document.problem)),
        *_section(below, titles.working, _body(document.working)),
        *_section(below, titles.answer, answer),
        rf"\bigskip{{\footnotesize {words(document.made)}}}",
    ]


def _section(level: str, title: str, text: str) -> list[str]:
    return [rf"\{level}*{{{words(title)}}}", text]


def _body(blocks: Iterable[Block]) -> str:
    return "\n\n".join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    match block:
        case Prose():
            return _words(block)
        case Program():
            return _verbatim(block.code, "frame=leftline")
        case Result():
            return _verbatim(block.text, "frame=leftline,fontshape=it")


def _verbatim(text: str, options: str) -> str:
    """A program or an output; plain ASCII as it stands, so that it can be copied from the file."""
    body = text.expandtabs()
    if not body.isascii() or r"\end{Verbatim}" in body:
        body, options = verbatim(text), options + r",commandchars=\\\{\}"
    return rf"\begin{{Verbatim}}[{options}]" + f"\n{body}\n" + r"\end{Verbatim}"


def _words(prose: Prose) -> str:
    """Prose; where it was typed, a new line is a new paragraph."""
    written, strong, heading = "", False, False
    for piece in prose.pieces:
        if piece.kind is PieceKind.STRONG:
            written += "}" if strong else r"\textbf{"
            strong = not strong
        elif piece.kind is PieceKind.HEADING:
            written, heading = written + r"\subsection*{", True
        elif piece.kind is PieceKind.PROSE:
            text, line_end, rest = words(piece.text).replace("\n", "\n\n" if prose.typed else "\n").partition("\n")
            closing = "}" * (strong + heading) if line_end else ""
            if line_end:
                strong = heading = False
            written += text + closing + line_end + rest
        else:
            written += _span(piece, display=not (strong or heading))
    return (written + "}" * (strong + heading)).strip("\n")


def _span(piece: Piece, *, display: bool) -> str:
    """A formula, or a mark; a displayed formula stays in the line where a display cannot stand."""
    if piece.kind is PieceKind.BULLET:
        return "\n\n" + r"\textbullet{} "
    if piece.kind is PieceKind.DISPLAY and display:
        return _display(piece.text, piece.source)
    try:
        return formula.inline(piece.text)
    except NotWritable:
        return _source(piece.source)


def _display(latex: str, source: str) -> str:
    try:
        return f"\n{formula.display(latex)}\n"
    except NotWritable:
        return _source(source)


def _source(text: str) -> str:
    """A formula that cannot be typeset, as it was written."""
    return rf"\texttt{{{words(' '.join(text.split()))}}}"

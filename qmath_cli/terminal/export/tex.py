r"""A solution as LaTeX. Mathematics is copied if `mathematics` can parse it; all other text is escaped.

So a model's text cannot place commands with side effects (`\input`, `\write`) in a file that will be compiled.
"""

from __future__ import annotations

from collections.abc import Iterable

from qmath_cli.terminal.export.document import Block, Document, Program, Prose, Result
from qmath_cli.terminal.markdown_stream import Piece, PieceKind
from qmath_cli.terminal.maths import understood

_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "%": r"\%",
        "#": r"\#",
        "&": r"\&",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "·": r"\textperiodcentered{}",
    }
)


def write(document: Document) -> str:
    """The document as a LaTeX article; `xelatex` or `lualatex` where it is in Chinese."""
    titles = document.titles
    answer = _display(document.answer) if document.answer is not None else _escape(f"({titles.none})")
    lines = [
        r"\documentclass{article}",
        r"\usepackage{amsmath,amssymb,fancyvrb}",
        *([r"\usepackage[fontset=fandol]{ctex}"] if document.chinese else []),
        r"\setlength{\parindent}{0pt}\setlength{\parskip}{0.6em}",
        r"\begin{document}",
        *_section(titles.problem, _body(document.problem)),
        *_section(titles.working, _body(document.working)),
        *_section(titles.answer, answer),
        rf"\bigskip{{\footnotesize {_escape(document.made)}}}",
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def _section(title: str, text: str) -> list[str]:
    return [rf"\section*{{{_escape(title)}}}", text]


def _body(blocks: Iterable[Block]) -> str:
    return "\n\n".join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    match block:
        case Prose():
            return _words(block.pieces)
        case Program():
            return _verbatim(block.code, "frame=leftline")
        case Result():
            return _verbatim(block.text, "frame=leftline,fontshape=it")


def _verbatim(text: str, options: str) -> str:
    body = text.replace(r"\end{Verbatim}", r"\end {Verbatim}")
    return rf"\begin{{Verbatim}}[{options}]" + f"\n{body}\n" + r"\end{Verbatim}"


def _words(pieces: Iterable[Piece]) -> str:
    written, strong, heading = "", False, False
    for piece in pieces:
        if piece.kind is PieceKind.STRONG:
            written += "}" if strong else r"\textbf{"
            strong = not strong
        elif piece.kind is PieceKind.HEADING:
            written, heading = written + r"\subsection*{", True
        elif piece.kind is PieceKind.PROSE:
            text, line_end, rest = _escape(piece.text).partition("\n")
            closing = "}" * (strong + heading) if line_end else ""
            if line_end:
                strong = heading = False
            written += text + closing + line_end + rest
        else:
            written += _span(piece)
    return (written + "}" * (strong + heading)).strip("\n")


def _span(piece: Piece) -> str:
    if piece.kind is PieceKind.BULLET:
        return "\n\n" + r"\textbullet{} "
    if not understood(piece.text):
        return rf"\texttt{{{_escape(piece.source)}}}"
    if piece.kind is PieceKind.DISPLAY:
        return _display(piece.text)
    return rf"\({' '.join(piece.text.split())}\)"


def _display(latex: str) -> str:
    r"""A displayed formula; an environment that is a display itself (`align`) is not put between `\[` and `\]`."""
    if not understood(latex):
        return rf"\texttt{{{_escape(latex)}}}"
    body = "\n".join(line for line in latex.strip().split("\n") if line.strip())
    if body.startswith((r"\begin{align", r"\begin{gather", r"\begin{equation")) and "aligned" not in body[:16]:
        return f"\n{body}\n"
    return "\n" + r"\[" + f"\n{body}\n" + r"\]" + "\n"


def _escape(text: str) -> str:
    """Plain text for LaTeX."""
    return text.translate(_ESCAPES)

"""A solution as Markdown, with mathematics between dollar signs as GitHub, Jupyter and pandoc read it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from qmath_cli.terminal.export import markdown_escapes
from qmath_cli.terminal.export.document import Block, Document, Program, Prose, Result, Sheet
from qmath_cli.terminal.markdown_stream import Piece, PieceKind

_NESTED = re.compile(r"\\.|\$([^$\\]*)\$|\$", re.DOTALL)
_LOOSE_BLANKS = re.compile(r"[ \t]+(?=\n[ \t]*\n|\Z)|^[ \t]+$", re.MULTILINE)


def sheet(sheet: Sheet) -> str:
    """All documents as Markdown, one after the other."""
    return "\n".join(write(one, title=title, several=len(sheet.documents) > 1) for title, one in sheet.numbered)


def write(document: Document, dollar: str = markdown_escapes.DOLLAR, *, title: str = "", several: bool = False) -> str:
    """The document as Markdown.

    Args:
        document: The document.
        dollar: How a dollar sign in prose is written.
        title: The heading of the problem; by default, that of a document alone in its file.
        several: Working and answer have headings below that of their problem.
    """
    titles, below = document.titles, "##" if several else "#"
    parts = [
        f"# {title or titles.problem}",
        body(document.problem, dollar),
        f"{below} {titles.working}",
        body(document.working, dollar),
        f"{below} {titles.answer}",
        closing(document, dollar),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def closing(document: Document, dollar: str = markdown_escapes.DOLLAR) -> str:
    """The answer, and what made it."""
    answer = display(document.answer) if document.answer is not None else f"({document.titles.none})"
    return f"{answer}\n\n<sub>{markdown_escapes.typed(document.made, dollar)}</sub>"


def body(blocks: Iterable[Block], dollar: str = markdown_escapes.DOLLAR) -> str:
    """Blocks as Markdown."""
    return "\n\n".join(text for text in (block_text(block, dollar) for block in blocks) if text)


def block_text(block: Block, dollar: str = markdown_escapes.DOLLAR) -> str:
    """One block as Markdown; `dollar` is how a dollar sign in prose is written."""
    match block:
        case Prose():
            return _words(block, dollar)
        case Program():
            return _fenced(block.code, block.language)
        case Result():
            return _fenced(block.text, "output")


def display(latex: str, indent: str = "") -> str:
    """A displayed formula on lines of its own."""
    lines = ["$$", *(line for line in _formula(latex).split("\n") if line.strip()), "$$"]
    return "\n".join(indent + line.strip() for line in lines)


def _words(prose: Prose, dollar: str) -> str:
    """Prose with its mathematics between dollar signs."""
    text = ""
    for is_prose, group in groupby(prose.pieces, key=lambda piece: piece.kind is PieceKind.PROSE):
        if not is_prose:
            for piece in group:
                text += _marked(piece, text.rpartition("\n")[2])
        elif prose.typed:
            plain = "".join(piece.text for piece in group)
            text += markdown_escapes.typed(plain, dollar, at_line_start=not text or text.endswith("\n"))
        else:
            text += markdown_escapes.written(list(group), dollar)
    return _LOOSE_BLANKS.sub("", text).strip("\n")


def _marked(piece: Piece, line: str) -> str:
    """A formula, or a mark of the model's Markdown; `line` is what stands before it on its line."""
    if piece.kind is PieceKind.DISPLAY and piece.text.strip():
        indent = line if line.isspace() else ""  # keeps the formula in its list
        return f"\n{display(piece.text, indent)}\n"
    if piece.kind in {PieceKind.INLINE, PieceKind.BOXED} and piece.text.strip():
        return f"${' '.join(_formula(piece.text).split())}$"
    return piece.source.replace("\\", "\\\\")


def _formula(latex: str) -> str:
    r"""A formula without dollar signs that would end it: `\text{if $x$}` has its own delimiters then."""

    def inner(found: re.Match[str]) -> str:
        if not found.group().startswith("$"):
            return found.group()
        return rf"\({found.group(1)}\)" if found.group(1) else r"\$"

    return _NESTED.sub(inner, latex.strip())


def _fenced(text: str, language: str) -> str:
    """A fenced block whose fence is longer than any inside it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"

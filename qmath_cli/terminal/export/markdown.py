"""A solution as Markdown, with mathematics between dollar signs as GitHub, Jupyter and pandoc read it."""

from __future__ import annotations

from collections.abc import Iterable

from qmath_cli.terminal.export.document import Block, Document, Program, Prose, Result
from qmath_cli.terminal.markdown_stream import Piece, PieceKind


def write(document: Document) -> str:
    """The document as Markdown."""
    titles = document.titles
    answer = f"$$\n{document.answer}\n$$" if document.answer is not None else f"({titles.none})"
    parts = [
        f"# {titles.problem}",
        body(document.problem),
        f"# {titles.working}",
        body(document.working),
        f"# {titles.answer}",
        answer,
        f"<sub>{document.made}</sub>",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def body(blocks: Iterable[Block]) -> str:
    """Blocks as Markdown."""
    return "\n\n".join(text for text in (block_text(block) for block in blocks) if text)


def block_text(block: Block) -> str:
    """One block as Markdown."""
    match block:
        case Prose():
            return _words(block.pieces)
        case Program():
            return _fenced(block.code, block.language)
        case Result():
            return _fenced(block.text, "output")


def _words(pieces: Iterable[Piece]) -> str:
    """Prose with its mathematics between dollar signs, and any other dollar sign escaped."""
    return "".join(_piece(piece) for piece in pieces).strip("\n")


def _piece(piece: Piece) -> str:
    match piece.kind:
        case PieceKind.INLINE | PieceKind.BOXED:
            return f"${' '.join(piece.text.split())}$"
        case PieceKind.DISPLAY:
            return f"\n$$\n{piece.text.strip()}\n$$\n"
        case PieceKind.PROSE:
            return piece.source if piece.source != piece.text else piece.text.replace("$", "\\$")
        case _:
            return piece.source


def _fenced(text: str, language: str) -> str:
    """A fenced block whose fence is longer than any inside it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"

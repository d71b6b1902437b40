"""A solution as one self-contained HTML file: MathML for the mathematics, inline style, no script."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from qmath_cli.terminal.export.document import Block, Document, Program, Prose, Result
from qmath_cli.terminal.markdown_stream import Piece, PieceKind
from qmath_cli.terminal.maths.mathml import mathml

_STYLE = """
body { max-width: 46em; margin: 2em auto; padding: 0 1em; font: 1rem/1.5 system-ui, sans-serif; }
pre { padding: .6em .8em; border-left: 3px solid #888; overflow-x: auto; }
pre.output { border-left-style: dotted; }
math { font-size: 1.1em; } math[display=block] { margin: .8em 0; }
.answer { border: 1px solid; border-radius: .4em; padding: .4em 1em; display: inline-block; }
footer { color: #666; font-size: .85em; margin-top: 2em; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } footer { color: #999; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write(document: Document) -> str:
    """The document as HTML."""
    titles = document.titles
    language = "zh" if document.chinese else "en"
    answer = formula(document.answer, display=True) if document.answer is not None else escape(f"({titles.none})")
    source = f"<p><code>{escape(document.answer)}</code></p>" if document.answer is not None else ""
    return (
        f'<!doctype html>\n<html lang="{language}">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>qmath</title>\n<style>{_STYLE}</style>\n'
        f"<h1>{titles.problem}</h1>\n{body(document.problem)}\n"
        f"<h1>{titles.working}</h1>\n{body(document.working)}\n"
        f'<h1>{titles.answer}</h1>\n<div class="answer">{answer}</div>{source}\n'
        f"<footer>{escape(document.made)}</footer>\n</html>\n"
    )


def body(blocks: Iterable[Block]) -> str:
    """Blocks as HTML."""
    return "\n".join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    match block:
        case Prose():
            return _words(block.pieces)
        case Program():
            return f"<pre><code>{escape(block.code)}</code></pre>"
        case Result():
            return f'<pre class="output"><samp>{escape(block.text)}</samp></pre>'


def formula(latex: str, *, display: bool = False) -> str:
    """MathML, or the source where the formula is not understood."""
    drawn = mathml(latex, display=display)
    return drawn if drawn is not None else f"<code>{escape(latex)}</code>"


def _words(pieces: Iterable[Piece]) -> str:
    """Prose as paragraphs; an empty line ends a paragraph, a single line break stays a break."""
    written, open_tag = "", ""
    for piece in pieces:
        if piece.kind is PieceKind.STRONG:
            written += "</strong>" if open_tag == "strong" else "<strong>"
            open_tag = "" if open_tag == "strong" else "strong"
        elif piece.kind is PieceKind.HEADING:
            written, open_tag = written + "<strong>", "strong"
        elif piece.kind is PieceKind.PROSE:
            head, newline, rest = escape(piece.text).partition("\n")
            closing = "</strong>" if newline and open_tag else ""
            open_tag = "" if newline else open_tag
            written += head + closing + newline + rest
        else:
            written += _span(piece)
    written += "</strong>" if open_tag else ""
    paragraphs = [part.strip("\n").replace("\n", "<br>\n") for part in written.split("\n\n")]
    return "\n".join(f"<p>{part}</p>" for part in paragraphs if part.strip())


def _span(piece: Piece) -> str:
    if piece.kind is PieceKind.BULLET:
        return "• "
    return formula(piece.text, display=piece.kind is PieceKind.DISPLAY)

"""Solutions as one self-contained HTML file: MathML for the mathematics, inline style, no script."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from qmath_cli.terminal.export.document import Block, Document, Program, Prose, Result, ScoredStep, Sheet
from qmath_cli.terminal.markdown_stream import Piece, PieceKind
from qmath_cli.terminal.maths.mathml import mathml

#: How programs, outputs and formulas stand on a page: what is too wide is scrolled sideways only (a formula gets no
#: scroll bar at its side for a pixel of its height), and on paper nothing is cut off or folded up.
BLOCKS = """
pre { padding: .6em .8em; border-left: 3px solid #888; overflow-x: auto; } pre.output { border-left-style: dotted; }
math { font-size: 1.1em; }
math[display=block] { margin: .5em 0; padding: .3em 0; overflow-x: auto; overflow-y: hidden; }
@media print { pre { white-space: pre-wrap; } pre, math[display=block], .scroll { overflow: visible; }
  details::details-content { content-visibility: visible; } h1, h2, summary { break-after: avoid; }
  pre, .answer, math { break-inside: avoid; } body { max-width: none; margin: 0; color: #000; background: #fff; } }
"""
_STYLE = """
body { max-width: 46em; margin: 2em auto; padding: 0 1em; font: 1rem/1.5 system-ui, sans-serif; }
.answer { border: 1px solid; border-radius: .4em; padding: .4em 1em; display: inline-block; max-width: 100%; }
.step { display: grid; grid-template-columns: 3em minmax(0, 1fr); padding-left: .4em; }
.step { border-left: 3px solid transparent; }
.score { color: #666; font-variant-numeric: tabular-nums; margin-top: 1em; } .doubtful { border-color: #c00; }
.doubtful > .score { color: #c00; font-weight: bold; }
footer { color: #666; font-size: .85em; margin-top: 2em; } article + article { border-top: 2px solid #888; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } footer { color: #999; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write(sheet: Sheet) -> str:
    """The documents as one HTML page."""
    language = "zh" if sheet.chinese else "en"
    below = "h2" if len(sheet.documents) > 1 else "h1"
    articles = "\n".join(_article(title, one, below) for title, one in sheet.numbered)
    return (
        f'<!doctype html>\n<html lang="{language}">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(sheet.title)}</title>\n'
        f"<style>{_STYLE}{BLOCKS}</style>\n{articles}\n</html>\n"
    )


def _article(title: str, document: Document, below: str) -> str:
    titles = document.titles
    answer = formula(document.answer, display=True) if document.answer is not None else escape(f"({titles.none})")
    source = f"<p><code>{escape(document.answer)}</code></p>" if document.answer is not None else ""
    working = _scored(document.steps) if document.steps else body(document.working)
    return (
        f"<article>\n<h1>{title}</h1>\n{body(document.problem)}\n"
        f"<{below}>{titles.working}</{below}>\n{working}\n"
        f'<{below}>{titles.answer}</{below}>\n<div class="answer">{answer}</div>{source}\n'
        f"<footer>{escape(document.made)}</footer>\n</article>"
    )


def _scored(steps: Iterable[ScoredStep]) -> str:
    """The steps, each beside its score."""
    rows = (
        f'<div class="step{" doubtful" if step.doubtful else ""}"><span class="score">{step.score:.2f}</span>'
        f"<div>{body(step.blocks)}</div></div>"
        for step in steps
    )
    return "\n".join(rows)


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

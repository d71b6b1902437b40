"""The transcript of a solution: a model's text and its programs' outputs as text for a terminal.

Append-only: text that was returned is never changed later. Prose keeps the model's words and blank lines, is broken
between words, and has bold and headings as SGR bold. Inline mathematics is drawn on one line, display mathematics in
two dimensions, with a blank line around it where it is tall. Programs are indented and coloured, and what they print in
LaTeX is drawn. A formula that `maths` refuses is shown as its source, dimmed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qmath_cli.records import Output, RunStatus
from qmath_cli.terminal.bare_formula import is_printed_latex
from qmath_cli.terminal.highlight import highlight
from qmath_cli.terminal.markdown_stream import MarkdownStream, Piece, PieceKind
from qmath_cli.terminal.maths import render_display, render_inline, render_lines
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.style import Paint, Style
from qmath_cli.terminal.word_wrap import WordWrap, unpainted

_INDENT = "    "


class Transcript:
    """Turns text, as it streams, into output: `text`, `program_output` and `end` return what to write next."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._stream = MarkdownStream()
        self._strong = False
        self._heading = False
        self._language = ""  # of the code block that is open
        self._output_rows = 0  # rows of the output block that is open
        self._wrap = WordWrap(style.text_width)
        self._tail = "\n\n"  # the last two characters that were written
        self._air = False  # a tall formula has ended: an empty line separates it from what follows
        self._after_output = False  # an output block has ended: an empty line separates it from what follows
        self._skip_newline = False  # a drawing has ended its line: a newline directly after it is dropped

    @property
    def held(self) -> int:
        """Characters that are held back: those of a formula or a row of code that is not complete."""
        return self._stream.held

    def text(self, text: str) -> str:
        """Add text of the model."""
        return self._pieces(self._stream.feed(clean(text)))

    def end(self) -> str:
        """End the text or interrupt it: return everything held back, and end the line."""
        written = self._pieces(self._stream.close()) + self._finish_line()
        self._strong = self._heading = self._skip_newline = False
        self._language = ""
        return written

    def program_output(self, output: Output) -> str:
        """Add the output of a program."""
        self._output_rows = 0
        failed = output.status is not RunStatus.OK
        rows = clean(output.text).rstrip("\n").split("\n")
        written = self.end() + "".join(self._output_row(row, failed=failed) for row in rows)
        self._after_output = True
        return written

    # ------------------------------------------------------------ pieces

    def _pieces(self, pieces: Iterable[Piece]) -> str:
        return "".join(self._piece(piece) for piece in pieces)

    def _piece(self, piece: Piece) -> str:
        separator = self._put("\n") if self._after_output and not piece.source.startswith("\n") else ""
        self._after_output = False
        return separator + self._drawn(piece)

    def _drawn(self, piece: Piece) -> str:
        match piece.kind:
            case PieceKind.PROSE:
                return self._prose(piece.text)
            case PieceKind.STRONG | PieceKind.HEADING | PieceKind.BULLET:
                return self._mark(piece)
            case PieceKind.INLINE | PieceKind.BOXED:
                return self._inline(piece)
            case PieceKind.DISPLAY:
                return self._display(piece)
            case _:
                return self._code(piece)

    def _mark(self, piece: Piece) -> str:
        if piece.kind is PieceKind.STRONG:
            self._strong = not self._strong
        elif piece.kind is PieceKind.HEADING:
            self._heading = True
        else:
            indent = piece.source[: len(piece.source) - len(piece.text)]
            mark = self._wrap.text(indent + ("• " if self._style.unicode else "- "))
            return self._put(self._aired() + mark + self._wrap.hang())
        return ""

    def _prose(self, text: str) -> str:
        if self._skip_newline:
            text = text.lstrip(" ") if text.strip(" ") else ""
            if text.startswith("\n"):
                text, self._skip_newline = text[1:], False
        if not text:
            return ""
        written = self._put(("" if text.startswith("\n") else self._aired()) + self._wrap.text(text, self._painter()))
        self._skip_newline = self._air = False
        if "\n" in text:
            self._heading = self._strong = False
        return written

    def _painter(self) -> Callable[[str], str]:
        """How words are painted now."""
        return self._style.strong if self._strong or self._heading else unpainted

    def _aired(self) -> str:
        """The empty line after a tall formula, if one is due."""
        due = self._air and not self._tail.endswith("\n\n")
        self._air = False
        return "\n" if due else ""

    def _put(self, text: str) -> str:
        """Note that `text` is written, and return it."""
        self._tail = (self._tail + text)[-2:]
        return text

    def _finish_line(self) -> str:
        return self._put(self._wrap.end_line())

    def _line(self, text: str) -> str:
        """A line of its own."""
        self._skip_newline = False
        return self._finish_line() + self._put(self._aired() + text.rstrip() + "\n")

    # ------------------------------------------------------------ maths

    def _inline(self, piece: Piece) -> str:
        """A formula on one line; where only two dimensions can show it, on rows of its own; else its source."""
        drawn = render_inline(piece.text, self._style.alphabet, boxes=not self._style.flat)
        if drawn is None and self.drawing(piece.text, self._style.width() - len(_INDENT)) is not None:
            return self._display(piece)
        shown, painter = (piece.source, self._style.dim) if drawn is None else (drawn, self._painter())
        written = self._put(self._aired() + self._wrap.whole(shown, painter))
        self._skip_newline = False
        return written

    def drawing(self, latex: str, width: int) -> list[str] | None:
        """The rows of a displayed formula, in two dimensions if it can be drawn so, none wider than `width` columns."""
        flat = self._style.flat
        rows = None if flat else render_display(latex, width, self._style.alphabet)
        return rows if rows is not None else render_lines(latex, width, self._style.alphabet, boxes=not flat)

    def _display(self, piece: Piece) -> str:
        rows = self.drawing(piece.text, self._style.width() - len(_INDENT))
        if rows is None:
            rows = [self._style.paint(row, Paint.DIM) for row in piece.source.split("\n")]
        tall = len(rows) > 1
        written = self._finish_line()
        if (tall or self._air) and not self._tail.endswith("\n\n"):
            written += self._put("\n")
        self._air = False
        written += "".join(self._line(f"{_INDENT}{row}") for row in rows)
        self._skip_newline, self._air = True, tall
        return written

    # ------------------------------------------------------------ code

    def _code(self, piece: Piece) -> str:
        if piece.kind is PieceKind.CODE_OPEN:
            self._language, self._output_rows = piece.text.lower() or "text", 0
            return self._finish_line()
        if piece.kind is PieceKind.CODE_CLOSE:
            self._after_output, self._language = self._language == "output", ""
            return ""
        row = piece.text.removesuffix("\n")
        if self._language == "output":
            return self._output_row(row, failed=False)
        if self._language in {"python", "py"}:
            row = highlight(row, self._style)
        return self._line(f"{_INDENT}{row}")

    def _output_row(self, row: str, *, failed: bool) -> str:
        arrow = self._style.output_mark
        mark = arrow if self._output_rows == 0 else " " * len(arrow)
        self._output_rows += 1
        if failed:
            return self._line(f"  {mark}{self._style.paint(row, Paint.BAD)}")
        drawn = render_inline(row, self._style.alphabet) if is_printed_latex(row) else None
        return self._line(f"  {mark}{drawn or row}")

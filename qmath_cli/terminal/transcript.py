"""The transcript of a solution: a model's text and its programs' outputs as text for a terminal.

Append-only: text that was returned is never changed later. Prose keeps the model's words, with bold and headings as
SGR bold. Inline mathematics is drawn on one line, display mathematics in two dimensions. Programs are indented and
coloured. A formula that `maths` refuses is shown as its source, dimmed.
"""

from __future__ import annotations

from collections.abc import Iterable

from qmath_cli.records import Output, RunStatus
from qmath_cli.settings import Render
from qmath_cli.terminal.highlight import highlight
from qmath_cli.terminal.markdown_stream import MarkdownStream, Piece, PieceKind
from qmath_cli.terminal.maths import Alphabet, render_display, render_inline, render_lines
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.style import Paint, Style

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
        self._line_start = True
        self._after_output = False  # an output block has ended: an empty line separates it from what follows
        self._skip_newline = False  # a drawing has ended its line: a newline directly after it is dropped

    def text(self, text: str) -> str:
        """Add text of the model."""
        return self._pieces(self._stream.feed(clean(text)))

    def end(self) -> str:
        """End the text or interrupt it: return everything held back, and end the line."""
        written = self._pieces(self._stream.close())
        written += self._finish_line()
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
        separator = "\n" if self._after_output and not piece.source.startswith("\n") else ""
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
            return self._put(indent + ("• " if self._style.unicode else "- "))
        return ""

    def _prose(self, text: str) -> str:
        if self._skip_newline and text.startswith("\n"):
            text = text[1:]
        self._skip_newline = self._skip_newline and not text
        written = self._put(self._emphasised(text))
        if "\n" in text:
            self._heading = self._strong = False
        return written

    def _emphasised(self, text: str) -> str:
        if not (self._strong or self._heading):
            return text
        body = text.rstrip("\n")
        return self._style.paint(body, Paint.STRONG) + text[len(body) :]

    def _put(self, text: str) -> str:
        """Note that `text` is written, and return it."""
        if text:
            self._line_start = text.endswith("\n")
            self._skip_newline = False
        return text

    def _finish_line(self) -> str:
        return "" if self._line_start else self._put("\n")

    # ------------------------------------------------------------ maths

    @property
    def _alphabet(self) -> Alphabet:
        return Alphabet.UNICODE if self._style.unicode else Alphabet.ASCII

    def _inline(self, piece: Piece) -> str:
        """A formula on one line; where only two dimensions can show it, on rows of its own; else its source."""
        drawn = render_inline(piece.text, self._alphabet)
        if drawn is None and self.drawing(piece.text, self._style.width() - len(_INDENT)) is not None:
            return self._display(piece)
        return self._put(self._emphasised(drawn if drawn is not None else self._style.paint(piece.source, Paint.DIM)))

    def drawing(self, latex: str, width: int) -> list[str] | None:
        """The rows of a displayed formula, in two dimensions if it can be drawn so, none wider than `width` columns."""
        rows = None if self._style.render is Render.LINE else render_display(latex, width, self._alphabet)
        return rows if rows is not None else render_lines(latex, width, self._alphabet)

    def _display(self, piece: Piece) -> str:
        rows = self.drawing(piece.text, self._style.width() - len(_INDENT))
        if rows is None:
            rows = [self._style.paint(row, Paint.DIM) for row in piece.source.split("\n")]
        written = self._finish_line() + "".join(self._put(f"{_INDENT}{row}".rstrip() + "\n") for row in rows)
        self._skip_newline = True
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
        return self._put(f"{_INDENT}{row}".rstrip() + "\n")

    def _output_row(self, row: str, *, failed: bool) -> str:
        arrow = ("→ " if self._style.unicode else "> ") if self._output_rows == 0 else "  "
        self._output_rows += 1
        shown = self._style.paint(row, Paint.BAD if failed else Paint.GOOD)
        return self._put(f"  {arrow}{shown}".rstrip() + "\n")

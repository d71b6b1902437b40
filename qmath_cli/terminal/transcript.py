"""The page: pieces in, text for a terminal out. Append-only: what has been given out is never touched again.

Prose keeps the model's words with its Markdown marks turned into weight, inline maths becomes one line, display maths a
drawing, programs are indented and coloured. What `maths` refuses to draw is shown as source, dimmed.
"""

from __future__ import annotations

from collections.abc import Iterable

from qmath_cli.records import Output, RunStatus
from qmath_cli.settings import Render
from qmath_cli.terminal.highlight import highlight
from qmath_cli.terminal.markdown_stream import MarkdownStream, Piece, PieceKind
from qmath_cli.terminal.maths import Alphabet, render_display, render_inline
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.style import Paint, Style

INDENT = "    "


class Transcript:
    """One column of output; `text`, `program_output` and `end` return what is to be written."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._splitter = MarkdownStream()
        self._strong = False
        self._heading = False
        self._language = ""  # of the code block that is open
        self._output_rows = 0  # rows of the output block that is open
        self._line_start = True
        self._after_output = False  # a program's output ended: what follows is set off by an empty line
        self._swallow = False  # a drawing ended its own line: the newline that follows it in the text is one too many

    def text(self, text: str) -> str:
        """The model said `text`."""
        return self._all(self._splitter.feed(clean(text)))

    def end(self) -> str:
        """Nothing follows, or something else does: everything held back, and the line ended."""
        written = self._all(self._splitter.close())
        written += self._finish_line()
        self._strong = self._heading = self._swallow = False
        self._language = ""
        return written

    def program_output(self, output: Output) -> str:
        """What a program gave back."""
        self._output_rows = 0
        failed = output.status is not RunStatus.OK
        rows = clean(output.text).rstrip("\n").split("\n")
        written = self.end() + "".join(self._output_row(row, failed=failed) for row in rows)
        self._after_output = True
        return written

    # ------------------------------------------------------------ pieces

    def _all(self, pieces: Iterable[Piece]) -> str:
        return "".join(self._one(piece) for piece in pieces)

    def _one(self, piece: Piece) -> str:
        apart = "\n" if self._after_output and not piece.source.startswith("\n") else ""
        self._after_output = False
        return apart + self._drawn(piece)

    def _drawn(self, piece: Piece) -> str:
        match piece.kind:
            case PieceKind.PROSE:
                return self._prose(piece.text)
            case PieceKind.STRONG | PieceKind.HEADING | PieceKind.BULLET:
                return self._mark(piece)
            case PieceKind.INLINE | PieceKind.BOXED:
                return self._put(self._weighed(self.inline(piece)))
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
        if self._swallow and text.startswith("\n"):
            text = text[1:]
        self._swallow = self._swallow and not text
        written = self._put(self._weighed(text))
        if "\n" in text:
            self._heading = self._strong = False
        return written

    def _weighed(self, text: str) -> str:
        if not (self._strong or self._heading):
            return text
        body = text.rstrip("\n")
        return self._style.paint(body, Paint.STRONG) + text[len(body) :]

    def _put(self, text: str) -> str:
        if text:
            self._line_start = text.endswith("\n")
            self._swallow = False
        return text

    def _finish_line(self) -> str:
        return "" if self._line_start else self._put("\n")

    # ------------------------------------------------------------ maths

    @property
    def _alphabet(self) -> Alphabet:
        return Alphabet.UNICODE if self._style.unicode else Alphabet.ASCII

    def inline(self, piece: Piece) -> str:
        """A span on one line; its source where it cannot be drawn."""
        drawn = render_inline(piece.text, self._alphabet)
        return drawn if drawn is not None else self._style.paint(piece.source, Paint.DIM)

    def drawing(self, latex: str, room: int) -> list[str] | None:
        """Rows for a display, in two dimensions where they fit and are wanted, else on one line."""
        rows = None if self._style.render is Render.LINE else render_display(latex, room, self._alphabet)
        if rows is None:
            line = render_inline(latex, self._alphabet)
            rows = None if line is None else [line]
        return rows

    def _display(self, piece: Piece) -> str:
        rows = self.drawing(piece.text, self._style.width() - len(INDENT))
        if rows is None:
            rows = [self._style.paint(row, Paint.DIM) for row in piece.source.split("\n")]
        written = self._finish_line() + "".join(self._put(f"{INDENT}{row}".rstrip() + "\n") for row in rows)
        self._swallow = True
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
        return self._put(f"{INDENT}{row}".rstrip() + "\n")

    def _output_row(self, row: str, *, failed: bool) -> str:
        arrow = ("→ " if self._style.unicode else "> ") if self._output_rows == 0 else "  "
        self._output_rows += 1
        shown = self._style.paint(row, Paint.BAD if failed else Paint.GOOD)
        return self._put(f"  {arrow}{shown}".rstrip() + "\n")

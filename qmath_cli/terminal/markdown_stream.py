r"""Splits a model's text, while it streams, into prose, mathematics and code.

Promises: the `source` of all pieces joined is the text, character for character. The pieces do not depend on how the
text is divided into chunks, except that prose may be divided differently. Only text whose kind is undecided is held
back.

Mathematics is `\( \)`, `\[ \]`, `$$ $$`, `$ $`, a bare environment or a bare `\boxed{}`. A single `$` closes on its
line, and `dollars` tells formulas from prices. Markdown is the part that these models write: bold, headings, bullets,
fences, and code between backticks, which is prose as it stands. An opening delimiter without a closing one is prose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from qmath_cli.terminal import dollars

_MAX_SPAN = 2000  # characters of an open span before it counts as prose; the longest of 400 real responses has 269

_SPECIAL = re.compile(r"[\\$*`\n]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BACKTICKS = re.compile("`+")
_HEADING = re.compile(r"#{1,6} +")
_BULLET = re.compile(r"[-*] +")
_ENVIRONMENTS = frozenset(
    f"{name}{star}"
    for name in (
        *("align", "aligned", "alignat", "array", "bmatrix", "cases", "eqnarray", "equation", "gather", "gathered"),
        *("matrix", "multline", "pmatrix", "split", "vmatrix", "Bmatrix", "Vmatrix", "smallmatrix", "dcases", "rcases"),
        *("alignedat", "displaymath", "flalign", "tabular"),
    )
    for star in ("", "*")
)


class PieceKind(StrEnum):
    """What a piece is."""

    PROSE = "prose"
    STRONG = "strong"  # a toggle: text is empty
    HEADING = "heading"  # the mark only; the words follow as prose up to the newline
    BULLET = "bullet"  # likewise
    INLINE = "inline"
    DISPLAY = "display"
    BOXED = "boxed"  # outside any delimiters
    CODE_OPEN = "code_open"  # text is the fence's language
    CODE = "code"  # one line, newline included
    CODE_CLOSE = "code_close"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text: its content without delimiters, and its source."""

    kind: PieceKind
    text: str
    source: str


class MarkdownStream:
    """Turns chunks of text into pieces: `feed` returns those that are certain, `close` the rest."""

    def __init__(self) -> None:
        self._held = ""
        self._line_start = True
        self._strong = False
        self._in_code = False
        self._before = "\n"  # the last character of the last piece

    @property
    def held(self) -> int:
        """Number of characters that no piece contains yet."""
        return len(self._held)

    def feed(self, text: str) -> list[Piece]:
        """Add text; return every piece that later text cannot change."""
        self._held += text
        return self._drain(final=False)

    def close(self) -> list[Piece]:
        """End the text or interrupt it: return the remaining pieces; the next text starts on a new line."""
        pieces = self._drain(final=True)
        self._line_start, self._strong, self._in_code, self._before = True, False, False, "\n"
        return pieces

    def _drain(self, *, final: bool) -> list[Piece]:
        pieces = []
        while self._held:
            piece = self._code(final) if self._in_code else self._next(final)
            if piece is None:
                break
            self._held = self._held[len(piece.source) :]
            self._before = piece.source[-1]
            pieces.append(piece)
        return pieces

    # ------------------------------------------------------------ code

    def _code(self, final: bool) -> Piece | None:
        line, newline, _ = self._held.partition("\n")
        if not newline and not final:
            return None
        if line.strip() == "```":
            self._in_code, self._line_start = False, True
            return Piece(PieceKind.CODE_CLOSE, "", line + newline)
        return Piece(PieceKind.CODE, line + newline, line + newline)

    # ------------------------------------------------------------ prose

    def _next(self, final: bool) -> Piece | None:
        if self._line_start:
            piece, decided = self._at_line_start(final)
            if piece is not None or not decided:
                return piece
            self._line_start = False
        found = _SPECIAL.search(self._held)
        if found is None:
            return _prose(self._held)
        if found.group() == "\n":
            self._line_start, self._strong = True, False
            return _prose(self._held[: found.end()])
        if found.start():
            return _prose(self._held[: found.start()])
        take = {"*": self._asterisk, "$": self._dollar, "\\": self._backslash, "`": self._code_span}
        return take[found.group()](final)

    def _at_line_start(self, final: bool) -> tuple[Piece | None, bool]:
        """A piece that exists only at the start of a line, and whether the text suffices to decide."""
        rest = self._held.lstrip(" \t")
        indent = len(self._held) - len(rest)
        if not final and (not rest or rest in {"`", "``", "-", "*"} or (rest.strip("#") == "" and len(rest) <= 6)):
            return None, False
        if rest.startswith("```"):
            return self._fence(rest, indent, final)
        for kind, mark in ((PieceKind.HEADING, _HEADING), (PieceKind.BULLET, _BULLET)):
            if found := mark.match(rest):
                if found.end() == len(rest) and not final:
                    return None, False
                self._line_start = False
                return Piece(kind, found.group(), self._held[: indent + found.end()]), True
        return None, True

    def _fence(self, rest: str, indent: int, final: bool) -> tuple[Piece | None, bool]:
        line, newline, _ = rest.partition("\n")
        language = line[3:].strip()
        if "`" in language:
            return None, True
        if not newline and not final:
            return None, False
        self._in_code = True
        return Piece(PieceKind.CODE_OPEN, language, self._held[: indent + len(line) + len(newline)]), True

    def _asterisk(self, final: bool) -> Piece | None:
        held = self._held
        if held[:2] == "**" and self._strong and not self._before.isspace():
            self._strong = False
            return Piece(PieceKind.STRONG, "", "**")
        if len(held) < 3 and not final and "**".startswith(held[:2]):
            return None
        if held[:2] != "**" or held[2:3].isspace() or (self._before.isascii() and self._before.isalnum()):
            return _prose(held[: 2 if held[:2] == "**" else 1])
        line, newline, _ = held[2:_MAX_SPAN].partition("\n")
        if "**" in line.lstrip("*"):
            self._strong = True
            return Piece(PieceKind.STRONG, "", "**")
        return _prose("**") if newline or final or len(held) >= _MAX_SPAN else None

    def _code_span(self, final: bool) -> Piece | None:
        """Code between equal runs of backticks on one line: prose as it stands, whatever it contains."""
        held = self._held[:_MAX_SPAN]
        run = len(held) - len(held.lstrip("`"))
        if run == len(held) and not final and run < _MAX_SPAN:
            return None
        line, newline, _ = held[run:].partition("\n")
        for found in _BACKTICKS.finditer(line):
            if len(found.group()) == run and (found.end() < len(line) or newline or final):
                return _prose(held[: run + found.end()])
        return _prose(held[:run]) if newline or final or len(held) >= _MAX_SPAN else None

    # ------------------------------------------------------------ maths

    def _dollar(self, final: bool) -> Piece | None:
        if self._held == "$" and not final:
            return None
        if self._held[:2] == "$$":
            end = self._held.find("$$", 2, _MAX_SPAN)
            return self._span(PieceKind.DISPLAY, 2, end, 2, final)
        return self._single_dollar(final)

    def _single_dollar(self, final: bool) -> Piece | None:
        held = self._held
        if held[1:2].isspace():
            return _prose("$")
        end = dollars.closing(held, _MAX_SPAN)
        if not final and (end is None or end + 1 == len(held)):
            return None
        if end and dollars.is_formula(held[1:end], held[end + 1 : end + 2]):
            return Piece(PieceKind.INLINE, held[1:end], held[: end + 1])
        return _prose("$")

    def _backslash(self, final: bool) -> Piece | None:
        held = self._held
        if len(held) == 1 and not final:
            return None
        if held[1:2] == "(":
            return self._span(PieceKind.INLINE, 2, self._closer(")"), 2, final)
        if held[1:2] == "[":
            return self._span(PieceKind.DISPLAY, 2, self._closer("]"), 2, final)
        if held[1:2] in {"$", "%", "#", "&", "_", "*"}:
            return Piece(PieceKind.PROSE, held[1], held[:2])
        return self._command(final)

    def _command(self, final: bool) -> Piece | None:
        """An environment or a box without delimiters; any other backslash is prose."""
        for opener, take in (("\\begin{", self._environment), ("\\boxed{", self._boxed)):
            if self._held.startswith(opener):
                return take(final)
            if opener.startswith(self._held) and not final:
                return None
        return _prose(self._held[:1])

    def _closer(self, bracket: str) -> int:
        r"""Index of the closing delimiter's backslash, or -1. Skips escaped pairs, so a row's `\\[2pt]` is none."""
        for found in _ESCAPED.finditer(self._held, 2, _MAX_SPAN):
            if found.group(1) == bracket:
                return found.start()
        return -1

    def _environment(self, final: bool) -> Piece | None:
        name, brace, _ = self._held[7:40].partition("}")
        if not brace and len(self._held) < 40 and not final:
            return None
        if name not in _ENVIRONMENTS:
            return _prose("\\")
        closer = f"\\end{{{name}}}"
        end = self._held.find(closer, 0, _MAX_SPAN)
        return self._span(PieceKind.DISPLAY, 0, end + len(closer) if end >= 0 else -1, 0, final)

    def _boxed(self, final: bool) -> Piece | None:
        depth = 0
        for at, char in enumerate(self._held[:_MAX_SPAN]):
            escaped = at > 0 and self._held[at - 1] == "\\"
            depth += 0 if escaped else (char == "{") - (char == "}")
            if char == "}" and depth == 0:
                return Piece(PieceKind.BOXED, self._held[: at + 1], self._held[: at + 1])
        return _prose("\\") if final or len(self._held) >= _MAX_SPAN else None

    def _span(self, kind: PieceKind, start: int, end: int, closer: int, final: bool) -> Piece | None:
        """The span with the body held[start:end], or its opening delimiter as prose if it can no longer be closed."""
        if end >= 0:
            return Piece(kind, self._held[start:end], self._held[: end + closer])
        return _prose(self._held[: max(start, 1)]) if final or len(self._held) >= _MAX_SPAN else None


def _prose(text: str) -> Piece:
    return Piece(PieceKind.PROSE, text, text)

"""What a terminal can show: colours, characters, width. Decided once per run, from the stream and the environment.

A pipe gets neither colours nor drawings. NO_COLOR switches colours off; TERM=dumb, which screen readers and editors
set, does that too and leaves nothing but plain lines: no frames, no second dimension. An encoding or a locale that is
not UTF-8 switches to ASCII. The only escape sequences are SGR codes (colour, weight), so output can be scrolled and
logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from qmath_cli.settings import Render
from qmath_cli.terminal.encoding import supports_unicode
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.text_width import terminal_width, text_width


class Paint(StrEnum):
    """The roles that text can have, as SGR parameters (ECMA-48).

    Text to be read is magenta, red or in the terminal's own colour: the palette's green, cyan and yellow are faint on
    white, its blue on black. Those are for marks beside a text only.
    """

    STRONG = "1"
    DIM = "2"
    CODE_WORD = "35"
    GOOD = "32"
    BAD = "31"
    WARNING = "33"


@dataclass(frozen=True, slots=True)
class Style:
    """What this terminal can show. If `drawn` is False, text is written as its source.

    `tty` and `utf8` are what it could show, whatever `render` asks for; `dumb` is a terminal of plain lines.
    """

    drawn: bool = False
    colour: bool = False
    unicode: bool = True
    render: Render = Render.AUTO
    tty: bool = False
    utf8: bool = True
    dumb: bool = False

    @property
    def flat(self) -> bool:
        """Whether a formula has one dimension only, and an answer no frame."""
        return self.dumb or self.render is Render.LINE

    @property
    def alphabet(self) -> Alphabet:
        """The characters of drawings."""
        return Alphabet.UNICODE if self.unicode else Alphabet.ASCII

    @property
    def output_mark(self) -> str:
        """What stands before a program's output: an arrow, or where it may be read aloud, a word."""
        return "output: " if self.dumb else "→ " if self.unicode else "> "

    def rendered(self, render: Render) -> Style:
        """The style for another choice of drawings."""
        drawn, unicode = self.tty and render is not Render.OFF, self.utf8 and render is not Render.ASCII
        return replace(self, render=render, drawn=drawn, unicode=unicode)

    def paint(self, text: str, *roles: Paint) -> str:
        """`text` with the SGR codes of its roles; unchanged without colours."""
        if not self.colour or not text or not roles:
            return text
        return f"\x1b[{';'.join(roles)}m{text}\x1b[0m"

    def strong(self, text: str) -> str:
        """`text` in bold."""
        return self.paint(text, Paint.STRONG)

    def dim(self, text: str) -> str:
        """`text` dimmed."""
        return self.paint(text, Paint.DIM)

    def text_width(self) -> int:
        """Columns of a line of prose: those of the terminal, up to what reads well."""
        return text_width()

    def width(self) -> int:
        """Columns of the terminal at present; not cached, because windows are resized."""
        return terminal_width()


def style_for(terminal: Terminal, environ: Mapping[str, str], render: Render = Render.AUTO) -> Style:
    """The style for a terminal's stdout.

    Args:
        terminal: The streams.
        environ: The environment variables.
        render: The user's choice of drawings.

    Returns:
        The style; it stays valid for the whole run.
    """
    tty = terminal.interactive
    dumb = is_dumb(environ)
    colour = tty and not environ.get("NO_COLOR") and not dumb
    utf8 = supports_unicode(getattr(terminal.out, "encoding", None), environ)
    return Style(colour=colour, tty=tty, utf8=utf8, dumb=tty and dumb).rendered(render)


def is_dumb(environ: Mapping[str, str]) -> bool:
    """Whether the terminal can do nothing but print lines, or does not say what it can do."""
    return (environ.get("TERM") or "dumb") in {"dumb", "unknown"}

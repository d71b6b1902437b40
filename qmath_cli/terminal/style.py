"""How output may look on this terminal: colours, characters, width. Decided once per run, from facts passed in.

A pipe gets neither colours nor drawings. NO_COLOR and TERM=dumb switch colours off; an encoding or a locale that is not
UTF-8 switches to ASCII. Only SGR codes are ever written: no cursor movement, so that output can be scrolled and logged.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from qmath_cli.settings import Render
from qmath_cli.terminal.output import Terminal

_PLAIN = frozenset({"C", "POSIX"})
_COERCED = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})


class Paint(StrEnum):
    """The few roles that text can have, as SGR parameters."""

    STRONG = "1"
    DIM = "2"
    CODE_WORD = "35"
    CODE_TEXT = "32"
    CODE_NUMBER = "36"
    ACCENT = "36"
    GOOD = "32"
    BAD = "31"
    WARNING = "33"


@dataclass(frozen=True, slots=True)
class Style:
    """What this terminal can show. `drawn` false means: the source, untouched."""

    drawn: bool = False
    colour: bool = False
    unicode: bool = True
    render: Render = Render.AUTO

    def paint(self, text: str, *roles: Paint) -> str:
        """`text` in a role's colour, or as it is."""
        if not self.colour or not text or not roles:
            return text
        return f"\x1b[{';'.join(roles)}m{text}\x1b[0m"

    def width(self) -> int:
        """Columns now; asked again for every drawing, because windows are resized."""
        return max(20, shutil.get_terminal_size().columns)


def style_for(terminal: Terminal, environ: Mapping[str, str], render: Render = Render.AUTO) -> Style:
    """The look for a terminal's stdout."""
    tty = terminal.interactive
    colour = tty and not environ.get("NO_COLOR") and (environ.get("TERM") or "dumb") != "dumb"
    unicode = render is not Render.ASCII and speaks_unicode(getattr(terminal.out, "encoding", None), environ)
    return Style(drawn=tty and render is not Render.OFF, colour=colour, unicode=unicode, render=render)


def speaks_unicode(encoding: str | None, environ: Mapping[str, str]) -> bool:
    """Whether Unicode drawings will arrive: a UTF stream, and no locale that explicitly says C or POSIX.

    The locale counts because Python turns the C locale into UTF-8 on its own, whatever the terminal understands, and
    says so by setting LC_CTYPE itself (PEP 538): that value is not the user's.
    """
    named = [environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if named[1] in _COERCED and named[2] in _PLAIN:
        named[1] = ""
    locale = next((name for name in named if name), "")
    return (encoding or "").lower().startswith("utf") and locale not in _PLAIN

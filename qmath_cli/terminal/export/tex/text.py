r"""Text inside a formula: the argument of `\text` and its kind, and the cells of a table.

Its plain characters are escaped, `$x$` in it is mathematics, and so is a command of mathematics.
"""

from __future__ import annotations

import re

from qmath_cli.terminal.export.tex.commands import ALIASES, COMMANDS
from qmath_cli.terminal.export.tex.cursor import NotWritable
from qmath_cli.terminal.export.tex.lines import FormulaReader, Stop
from qmath_cli.terminal.export.tex.words import composed, words

_ACCENTS = {"'": "\u0301", "`": "\u0300", '"': "\u0308", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307"}
_BLANKS = {",": r"\,", ";": r"\ ", ":": r"\ ", ">": r"\ ", "!": "", "/": "", "-": "", "\\": " "}
_WORDS = frozenset(("quad", "qquad", "enspace", "ldots", "dots", "textbackslash"))


class TextReader:
    """Reads text with the cursor of a formula."""

    def __init__(self, reader: FormulaReader) -> None:
        self._reader = reader

    def argument(self) -> str:
        """The argument of a text command, in braces."""
        cursor = self._reader.cursor
        if cursor.skip() != "{":
            if cursor.ahead in {"", "}"} or cursor.ahead[0] == "\\":
                raise NotWritable("an argument is missing")
            return f"{{{words(cursor.take())}}}"
        cursor.take()
        body = self.until(lambda sign: sign == "}")
        if not cursor.take():
            raise NotWritable("a brace is missing")
        return f"{{{body}}}"

    def until(self, stop: Stop) -> str:
        """Text up to a token that `stop` accepts, which stays."""
        written, plain = "", ""
        while (sign := self._reader.cursor.ahead) and not stop(sign):
            piece = self._plain(sign)
            if piece is not None:
                plain += piece
                continue
            written, plain = written + words(composed(plain)), ""
            written += self._marked(sign)
        return written + words(composed(plain))

    def _plain(self, sign: str) -> str | None:
        """The characters that a token stands for; None where it is a mark or mathematics. Takes the token if not."""
        cursor = self._reader.cursor
        if sign == "{" or (sign in "$^" and self._opens(sign)):
            return None
        if sign == "}":
            raise NotWritable("a brace too many")
        if sign[0] != "\\":
            return cursor.take()
        name = sign[1:]
        if name in "%$#&_{}":
            return cursor.take()[1:]
        if name.isspace():
            cursor.take()
            return " "
        if name in _ACCENTS:
            cursor.take()
            letter = cursor.raw_group()
            return letter[:1] + _ACCENTS[name] + letter[1:]
        return None

    def _opens(self, sign: str) -> bool:
        """Whether a dollar sign has another one before the group ends, or a circumflex something to raise."""
        cursor = self._reader.cursor
        mark, depth = cursor.mark(), 0
        cursor.take()
        if sign == "^":
            found = cursor.ahead.isdigit() or cursor.ahead == "{" or re.match(r"\\[A-Za-z]", cursor.ahead) is not None
            cursor.back(mark)
            return found
        while cursor.ahead and depth >= 0 and not (cursor.ahead == "$" and not depth):
            depth += (cursor.ahead == "{") - (cursor.ahead == "}")
            cursor.take()
        found = bool(cursor.ahead) and depth == 0
        cursor.back(mark)
        return found

    def _marked(self, sign: str) -> str:
        """A group, mathematics, or a command."""
        reader, cursor = self._reader, self._reader.cursor
        if sign == "{":
            return self.argument()
        if sign == "^":
            return f"${reader.atom()}$"
        if sign in {"$", r"\("}:
            cursor.take()
            closing = "$" if sign == "$" else r"\)"
            body = reader.lines(lambda sign: sign == closing).body()
            if not cursor.take():
                raise NotWritable("mathematics is not closed")
            return rf"\({body}\)"
        return self._command(sign[1:])

    def _command(self, name: str) -> str:
        cursor = self._reader.cursor
        if name in _BLANKS:
            cursor.take()
            return _BLANKS[name]
        name = ALIASES.get(name, name) if name not in _WORDS else name
        if name in _WORDS:
            cursor.take()
            return rf"\{name}{{}}"
        if COMMANDS.get(name) == "t":
            cursor.take()
            return rf"\{name}{self.argument()}"
        body = self._reader.atom()
        while self._reader.cursor.ahead in {"^", "_", "'"}:
            body += self._reader.atom()
        return rf"\({body}\)"

"""The tokens of a formula, one after another."""

from __future__ import annotations

import re

from qmath_cli.terminal.export.tex.commands import ALIASES, DELIMITERS
from qmath_cli.terminal.export.tex.signs import SIGNS

_LENGTH = re.compile(r"\s*(-?\d*\.?\d+)\s*(pt|em|ex|mu|mm|cm|in)\s*")
_TOKEN = re.compile(r"\\(?:operatorname|hspace|vspace|tag)\*|\\[A-Za-z]+|\\.|\s+|.", re.DOTALL)


class NotWritable(Exception):
    """The formula has something that does not compile: an unknown command, a brace too many, a missing argument."""


class Cursor:
    r"""Reads tokens: commands with their backslash, runs of blanks as one blank, single characters."""

    def __init__(self, source: str) -> None:
        self._tokens = [" " if sign.isspace() else sign for sign in _TOKEN.findall(source)]
        self._at = 0

    @property
    def ahead(self) -> str:
        """The token that is next; empty at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        """Take the next token."""
        sign = self.ahead
        self._at += 1
        return sign

    def skip(self) -> str:
        """Skip blanks; returns the token that is next."""
        while self.ahead == " ":
            self._at += 1
        return self.ahead

    def mark(self) -> int:
        """A position to go back to."""
        return self._at

    def back(self, mark: int) -> None:
        """Go back to a position."""
        self._at = mark

    def raw_group(self) -> str:
        """A group as it stands, without its braces, or a single token."""
        if self.skip() != "{":
            return self.take()
        self.take()
        return self._until("}")

    def raw_option(self) -> str | None:
        """What stands in brackets, if the next token opens them."""
        if self.skip() != "[":
            return None
        self.take()
        return self._until("]")

    def length(self) -> tuple[str, str] | None:
        r"""A length as a number and its unit, in braces or without: `\hspace{1em}`, `\kern 3mu`; None for another."""
        if self.skip() == "{":
            found = _LENGTH.fullmatch(self.raw_group())
        else:
            text = ""
            while len(text) < 12 and len(self.ahead) == 1 and not _LENGTH.fullmatch(text):
                text += self.take()
            found = _LENGTH.fullmatch(text)
        return (found[1], found[2]) if found else None

    def skip_gap(self) -> None:
        r"""Skip the star and the length that `\\` may have; a bracket without a length belongs to the next row."""
        if self.ahead == "*":
            self.take()
        mark = self.mark()
        if (length := self.raw_option()) is None or not _LENGTH.fullmatch(length):
            self.back(mark)

    def delimiter(self) -> str:
        """The delimiter that comes next; empty where none does."""
        sign = self.skip()
        if sign and not sign.isascii():
            sign = SIGNS.get(sign, "")
        if sign[:1] == "\\" and sign[1:] in ALIASES:
            sign = ALIASES[sign[1:]]
        if sign not in DELIMITERS:
            return ""
        self.take()
        return f"{sign} " if sign[-1].isalpha() else sign

    def _until(self, closing: str) -> str:
        found, depth = "", 0
        while self.ahead and (depth or self.ahead != closing):
            depth += (self.ahead == "{") - (self.ahead == "}")
            found += self.take()
        if not self.take():
            raise NotWritable(f"{closing} is missing")
        return found

r"""A formula as LaTeX that compiles.

A model's formula is copied token by token. What does not compile is written as it was meant: `50%` with its percent
sign, a second superscript after an empty group, `align` inside a display as `aligned`, Unicode signs as commands. What
cannot be written raises `NotWritable`; so does every command that is not in the tables of `commands`: a model's text
cannot place commands with side effects in a file that will be compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from qmath_cli.terminal.export.tex import constructs, environments, signs
from qmath_cli.terminal.export.tex.commands import ALIASES, COMMANDS, DROPPED, FRACTION_BARS, ROW_ENDS, RULES, SIZES
from qmath_cli.terminal.export.tex.cursor import Cursor, NotWritable
from qmath_cli.terminal.export.tex.lines import Lines, Stop
from qmath_cli.terminal.export.tex.text import TextReader
from qmath_cli.terminal.export.tex.words import CHINESE, with_marks, words

_SIGNS = {",": r"\,", ";": r"\;", ":": r"\:", ">": r"\:", "!": r"\!", "{": r"\{", "}": r"\}", "|": r"\|", "*": "*"}
_SIGNS |= {char: f"\\{char}" for char in "%$#&_"} | dict.fromkeys("()[]-/", "") | dict.fromkeys("~ \n\t", r"\ ")
_NO_ARGUMENT = frozenset(("", "}", "&", "^", "_", "'", r"\right", r"\end", r"\middle")) | ROW_ENDS | FRACTION_BARS


class TagPlace(StrEnum):
    r"""Where the number of a formula is written, `\tag{1}`. Inside anything it is text behind what it numbers."""

    NOWHERE = "nowhere"  # in a line of text
    END = "end"  # one, at the end of a display
    ROW = "row"  # one in each row of an environment


def inline(latex: str) -> str:
    """A formula in a line of text. Raises `NotWritable`."""
    return rf"\({_Formula(latex).whole()}\)"


def display(latex: str) -> str:
    r"""A displayed formula; an environment that is a display itself stands alone. Raises `NotWritable`."""
    alone = environments.alone(_Formula(latex, TagPlace.ROW))
    return alone if alone is not None else f"\\[\n{_Formula(latex, TagPlace.END).whole()}\n\\]"


class _Formula:
    """Writes one formula. Each method reads a part of the source and returns its LaTeX."""

    def __init__(self, source: str, tags: TagPlace = TagPlace.NOWHERE) -> None:
        self.cursor = Cursor(with_marks(source.strip()))
        self._text = TextReader(self)
        self._tags = tags
        self._tag = ""  # the tag of the display, or of the row
        self._depth = 0  # of what is being read; 1 for what is inside nothing
        self._scripts = ""  # those that the last symbol has
        self._bar = False  # whether what was read last has a fraction's bar of its own, as `\over` draws it

    def whole(self) -> str:
        """The formula up to its end."""
        body = self.lines(lambda _sign: False).body()
        if not body.strip():
            raise NotWritable("the formula is empty")
        return body + (self._tag if self._tags is TagPlace.END else "")

    def lines(self, stop: Stop, *, as_text: bool = False) -> Lines:
        r"""Rows and cells up to a token that `stop` accepts, which stays, or to the end."""
        found, bars = Lines(), 0
        self._scripts, self._depth = "", self._depth + 1
        while (sign := self.cursor.ahead) and not stop(sign):
            if sign == "&" or sign in ROW_ENDS | RULES:
                self._divide(found, sign)
                bars = 0
            elif as_text:
                found.add(self._text.until(lambda sign: stop(sign) or sign == "&" or sign in ROW_ENDS | RULES))
            else:
                bars += sign in FRACTION_BARS
                found.add(self.atom())
        if bars > 1:
            raise NotWritable("two fractions share a bar")
        self._bar, self._depth = bars > 0, self._depth - 1
        return found

    def _divide(self, found: Lines, sign: str) -> None:
        self.cursor.take()
        self._scripts = ""
        if sign == "&":
            found.cell()
        elif sign in ROW_ENDS:
            self.cursor.skip_gap()
            self._tag = "" if self._tags is TagPlace.ROW and self._depth == 1 else self._tag
            found.row()
        else:
            found.rule(self.cursor.raw_group() if sign == r"\cline" else "")

    # ------------------------------------------------------------ symbols

    def atom(self) -> str:
        """One symbol, group, script, or command with its arguments."""
        sign = self.cursor.ahead
        if sign == " ":
            return self.cursor.take()
        if sign in {"^", "_"}:
            self.cursor.take()
            return self._script(sign, self.argument(bare=True))
        if sign == "'":
            return self._primes()
        if sign in signs.RAISED or sign in signs.LOWERED:
            return self._small(signs.RAISED if sign in signs.RAISED else signs.LOWERED)
        scripts, self._scripts = self._scripts, ""
        if sign == "{":
            return self.group()
        if sign in {"}", ""}:
            raise NotWritable("a brace is missing")
        self.cursor.take()
        found = self._command(sign[1:]) if sign[0] == "\\" else self._character(sign)
        self._scripts = self._scripts if found else scripts
        return found

    def group(self) -> str:
        """A group in braces, with its braces."""
        self.cursor.take()
        body = self.lines(lambda sign: sign == "}").body()
        if not self.cursor.take():
            raise NotWritable("a brace is missing")
        self._scripts = ""
        return f"{{{{{body}}}}}" if self._bar else f"{{{body}}}"  # so that it is no part of another fraction

    def argument(self, *, bare: bool = False) -> str:
        """The argument of a command or a script, in braces; `bare`: a letter or a digit may stand without."""
        sign, scripts = self.cursor.skip(), self._scripts
        if sign == "{":
            found = self.group()
            self._scripts = scripts
            return found
        if sign in _NO_ARGUMENT:
            raise NotWritable("an argument is missing")
        found = self.atom()
        self._scripts = scripts
        return found if bare and len(found) == 1 and found.isalnum() else f"{{{found}}}"

    def _script(self, mark: str, argument: str) -> str:
        """A script; a second one of its kind gets an empty group to stand at."""
        before = "{}" if mark in self._scripts else ""
        self._scripts = mark if before else self._scripts + mark
        return before + mark + argument

    def _primes(self) -> str:
        primes = ""
        while self.cursor.ahead == "'":
            primes += self.cursor.take()
        before = "{}" if "^" in self._scripts else ""
        self._scripts = "^" if before else self._scripts + "^"
        if self.cursor.skip() == "^":  # LaTeX joins them
            self.cursor.take()
            return before + primes + "^" + self.argument(bare=True)
        return before + primes

    def _small(self, characters: frozenset[str]) -> str:
        text = ""
        while self.cursor.ahead and self.cursor.ahead in characters:
            text += self.cursor.take()
        return self._script("^" if characters is signs.RAISED else "_", f"{{{signs.baseline(text)}}}")

    def _character(self, char: str) -> str:
        if char in "%#&":
            return f"\\{char}"
        if char == "$":  # a delimiter inside a formula, or a price
            return r"\$" if self.cursor.ahead.isdigit() else ""
        if char == "√":
            return r"\sqrt" + constructs.number(self) if self.cursor.skip() not in {"", "}", ")", "&"} else r"\surd "
        if char.isascii():
            return char
        if (latex := signs.latex(char)) is not None and not CHINESE.match(char):
            return f"{latex} " if re.search(r"\\[A-Za-z]+\Z", latex) else latex
        while CHINESE.match(char) and CHINESE.match(self.cursor.ahead or " "):
            char += self.cursor.take()
        return rf"\text{{{words(char)}}}"

    def text_argument(self) -> str:
        """The argument of a text command, in braces."""
        return self._text.argument()

    # ------------------------------------------------------------ commands

    def _command(self, name: str) -> str:
        """A command whose name was taken, with its arguments."""
        if not name[:1].isalpha():
            return self._sign(name)
        name = ALIASES.get(name, name)
        if name in SIZES:
            return constructs.sized(self, name)
        if name in DROPPED:
            if DROPPED[name]:
                self.cursor.raw_group()
            return ""
        special: dict[str, Callable[[], str]] = {
            "left": lambda: constructs.fence(self),
            "begin": lambda: environments.inner(self),
            "limits": lambda: "",
            "nolimits": lambda: "",
            "not": lambda: constructs.negation(self),
            "tag": lambda: self._numbered("tag"),
            "tag*": lambda: self._numbered("tag*"),
        }
        if name in special:
            written = special[name]()
            self._scripts = ""
            return written
        if f"\\{name}" in FRACTION_BARS:
            return f"\\{name} "
        if name not in COMMANDS:
            raise NotWritable(f"unknown command {name}")
        written = constructs.known(self, name)
        self._scripts = ""
        return written

    def _sign(self, name: str) -> str:
        if name not in _SIGNS:
            raise NotWritable(f"unknown command {name}")
        return _SIGNS[name]

    def _numbered(self, name: str) -> str:
        text = self.text_argument()
        if self._depth > 1 or self._tags is TagPlace.NOWHERE or self._tag:
            return rf"\qquad\text{{({text})}}"
        self._tag = f"\\{name}{text}"
        return self._tag if self._tags is TagPlace.ROW else ""

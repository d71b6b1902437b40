"""Breaking lines between words while text is appended.

Breaks are at blanks, and before and after East Asian characters with their rules of punctuation: no closing sign at the
start of a line, no opening sign at its end (Unicode line breaking classes CL, OP and NS, as far as prose needs them).
A formula is never broken unless it is wider than the line. Continuation lines have the indentation of their paragraph.

Promises: only the last word is held back, and what was returned is never changed. The output does not depend on how the
text is divided. Only blanks at the ends of lines are lost.
"""

from __future__ import annotations

from collections.abc import Callable
from unicodedata import east_asian_width

from qmath_cli.terminal.text_width import columns

Painter = Callable[[str], str]

_CLOSING = frozenset("，。！？、；：”’）】》」』〉〕…—·%,.!?;:)]}")
_OPENING = frozenset("“‘（【《「『〈〔([{")


def unpainted(text: str) -> str:
    """The painter of text without colours."""
    return text


class WordWrap:
    """Text that is written to a terminal, word by word.

    Args:
        width: Gives the columns of a line; asked at every word, because windows are resized.
    """

    def __init__(self, width: Callable[[], int]) -> None:
        self._width = width
        self._column = 0
        self._indent = 0  # of continuation lines
        self._gap = ""  # blanks before the word
        self._word: list[tuple[str, Painter]] = []
        self._last = ""  # the word's last character

    @property
    def at_line_start(self) -> bool:
        """Whether nothing is written or held back on this line."""
        return self._column == 0 and not self._word

    def text(self, text: str, paint: Painter = unpainted) -> str:
        """Add text; return what can be written."""
        return "".join(self._character(char, paint) for char in text)

    def whole(self, text: str, paint: Painter = unpainted) -> str:
        """Add text without a break inside, such as a drawn formula, if a line has room for it."""
        if columns(text) > self._width() - self._indent:
            return self.text(text, paint)
        written = self._place() if self._word and self._breaks(text[:1]) else ""
        self._word.append((text, paint))
        self._last = text[-1:] or self._last
        return written

    def hang(self) -> str:
        """Let continuation lines begin where the text now stands, behind the mark of a list."""
        written = self._place()
        self._indent = self._column + len(self._gap)
        return written

    def end_line(self) -> str:
        """Write what is held back, and end the line if there is anything on it."""
        written = self._place()
        ended = self._column > 0
        self._new_line()
        return written + ("\n" if ended else "")

    # ------------------------------------------------------------ characters

    def _character(self, char: str, paint: Painter) -> str:
        if char == "\n":
            written = self._place()
            self._new_line()
            return written + "\n"
        if char in " \t":
            written = self._place()
            self._gap += char
            return written
        written = self._place() if self._word and self._breaks(char) else ""
        if self._word and self._word[-1][1] == paint:
            self._word[-1] = self._word[-1][0] + char, paint
        else:
            self._word.append((char, paint))
        self._last = char
        return written

    def _breaks(self, char: str) -> bool:
        """Whether a line may end between the word so far and a character."""
        if char in _CLOSING or self._last in _OPENING:
            return False
        return _is_wide(char) or _is_wide(self._last)

    def _new_line(self) -> None:
        self._column, self._indent, self._gap, self._last = 0, 0, "", ""

    def _place(self) -> str:
        """Write the word, on the next line if it does not fit on this one."""
        if not self._word:
            return ""
        size = sum(columns(text) for text, _ in self._word)
        if self._column == 0:
            self._indent = len(self._gap)
        elif self._column > self._indent and self._column + len(self._gap) + size > self._width():
            written = "\n" + " " * self._indent
            self._column, self._gap = self._indent, ""
            return written + self._painted(size)
        gap, self._gap = self._gap, ""
        self._column += len(gap)
        return gap + self._painted(size)

    def _painted(self, size: int) -> str:
        written = "".join(paint(text) for text, paint in self._word)
        self._word, self._column = [], self._column + size
        return written


def _is_wide(char: str) -> bool:
    return bool(char) and east_asian_width(char[0]) in {"W", "F"}


def wrapped(text: str, width: int) -> str:
    """A whole text with its lines broken between words."""
    wrap = WordWrap(lambda: width)
    return (wrap.text(text) + wrap.end_line()).removesuffix("\n")

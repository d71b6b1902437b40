"""A screen that interprets what a program writes to a terminal, as far as this program uses it.

It knows carriage return, newline, backspace, erasing from the cursor (`ESC [ J`, `ESC [ K`), colours, and the wrap at
the right edge, which waits for the next character as in xterm. Anything else fails, so that no sequence is overlooked.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Thread
from typing import TextIO

from wcwidth import wcwidth

_SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


@dataclass
class TextScreen:
    """The rows of a screen as high as it needs to be, and the cursor on it."""

    columns: int = 80
    rows: list[list[str]] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    wrapped: int = 0  # lines that ran into the right edge

    def feed(self, text: str) -> TextScreen:
        """Interpret text, and return the screen."""
        at = 0
        while at < len(text):
            found = _SEQUENCE.match(text, at)
            if found:
                self._sequence(*found.groups())
                at = found.end()
            else:
                self._character(text[at])
                at += 1
        return self

    @property
    def lines(self) -> list[str]:
        """What is on it, without blanks at the ends."""
        found = ["".join(row).rstrip() for row in self.rows]
        while found and not found[-1]:
            found.pop()
        return found

    def _sequence(self, parameters: str, final: str) -> None:
        if final in "JK" and parameters in {"", "0"}:
            del self.rows[self.row][self.column :]
            if final == "J":
                del self.rows[self.row + 1 :]
        elif final != "m" and parameters != "?2004":
            raise AssertionError(f"unexpected sequence: ESC [ {parameters} {final}")

    def _character(self, char: str) -> None:
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self._down()
        elif char == "\b":
            self.column = max(self.column - 1, 0)
        else:
            assert char.isprintable(), f"unexpected character: {char!r}"
            self._put(char)

    def _put(self, char: str) -> None:
        width = wcwidth(char)
        if self.column + width > self.columns:
            self.wrapped += 1
            self.column = 0
            self._down()
        row = self.rows[self.row]
        row.extend(" " * (self.column + width - len(row)))
        row[self.column : self.column + width] = [char, *[""] * (width - 1)]
        self.column += width

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])


@dataclass
class Recording:
    """What was written to a pseudo-terminal so far."""

    text: str = ""


@contextlib.contextmanager
def terminal_stream(columns: int = 80) -> Iterator[tuple[TextIO, Recording]]:
    """A stream that is a pseudo-terminal of this width, and what arrives at its other end."""
    import fcntl  # POSIX only, as pseudo-terminals are
    import struct
    import termios

    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    recording = Recording()

    def record() -> None:
        with contextlib.suppress(OSError):  # EIO: the stream is closed
            while piece := os.read(reader, 1 << 16):
                recording.text += piece.decode()

    thread = Thread(target=record)
    thread.start()
    try:
        with os.fdopen(writer, "w", encoding="utf-8") as stream:
            yield stream, recording
    finally:
        thread.join()
        os.close(reader)

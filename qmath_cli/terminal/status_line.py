"""The status line: one line at the cursor that says what a wait is for, and is gone before anything else is written.

It is drawn on stderr, and only on a terminal that can draw over a line. It appears once nothing has been written for
0.3 seconds, and is drawn again at most ten times a second by a thread of its own, so that it moves during calls that
take long. At the start of a line it has the whole text; behind a line that is not finished, only the ellipsis that the
text begins with, or nothing.

Everything that the program writes goes through `write`, which erases it first, so a terminal's final contents and what
is copied from it have no trace of it. The cursor stays where the next character belongs: what a resized terminal makes
of the line is erased with it, and so is what a terminal itself writes there (`^C`). It is cut to the terminal's width.
"""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from qmath_cli.terminal.encoding import supports_unicode
from qmath_cli.terminal.suspension import suspending
from qmath_cli.terminal.text_width import clipped, columns

Source = Callable[[], str]
"""Gives the text of the line at this moment, or nothing while there is no wait. Called from a thread of its own."""

_DELAY_S = 0.3
_REDRAW_S = 0.1
_LONGEST_WRITE_S = 1.0  # that a writer waits for the thread; a terminal that is stopped (Ctrl-S) stops the thread too
_SGR = re.compile(r"\x1b\[[0-9;]*m")
_ASCII = str.maketrans({"·": "-", "…": "...", "█": "#"})
_SIGNS = {"…", "..."}
_ERASE = "\x1b[J"  # from the cursor to the end of the screen: a resized terminal may have wrapped the line


class StatusLine:
    """The status line of two streams. `err` is where it is drawn; what is written to `out` ends it, too.

    Attributes:
        shown: Whether it is ever drawn.
        out_is_seen: Whether what is written to `out` may show on the terminal.
    """

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self.out_is_seen, self._out_is_terminal = _is_seen(out), out.isatty()
        self._err = err
        self.shown = err.isatty() and os.environ.get("TERM", "") not in {"", "dumb", "unknown"}
        self._unicode = supports_unicode(getattr(err, "encoding", None), os.environ)
        self._lock = threading.RLock()  # held while anything is written
        self._source: Source | None = None
        self._outermost: Source | None = None  # of the waits that are nested, for the thread that serves them
        self._since = 0.0  # when something was written last, or the wait began
        self._line = ""  # what stands on the cursor's line, apart from the status
        self._drawn = ""  # the status that is on the screen

    def write(self, stream: TextIO, text: str) -> None:
        """Write text to one of the streams, after the status is erased. Raises what the stream raises."""
        held = self._lock.acquire(timeout=_LONGEST_WRITE_S)
        try:
            seen = stream is self._err or self.out_is_seen
            if seen:
                self._erase()
            stream.write(text)
            stream.flush()
            if seen and text:
                _, newline, after = text.rpartition("\n")
                self._line = after if newline else self._line + after
                self._since = time.monotonic()
        finally:
            if held:
                self._lock.release()

    @contextmanager
    def during(self, source: Source) -> Iterator[None]:
        """Show what `source` says while the block waits. A block within it has the line for itself."""
        if not self.shown:
            yield
            return
        before = self._source
        self._since = time.monotonic()
        self._source = source
        try:
            if before is not None:
                yield
                return
            self._outermost = source
            threading.Thread(target=self._run, args=(source,), name="status", daemon=True).start()
            with suspending(self.clear, self.clear):
                yield
        finally:
            self._source = before
            self._outermost = None if before is None else self._outermost
            self.clear()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Draw nothing while the block reads a line from the terminal."""
        with self.during(lambda: ""):
            self.clear()
            yield
        self._line = ""

    def clear(self) -> None:
        """Erase the line; it is drawn again if the wait goes on."""
        if self.shown:
            self.write(self._err, "")
            self._since = time.monotonic()

    # ------------------------------------------------------------ drawing

    def _run(self, outermost: Source) -> None:
        """Redraw until the outermost wait is over. Nothing that a signal handler raises arrives in this thread."""
        while True:
            time.sleep(_REDRAW_S)
            with self._lock:
                if self._outermost is not outermost or not self._redraw():
                    return

    def _redraw(self) -> bool:
        """Draw the status as it is now; false where the terminal is gone."""
        text = self._source() if self._source is not None else ""
        try:
            if not text or time.monotonic() - self._since < _DELAY_S:
                self._erase()
            else:
                self._draw(self._placed(text if self._unicode else text.translate(_ASCII)))
        except (OSError, ValueError):  # the terminal was closed, or the stream: there is nothing to draw on any more
            return False
        return True

    def _placed(self, text: str) -> str:
        """The status with what brings the cursor back: all at the start of a line, an ellipsis behind text."""
        width = _width(self._err)
        used = columns(_SGR.sub("", self._line))
        if not used:
            return f"\r{clipped(text, width - 1)}{_ERASE}\r"
        sign, _, _ = text.partition(" ")
        column, size = used % width, columns(sign)
        fits = self._out_is_terminal and sign in _SIGNS and column > 0 and column + size < width
        return f"{sign}{_ERASE}" + "\b" * size if fits else ""

    def _draw(self, placed: str) -> None:
        if placed != self._drawn:
            if not placed:
                self._erase()
            self._drawn = placed
            self._err.write(placed)
            self._err.flush()

    def _erase(self) -> None:
        if self._drawn:
            self._err.write(_ERASE if self._line else f"\r{_ERASE}")
            self._err.flush()
            self._drawn = ""  # afterwards: to erase twice does no harm


def _is_seen(stream: TextIO) -> bool:
    """Whether text that is written to a stream may show on the terminal: not if it goes to a file."""
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):  # no file at all, as in tests and notebooks
        return True
    return stream.isatty() or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _width(stream: TextIO) -> int:
    """Columns of a terminal at present. COLUMNS does not count: the line must not be wider than the screen is."""
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, 1)
    except (OSError, ValueError):
        return 80

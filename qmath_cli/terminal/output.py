"""The two output streams: results to stdout, everything else to stderr.

All output of the program goes through a `Terminal`. A pipe that its reader has closed (EPIPE) is not an error: the
first failed write raises `StdoutClosed`, which ends the program silently. A stream that was closed before the program
started discards its output. Control characters are removed: see `clean`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import TextIO

from qmath_cli.terminal.status_line import StatusLine
from qmath_cli.terminal.text_width import text_width
from qmath_cli.terminal.word_wrap import wrapped

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Remove control characters other than newline and tab, so escape sequences too, and bidi overrides."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


class StdoutClosed(Exception):
    """The reader of the output has closed it. Not an OSError, so that no library handles it as an error of its own."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """The streams of this run. `out` carries results, `err` carries notes, progress and errors.

    `status` is the line on `err` that says what a wait is for; whatever is written erases it first.
    """

    out: TextIO
    err: TextIO
    status: StatusLine = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", StatusLine(self.out, self.err))

    @classmethod
    def standard(cls) -> Terminal:
        """The streams of the process; a character that an encoding lacks is written as an escape."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
                stream.reconfigure(errors="backslashreplace")
        return cls(sys.stdout or _null_stream(), sys.stderr or _null_stream())

    @property
    def interactive(self) -> bool:
        """Whether stdout is a terminal."""
        return self.out.isatty()

    def line(self, text: str = "") -> None:
        """Write one line of result."""
        self.write(clean(text) + "\n")

    def prose(self, text: str) -> None:
        """Write one line of result that is a sentence; on a terminal its words wrap."""
        line = clean(text)
        self.write((wrapped(line, text_width()) if self.interactive else line) + "\n")

    def write(self, text: str) -> None:
        """Write a part of a result unchanged; the caller has cleaned it."""
        self._put(self.out, text)

    def note(self, text: str) -> None:
        """Write one line for people, to stderr; on a terminal its words wrap."""
        line = clean(text)
        self._put(self.err, (wrapped(line, text_width()) if self.err.isatty() else line) + "\n")

    def reply_to(self, question: str) -> str:
        """Write a question to stderr, and read the line that is typed behind it."""
        self._put(self.err, question)
        with self.status.paused():
            return sys.stdin.readline().strip()

    def error(self, message: str, hint: str = "") -> None:
        """Write what is wrong, and what to do about it, to stderr."""
        self.note(f"error: {message}")
        if hint:
            self.note(f"hint: {hint}")

    def json(self, record: Mapping[str, object]) -> None:
        """Write one JSON object on one line; it is ASCII, which every encoding can represent."""
        self.write(json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n")

    def _put(self, stream: TextIO, text: str) -> None:
        try:
            self.status.write(stream, text)
        except BrokenPipeError as exc:
            raise StdoutClosed from exc


def _null_stream() -> TextIO:
    """A stream that discards its output. Python sets `sys.stderr` to None if the shell closed it (`2>&-`)."""
    return open(os.devnull, "w", encoding="utf-8")


def drop_stdout() -> None:
    """Point file descriptor 1 at the null device after `StdoutClosed`, so that the last flush succeeds."""
    if sys.stdout is None:
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)

"""The two streams: answers to stdout, everything else to stderr.

Every other room hands records or lines to a `Terminal`; nobody else writes. A reader that has gone away (EPIPE) is
not an error: the first failed write raises `ReaderGone`, which ends the program quietly. A stream that was closed
before we began swallows what it is given. Control characters never pass: see `clean`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TextIO

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """`text` without control characters other than newline and tab: no escape sequence survives, nor bidi overrides."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


class ReaderGone(Exception):
    """Whoever read our output has closed it. No OSError, so that no library on the way takes it for its own."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """The streams of this run. `out` carries results, `err` carries notes, progress and errors."""

    out: TextIO
    err: TextIO

    @classmethod
    def standard(cls) -> Terminal:
        """The process's own streams; what an encoding cannot say is written as an escape, not as a traceback."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
                stream.reconfigure(errors="backslashreplace")
        return cls(sys.stdout or _nowhere(), sys.stderr or _nowhere())

    @property
    def interactive(self) -> bool:
        """Whether a person reads stdout."""
        return self.out.isatty()

    def line(self, text: str = "") -> None:
        """One line of result."""
        self.write(clean(text) + "\n")

    def write(self, text: str) -> None:
        """A piece of result, exactly as given; the caller has cleaned it."""
        _put(self.out, text)

    def note(self, text: str) -> None:
        """One line for people, on stderr."""
        _put(self.err, clean(text) + "\n")

    def error(self, message: str, hint: str = "") -> None:
        """What went wrong, and what to do about it."""
        self.note(f"error: {message}")
        if hint:
            self.note(f"hint: {hint}")

    def json(self, record: Mapping[str, object]) -> None:
        """Exactly one JSON object on one line; ASCII only, so that no encoding can break it."""
        self.write(json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n")


def _put(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError as exc:
        raise ReaderGone from exc


def _nowhere() -> TextIO:
    """A stream for what nobody can read: Python has none where the shell closed it (`2>&-`)."""
    return open(os.devnull, "w", encoding="utf-8")


def drop_stdout() -> None:
    """After `ReaderGone`: point file descriptor 1 at nothing, so that the interpreter's last flush stays silent."""
    if sys.stdout is None:
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)

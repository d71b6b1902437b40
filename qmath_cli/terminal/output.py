"""The two streams: answers to stdout, everything else to stderr.

Every other room hands records or lines to a `Terminal`; nobody else writes. A reader that has gone away (EPIPE) is
not an error: the first failed write ends the output quietly. Control characters never pass: see `clean`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """`text` without control characters other than newline and tab: no escape sequence survives, nor bidi overrides."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


@dataclass(frozen=True, slots=True)
class Terminal:
    """The streams of this run. `out` carries results, `err` carries notes, progress and errors."""

    out: TextIO
    err: TextIO

    @classmethod
    def standard(cls) -> Terminal:
        """The process's own streams."""
        return cls(sys.stdout, sys.stderr)

    @property
    def interactive(self) -> bool:
        """Whether a person reads stdout."""
        return self.out.isatty()

    def line(self, text: str = "") -> None:
        """One line of result."""
        self.write(clean(text) + "\n")

    def write(self, text: str) -> None:
        """A piece of result, exactly as given; the caller has cleaned it."""
        self.out.write(text)
        self.out.flush()

    def note(self, text: str) -> None:
        """One line for people, on stderr."""
        self.err.write(clean(text) + "\n")
        self.err.flush()

    def error(self, message: str, hint: str = "") -> None:
        """What went wrong, and what to do about it."""
        self.note(f"error: {message}")
        if hint:
            self.note(f"hint: {hint}")

    def json(self, record: Mapping[str, object]) -> None:
        """Exactly one JSON object on one line; ASCII only, so that no encoding can break it."""
        self.write(json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n")


def drop_stdout() -> None:
    """After EPIPE: point file descriptor 1 at nothing, so that the interpreter's last flush stays silent."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)

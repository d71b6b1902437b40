"""The lines of a file of any length, one after the other; lines can be given back.

The text is UTF-8, or UTF-16 with a byte order mark, which Windows PowerShell writes. A byte that is no UTF-8 becomes a
surrogate (Python's `surrogateescape`), so that it spoils its own line only.
"""

from __future__ import annotations

import codecs
import io
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, TextIO

_LONGEST = 1 << 20  # characters of a line that are kept


class PairLines(Iterator[str]):
    """The lines of a stream, each with its newline; `number` is that of the last one taken, counted from 1."""

    def __init__(self, stream: BinaryIO) -> None:
        self._text = _decoded(stream)
        self._waiting: deque[str] = deque()
        self.number = 0

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        return line

    def give_back(self, lines: list[str]) -> None:
        """Put lines that were taken last before the next one."""
        self._waiting.extendleft(reversed(lines))
        self.number -= len(lines)

    def first(self) -> str:
        """The first line that is not empty, which stays where it is; empty if there is none."""
        taken: list[str] = []
        for line in self:
            taken.append(line)
            if line.strip():
                break
        self.give_back(taken)
        return taken[-1] if taken else ""

    def _read(self) -> str:
        """A line; of one that is longer than `_LONGEST`, the beginning."""
        line = rest = self._text.readline(_LONGEST)
        while len(rest) == _LONGEST and not rest.endswith("\n"):
            rest = self._text.readline(_LONGEST)
        return line


def _decoded(stream: BinaryIO) -> TextIO:
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)  # type: ignore[type-var]
    if buffered.peek(2)[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return io.TextIOWrapper(buffered, "utf-16", errors="replace")
    return io.TextIOWrapper(buffered, "utf-8-sig", errors="surrogateescape")

"""The hash of a file while it is written: what is complete from its beginning on is hashed beside the conversion.

A hash needs the bytes in their order, and tensors are not always complete in the order of the file. So each complete
tensor is noted, and `advance` hashes as far as there is no gap, a limited amount per call: the caller also feeds the
threads that convert. The bytes are read back from the file. What is left at the end, `rest` hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from qmath_convert.layout import FileLayout
from qmath_convert.part import Part

_CHUNK = 1 << 18  # bytes; stays in a core's cache


class FileDigest:
    """SHA-256 of one output. Used by one thread. The part is open, and is not renamed before `rest` has ended."""

    def __init__(self, part: Part, layout: FileLayout) -> None:
        self._part, self._size = part, layout.size
        self._ahead = [(tensor.spec.name, tensor.offset) for tensor in reversed(layout.tensors)]
        self._complete = set(part.done)
        self._digest = hashlib.sha256()
        self._buffer = memoryview(bytearray(_CHUNK))
        self.hashed = 0  # bytes

    @property
    def path(self) -> Path:
        """Where the bytes are."""
        return self._part.path if self._part.complete else self._part.part

    def complete(self, name: str) -> None:
        """Note that a tensor is written."""
        self._complete.add(name)

    def advance(self, limit: int) -> None:
        """Hash at most `limit` bytes more, as far as the file is complete."""
        end = min(self._ready(), self.hashed + limit)
        for _ in self._hash_to(end):
            pass

    def rest(self) -> Iterator[int]:
        """Hash the rest of the complete file. Gives the bytes that each step hashed."""
        yield from self._hash_to(self._size)

    def hexdigest(self) -> str:
        """The hash of what was hashed."""
        return self._digest.hexdigest()

    def _ready(self) -> int:
        """The offset of the first tensor that is not complete; the padding before it is."""
        while self._ahead and self._ahead[-1][0] in self._complete:
            self._ahead.pop()
        return self._ahead[-1][1] if self._ahead else self._size

    def _hash_to(self, end: int) -> Iterator[int]:
        if end <= self.hashed:
            return
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.hashed)
            while self.hashed < end:
                count = file.readinto(self._buffer[: end - self.hashed])
                if not count:
                    return  # shorter than planned: the verification of the structure says so
                self._digest.update(self._buffer[:count])
                self.hashed += count
                yield count

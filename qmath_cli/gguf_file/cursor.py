"""Parses the bytes of a GGUF header.

Format: GGUF versions 2 and 3, little-endian, as in ggml's `docs/gguf.md`. The elements of arrays, such as the
vocabulary, are skipped; only their number and position are kept. What ggml's own reader (gguf.cpp) refuses is refused
here in words: keys or tensors with the same name, more than four dimensions, offsets that leave gaps or overlap.

A damaged header can claim any number of anything. Every count is therefore compared with the bytes that are left, and
all entries together with `_MOST_ENTRIES`; a string is copied only up to `_LONGEST_TEXT`.
"""

from __future__ import annotations

import mmap
import struct
from math import prod

from qmath_cli.gguf_file.header import Array, Header, TensorInfo, Value
from qmath_cli.gguf_file.tables import ARRAY, MAGIC, SCALARS, STRING, TENSOR_TYPES, VERSIONS

STRIDE = 1024  # strings between two marks of an `Array`
_MOST_ENTRIES = 4_000_000  # strings, nested arrays, keys and tensors; a model has 300,000 to 800,000
_ARRAY_ENTRIES = 40  # an array within another takes the time of so many strings
_MOST_BYTES = 1 << 62  # of one tensor; more would overflow the sizes of ggml
_LONGEST_TEXT = 1 << 20  # bytes; a chat template has some ten thousand
_LONGEST_KEY = 1 << 16  # bytes; docs/gguf.md: at most 65535
_DEEPEST = 16  # arrays within arrays; no known file has any
_MOST_DIMENSIONS = 4  # GGML_MAX_DIMS


class Damage(Exception):
    """What is wrong with a header, as the end of a sentence that begins with the file's name."""


def parse(head: bytes | mmap.mmap, size: int) -> Header:
    """Parse a header.

    Args:
        head: The file, or its first bytes: at least the whole header.
        size: The size of the whole file, in bytes. All tensors must lie within it.

    Raises:
        Damage: It is no valid header.
    """
    return _Cursor(head, size).header()


class _Cursor:
    """A position in the mapped file. It moves forward only, and raises at the end of the file."""

    def __init__(self, view: mmap.mmap | bytes, size: int) -> None:
        self._view = view
        self._length = len(view)
        self._size = size  # of the whole file
        self._at = len(MAGIC)
        self._entries = 0

    def header(self) -> Header:
        version = self._integer("I")
        if version not in VERSIONS:
            raise Damage(_version(version))
        n_tensors, n_values = self._integer("Q"), self._integer("Q")
        metadata: dict[str, Value] = {}
        for _ in range(self._counted(n_values, 13, "metadata entries")):
            key = self._key("a metadata key")
            if key in metadata:
                raise Damage(f"is damaged: its header has {_shown(key)} twice")
            metadata[key] = self._value(self._integer("I"), 0)
        infos = [self._tensor() for _ in range(self._counted(n_tensors, 24, "tensors"))]
        if len({info.name for info in infos}) != len(infos):
            raise Damage("is damaged: its header has a tensor twice")
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
            raise Damage(f"is damaged: {_shown(str(alignment))} is no alignment")
        return self._placed(version, metadata, infos, alignment)

    def _placed(self, version: int, metadata: dict[str, Value], infos: list[TensorInfo], alignment: int) -> Header:
        """The header with the tensors' offsets from the start of the file."""
        start = -(-self._at // alignment) * alignment
        tensors = []
        end = self._at
        following = 0  # where the next tensor begins: behind the one before, aligned
        for info in infos:
            if info.offset != following:
                raise Damage(
                    f"is damaged: {_shown(info.name)} lies at byte {info.offset} of the weights, not at {following}"
                )
            end = start + info.offset + info.size
            if end > self._size:
                raise Damage(f"was cut off: {_shown(info.name)} ends at byte {end}, the file at {self._size}")
            tensors.append(TensorInfo(info.name, info.shape, info.type_name, start + info.offset, info.size))
            following += -(-info.size // alignment) * alignment
        return Header(version, metadata, tuple(tensors), end)

    def _tensor(self) -> TensorInfo:
        name = self._key("a tensor's name")
        dimensions = self._integer("I")
        if dimensions > _MOST_DIMENSIONS:
            raise Damage(f"is damaged: {_shown(name)} has {dimensions} dimensions")
        shape = tuple(self._integer("Q") for _ in range(dimensions))
        number, offset = self._integer("I"), self._integer("Q")
        if number not in TENSOR_TYPES:
            raise Damage(
                f"has {_shown(name)} in a type that is not known here (number {number}): damaged, or of a newer format"
            )
        type_name, per_block, block = TENSOR_TYPES[number]
        row = shape[0] if shape else 1
        if row % per_block:
            raise Damage(f"is damaged: rows of {row} weights do not fit {type_name}, the type of {_shown(name)}")
        size = prod(shape) // per_block * block
        if size > _MOST_BYTES:
            raise Damage(f"is damaged: {_shown(name)} would have {size} bytes")
        return TensorInfo(name, shape, type_name, offset, size)

    def _value(self, kind: int, depth: int) -> Value:
        if kind == STRING:
            return self._text()
        if kind == ARRAY:
            return self._array(depth)
        if kind not in SCALARS:
            raise Damage(f"is damaged: a metadata value has the unknown type {kind}")
        return self._scalar(SCALARS[kind])

    def _array(self, depth: int) -> Array:
        kind, count = self._integer("I"), self._integer("Q")
        if kind == STRING:
            self._counted(count, 8, "strings")
            start = self._at
            marks = self._skip_strings(count)
            return Array(count, start, self._at, kind, marks)
        start = self._at
        if kind == ARRAY:
            if depth == _DEEPEST:
                raise Damage(f"is damaged: it has more than {_DEEPEST} arrays within one another")
            self._entries += _ARRAY_ENTRIES * count
            for _ in range(self._counted(count, 12, "arrays")):
                self._array(depth + 1)
        elif kind in SCALARS:
            self._move(count * struct.calcsize("<" + SCALARS[kind]))
        else:
            raise Damage(f"is damaged: an array has elements of the unknown type {kind}")
        return Array(count, start, self._at, kind)

    def _skip_strings(self, count: int) -> tuple[int, ...]:
        # Most of the time is spent here: a vocabulary of 150,000 tokens and as many merges.
        unpack, view, at, last = struct.Struct("<Q").unpack_from, self._view, self._at, self._length - 8
        marks = []
        for first in range(0, count, STRIDE):
            marks.append(at)
            for _ in range(min(STRIDE, count - first)):
                if at > last:
                    raise _beyond_the_end()
                at += 8 + unpack(view, at)[0]
            if at == marks[-1] + 8 * STRIDE:  # as in a part of a file that is filled with zeros
                raise Damage("is damaged: its vocabulary has a thousand empty entries one after the other")
        self._at = at
        self._move(0)
        return tuple(marks)

    def _text(self) -> Value:
        """A string; one that is too long to be worth copying is skipped like an array."""
        length = self._integer("Q")
        start = self._at
        self._move(length)
        if length > _LONGEST_TEXT:
            return Array(length, start, self._at, STRING)
        return self._view[start : self._at].decode("utf-8", "replace")

    def _key(self, what: str) -> str:
        length = self._integer("Q")
        if length > _LONGEST_KEY:
            raise Damage(f"is damaged: {what} has {length} bytes")
        start = self._at
        self._move(length)
        return self._view[start : self._at].decode("utf-8", "replace")

    def _integer(self, code: str) -> int:
        return int(self._scalar(code))

    def _scalar(self, code: str) -> int | float | bool:
        start = self._at
        self._move(struct.calcsize("<" + code))
        value: int | float | bool = struct.unpack_from("<" + code, self._view, start)[0]
        return value

    def _counted(self, count: int, smallest: int, what: str) -> int:
        """`count` entries of at least `smallest` bytes each follow; they must fit into what is left of the file."""
        self._entries += count
        if count * smallest > self._length - self._at or self._entries > _MOST_ENTRIES:
            raise Damage(f"is damaged: its header claims {count} {what}")
        return count

    def _move(self, length: int) -> None:
        self._at += length
        if self._at > self._length:
            raise _beyond_the_end()


def _shown(name: str) -> str:
    """A name for a message: a damaged one may be long, and anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:60])


def _beyond_the_end() -> Damage:
    return Damage("is damaged or cut off: its header goes on behind the end of the file")


def _version(version: int) -> str:
    swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
    if 0 < swapped < 1 << 16 <= version:
        return f"is a big-endian GGUF (version {swapped}), made for another kind of processor"
    if version == 1:
        return "is GGUF version 1, which llama.cpp no longer reads either"
    return f"is GGUF version {version}, and qmath reads {' and '.join(map(str, VERSIONS))}: damaged, or newer"

"""Where every byte of a GGUF goes: the header, and the place of each tensor, known before any weight is read.

Format: version 3, little-endian, ggml/docs/gguf.md and ggml/src/gguf.cpp. Tensors are laid out in the order in which
llama.cpp's quantizer writes them (outside the layers first, then layer by layer, by name), and each begins at a
multiple of 32 bytes: a file of ours and one that `llama_model_quantize` makes from our BF16 file are the same file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from qmath_convert.ggml import GgmlType

_ALIGNMENT = 32  # GGUF_DEFAULT_ALIGNMENT
_VERSION = 3


class ValueType(IntEnum):
    """The kinds of metadata values that we write (`enum gguf_type`)."""

    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    BOOL = 7
    STRING = 8
    ARRAY = 9


_SCALARS = {ValueType.UINT32: "<I", ValueType.INT32: "<i", ValueType.FLOAT32: "<f", ValueType.BOOL: "<?"}


@dataclass(frozen=True, slots=True)
class Field:
    """One key/value pair. For an array `value` is a sequence and `element` the type of its members."""

    key: str
    kind: ValueType
    value: object
    element: ValueType | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor's name, dimensions (rows, columns) and type."""

    name: str
    dims: tuple[int, ...]
    kind: GgmlType

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.kind.row_bytes(self.dims[-1])

    @property
    def nbytes(self) -> int:
        """Bytes of the whole tensor, without padding."""
        rows = 1
        for dim in self.dims[:-1]:
            rows *= dim
        return rows * self.row_bytes


@dataclass(frozen=True, slots=True)
class Place:
    """A slot, and the offset of its first byte from the beginning of the file."""

    slot: Slot
    offset: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole file: `header` is everything before the first tensor, `size` the length of the file."""

    header: bytes
    places: tuple[Place, ...]
    size: int


def lay_out(fields: Sequence[Field], slots: Iterable[Slot]) -> Layout:
    """Place all tensors and build the header."""
    ordered = sorted(slots, key=_order)
    relative, offsets = 0, []
    for slot in ordered:
        offsets.append(relative)
        relative += _padded(slot.nbytes)
    infos = b"".join(_info(slot, offset) for slot, offset in zip(ordered, offsets, strict=True))
    counts = struct.pack("<4sIQQ", b"GGUF", _VERSION, len(ordered), len(fields))
    header = counts + b"".join(_field(field) for field in fields) + infos
    header += bytes(_padded(len(header)) - len(header))
    places = tuple(Place(slot, len(header) + offset) for slot, offset in zip(ordered, offsets, strict=True))
    return Layout(header, places, len(header) + relative)


def _order(slot: Slot) -> tuple[int, str]:
    parts = slot.name.split(".")
    return (int(parts[1]) if parts[0] == "blk" else -1, slot.name)


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _info(slot: Slot, offset: int) -> bytes:
    dims = slot.dims[::-1]  # ggml counts from the fastest dimension
    return _string(slot.name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, slot.kind, offset)


def _field(field: Field) -> bytes:
    head = _string(field.key) + struct.pack("<I", field.kind)
    if field.kind is not ValueType.ARRAY:
        return head + _value(field.kind, field.value)
    assert field.element is not None
    assert isinstance(field.value, list | tuple)
    values = b"".join(_value(field.element, value) for value in field.value)
    return head + struct.pack("<IQ", field.element, len(field.value)) + values


def _value(kind: ValueType, value: object) -> bytes:
    if kind is ValueType.STRING:
        assert isinstance(value, str)
        return _string(value)
    return struct.pack(_SCALARS[kind], value)


def _string(text: str) -> bytes:
    encoded = text.encode("utf-8")
    return struct.pack("<Q", len(encoded)) + encoded

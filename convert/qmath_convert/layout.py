"""The layout of a GGUF file: its header and the offset of each tensor, computed before any weight is read.

Format: version 3, little-endian, ggml/docs/gguf.md and ggml/src/gguf.cpp. Tensors are in the order in which llama.cpp's
quantizer writes them: outside the layers first, then layer by layer, by name. Each starts at a multiple of 32 bytes. A
file made here has the same bytes as the one that `llama_model_quantize` makes from our BF16 file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from qmath_convert.ggml import GgmlType

_ALIGNMENT = 32  # bytes; GGUF_DEFAULT_ALIGNMENT
_VERSION = 3


class ValueType(IntEnum):
    """The types of metadata values that the converter writes (`enum gguf_type`)."""

    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    BOOL = 7
    STRING = 8
    ARRAY = 9


_SCALARS = {ValueType.UINT32: "I", ValueType.INT32: "i", ValueType.FLOAT32: "f", ValueType.BOOL: "?"}
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Field:
    """One key/value pair of the metadata. For an array, `value` is a sequence and `element` the type of its members."""

    key: str
    kind: ValueType
    value: object
    element: ValueType | None = None


@dataclass(frozen=True, slots=True)
class TensorSpec:
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

    @property
    def padded_bytes(self) -> int:
        """Bytes of the whole tensor, with the padding behind it."""
        return _padded(self.nbytes)


@dataclass(frozen=True, slots=True)
class PlacedTensor:
    """A tensor, and the offset of its first byte from the start of the file."""

    spec: TensorSpec
    offset: int


@dataclass(frozen=True, slots=True)
class FileLayout:
    """A whole file: `header` is everything before the first tensor, `size` the length of the file in bytes."""

    header: bytes
    tensors: tuple[PlacedTensor, ...]
    size: int


def lay_out(fields: Sequence[Field], specs: Iterable[TensorSpec]) -> FileLayout:
    """Build the header and compute every tensor's offset."""
    ordered = sorted(specs, key=_order)
    relative, offsets = 0, []
    for spec in ordered:
        offsets.append(relative)
        relative += spec.padded_bytes
    infos = b"".join(_info(spec, offset) for spec, offset in zip(ordered, offsets, strict=True))
    counts = struct.pack("<4sIQQ", b"GGUF", _VERSION, len(ordered), len(fields))
    header = counts + b"".join(_field(field) for field in fields) + infos
    header += bytes(_padded(len(header)) - len(header))
    tensors = tuple(PlacedTensor(spec, len(header) + offset) for spec, offset in zip(ordered, offsets, strict=True))
    return FileLayout(header, tensors, len(header) + relative)


def _order(spec: TensorSpec) -> tuple[int, str]:
    parts = spec.name.split(".")
    return (int(parts[1]) if parts[0] == "blk" else -1, spec.name)


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _info(spec: TensorSpec, offset: int) -> bytes:
    dims = spec.dims[::-1]  # ggml lists the fastest dimension first
    return _string(spec.name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, spec.kind, offset)


def _field(field: Field) -> bytes:
    head = _string(field.key) + struct.pack("<I", field.kind)
    if field.kind is not ValueType.ARRAY:
        return head + _value(field.kind, field.value)
    if field.element is None or not isinstance(field.value, list | tuple):
        raise ValueError(f"the array {field.key} needs a list of values and the type of its members")
    count = struct.pack("<IQ", field.element, len(field.value))
    return head + count + _values(field.element, field.value)


def _value(kind: ValueType, value: object) -> bytes:
    return _values(kind, [value])


def _values(kind: ValueType, values: Sequence[object]) -> bytes:
    """Values of one type, one behind the other: a vocabulary has 150,000."""
    if kind is not ValueType.STRING:
        return struct.pack(f"<{len(values)}{_SCALARS[kind]}", *values)
    if not all(isinstance(value, str) for value in values):
        raise ValueError("a value of the metadata is not a string")
    encoded = [str(value).encode("utf-8") for value in values]
    return b"".join(part for text in encoded for part in (_LENGTH.pack(len(text)), text))


def _string(text: str) -> bytes:
    return _values(ValueType.STRING, [text])

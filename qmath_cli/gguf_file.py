"""Reads the header of a GGUF file: its metadata, and the types and offsets of its tensors.

Format: GGUF versions 2 and 3, little-endian, as in ggml's `docs/gguf.md`. Arrays, such as the vocabulary, are skipped
and only their length and position are kept, so that a real model's header takes about a tenth of a second. `read`
checks that every tensor lies inside the file; it does not read the weights. Bytes that are not a valid header raise
`IntegrityError` and no other error.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from qmath_cli.errors import IntegrityError, ModelMissing, QmathError

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_HINT = "pull or convert the model again"
# Metadata types of the format, and the format characters of `struct` for the scalar ones.
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

# ggml type number: (name, weights per block, bytes per block). Source: ggml-common.h and ggml.h of llama.cpp.
TENSOR_TYPES: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    20: ("IQ4_NL", 32, 18),
    23: ("IQ4_XS", 256, 136),
    30: ("BF16", 1, 2),
}

# `general.file_type`: the quantization of a whole file. Source: enum llama_ftype in llama.h.
FILE_TYPES: Mapping[int, str] = {
    0: "f32",
    1: "f16",
    2: "q4_0",
    7: "q8_0",
    14: "q4_k_s",
    15: "q4_k_m",
    16: "q5_k_s",
    17: "q5_k_m",
    18: "q6_k",
    30: "iq4_xs",
    32: "bf16",
}


@dataclass(frozen=True, slots=True)
class Array:
    """A metadata array that was skipped: its number of elements, and the bytes of the file from `start` to `end`."""

    length: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor.

    Attributes:
        name: Its name.
        shape: Its dimensions in ggml's order: the first one is contiguous.
        type_name: Its ggml type, such as `Q4_K`.
        offset: Bytes from the start of the file.
        size: Bytes.
    """

    name: str
    shape: tuple[int, ...]
    type_name: str
    offset: int
    size: int


Value = str | int | float | bool | Array


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a GGUF file.

    Attributes:
        version: The version of the format.
        metadata: All keys with their values; arrays without their elements.
        tensors: All tensors, in the file's order.
    """

    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[TensorInfo, ...]

    @property
    def architecture(self) -> str:
        """`general.architecture`; empty if it is absent."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def quantization(self) -> str:
        """The quantization of the file, such as `q4_k_m`; empty if it is not known."""
        number = self.metadata.get("general.file_type")
        return FILE_TYPES.get(number, "") if isinstance(number, int) else ""

    @property
    def layers(self) -> int:
        """The number of transformer blocks; 0 if it is absent."""
        return self.number("block_count")

    def text(self, key: str) -> str:
        """The string of a metadata key; empty if it is absent or not a string."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    @property
    def weights(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.size for tensor in self.tensors)

    def number(self, key: str, default: int = 0) -> int:
        """The integer of a metadata key of the architecture: `number("block_count")`; `default` if it is absent."""
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        return value if isinstance(value, int) else default


def read(path: Path) -> Header:
    """Read the header of a file, and check that the file contains all its tensors.

    Args:
        path: The file.

    Raises:
        ModelMissing: There is no such file, or it is a folder.
        IntegrityError: It is not a GGUF file, it is damaged or cut off, or it cannot be read.
        QmathError: The user has no permission to read it.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != MAGIC:
                raise IntegrityError(f"{path} is not a GGUF file", "`qmath convert` converts a checkpoint to GGUF")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                return _Cursor(view, len(view)).header()
    except FileNotFoundError as exc:
        raise ModelMissing(f"there is no file {path}", "`qmath list` shows the models on this machine") from exc
    except IsADirectoryError as exc:
        raise ModelMissing(f"{path} is a folder, not a GGUF file", "`qmath convert` converts a checkpoint") from exc
    except PermissionError as exc:
        raise QmathError(f"no permission to read {path}", f"chmod u+r {path}") from exc
    except (OSError, ValueError) as exc:
        raise IntegrityError(f"cannot read {path}: {exc}", _HINT) from exc
    except (struct.error, IndexError, KeyError, OverflowError) as exc:
        raise IntegrityError(f"{path} is damaged: its header does not parse", _HINT) from exc
    except _Damage as exc:
        raise IntegrityError(f"{path} is damaged: {exc}", _HINT) from exc


def has_tokens(path: Path, header: Header, tokens: Sequence[str]) -> bool:
    """Whether the vocabulary of a file contains tokens.

    Args:
        path: The file.
        header: Its header.
        tokens: The tokens; each must be present with exactly this text.

    Raises:
        IntegrityError: The file can no longer be read.
    """
    found = header.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(found, Array) or found.end == found.start:
        return False
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            wanted = [len(token.encode()).to_bytes(8, "little") + token.encode() for token in tokens]
            return all(view.find(text, found.start, found.end) >= 0 for text in wanted)
    except (OSError, ValueError) as exc:
        raise IntegrityError(f"cannot read {path}: {exc}", _HINT) from exc


def parse(head: bytes, size: int) -> Header:
    """Parse the header of a file that is not written yet.

    Args:
        head: Its first bytes; the whole header.
        size: The size of the whole file, in bytes.
    """
    return _Cursor(head, size).header()


class _Damage(Exception):
    """What is wrong with a header; `read` adds the file's name."""


class _Cursor:
    """A position in the mapped file. It moves forward only, and raises at the end of the file."""

    def __init__(self, view: mmap.mmap | bytes, size: int) -> None:
        self._view = view
        self._size = size  # of the whole file
        self._at = 4  # after the magic

    def header(self) -> Header:
        version = self._scalar("I")
        if version not in _VERSIONS:
            raise _Damage(f"GGUF version {version} is not one of {_VERSIONS}")
        n_tensors, n_values = self._scalar("Q"), self._scalar("Q")
        metadata = {self._string(): self._value(self._scalar("I")) for _ in range(self._bounded(n_values))}
        infos = [self._tensor() for _ in range(self._bounded(n_tensors))]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
            raise _Damage(f"alignment {alignment!r} is not a power of two")
        start = -(-self._at // alignment) * alignment
        return Header(int(version), metadata, tuple(self._placed(info, start) for info in infos))

    def _placed(self, info: TensorInfo, start: int) -> TensorInfo:
        end = start + info.offset + info.size
        if end > self._size:
            raise _Damage(f"{info.name} ends at byte {end}, the file at {self._size}: it was cut off")
        return TensorInfo(info.name, info.shape, info.type_name, start + info.offset, info.size)

    def _tensor(self) -> TensorInfo:
        name = self._string()
        shape = tuple(int(self._scalar("Q")) for _ in range(self._bounded(self._scalar("I"))))
        number, offset = int(self._scalar("I")), int(self._scalar("Q"))
        if number not in TENSOR_TYPES:
            raise _Damage(f"{name} has the unknown tensor type {number}")
        type_name, per_block, block = TENSOR_TYPES[number]
        if shape and shape[0] % per_block:
            raise _Damage(f"{name}: rows of {shape[0]} do not fit {type_name}")
        return TensorInfo(name, shape, type_name, offset, prod(shape) // per_block * block)

    def _value(self, kind: float) -> Value:
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            return self._scalar(_SCALARS[int(kind)])
        element, length = self._scalar("I"), self._bounded(self._scalar("Q"))
        start = self._at
        if element == _STRING:
            self._skip_strings(length)
        else:
            self._move(length * struct.calcsize(_SCALARS[int(element)]))
        return Array(length, start, self._at)

    def _skip_strings(self, count: int) -> None:
        # Most of the time is spent here: a vocabulary of 150,000 tokens and as many merges.
        unpack, view, at = struct.Struct("<Q").unpack_from, self._view, self._at
        for _ in range(count):
            at += 8 + unpack(view, at)[0]
        self._at = at
        self._move(0)

    def _string(self) -> str:
        length = int(self._scalar("Q"))
        start = self._at
        self._move(length)
        return self._view[start : self._at].decode("utf-8", "replace")

    def _scalar(self, code: str) -> int | float | bool:
        value: int | float | bool = struct.unpack_from("<" + code, self._view, self._at)[0]
        self._at += struct.calcsize("<" + code)
        return value

    def _bounded(self, count: float) -> int:
        """`count` as an integer. Every entry takes at least one byte, so there are at most as many as bytes."""
        if count > len(self._view):
            raise _Damage(f"it has a count of {count}")
        return int(count)

    def _move(self, length: int) -> None:
        self._at += length
        if self._at > len(self._view):
            raise _Damage("its header is cut off")

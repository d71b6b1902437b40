"""Blocks of rows: read, check and quantize one, in each type that the outputs need.

A `BlockQuantizer` belongs to one thread and reuses its buffers. The memory of a conversion is a few blocks per thread,
whatever the size of the tensors. The heavy steps (read, widen, quantize) run outside the GIL. Rows share no scales, so
dividing a tensor into blocks does not change the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qmath_convert.checkpoint import Dtype, StoredTensor
from qmath_convert.errors import DamagedCheckpoint, UnsupportedModel
from qmath_convert.ggml import GgmlLibrary, GgmlType
from qmath_convert.source import Source

_BLOCK_ELEMENTS = 1 << 21  # 8 MiB as float32
_LARGEST_F16 = 65504.0

Bytes = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Block:
    """Rows `first` to `first + rows` of a tensor."""

    stored: StoredTensor
    first: int
    rows: int


def blocks(stored: StoredTensor) -> Iterable[Block]:
    """Divide a tensor into blocks of about `_BLOCK_ELEMENTS` elements, at least one row each."""
    step = max(1, _BLOCK_ELEMENTS // stored.columns)
    for first in range(0, stored.rows, step):
        yield Block(stored, first, min(step, stored.rows - first))


# Per stored type: the signed and the unsigned integer of its size, and the bit pattern of infinity. A number is not
# finite if its bits without the sign are that pattern or more.
_BITS: dict[Dtype, tuple[type[np.signedinteger[Any]], type[np.unsignedinteger[Any]], int]] = {
    Dtype.BF16: (np.int16, np.uint16, 0x7F80),
    Dtype.F16: (np.int16, np.uint16, 0x7C00),
    Dtype.F32: (np.int32, np.uint32, 0x7F800000),
}
_SAME_BYTES = {Dtype.BF16: GgmlType.BF16, Dtype.F16: GgmlType.F16, Dtype.F32: GgmlType.F32}


class BlockQuantizer:
    """One thread's buffers. `load` a block first; then call `rows` and `quantized` in any order."""

    def __init__(self, source: Source, library: GgmlLibrary) -> None:
        self._source = source
        self._library = library
        self._buffers: dict[str, npt.NDArray[Any]] = {}
        self._raw: Bytes = np.empty(0, np.uint8)
        self._block: Block | None = None
        self._widened = False

    def load(self, block: Block, name: str) -> None:
        """Read a block. Raises `DamagedCheckpoint`, with the tensor's `name`, if a number in it is not finite."""
        stored = block.stored
        row_bytes = stored.columns * stored.dtype.bytes
        self._raw = self._buffer("raw", block.rows * row_bytes, np.uint8)
        self._block, self._widened = block, False
        self._source.read_into(stored.shard, stored.offset + block.first * row_bytes, self._raw.data)
        self._check_finite(name)

    def quantized(self, kind: GgmlType, name: str, importance: Rows | None = None) -> Bytes:
        """Quantize the loaded block.

        Args:
            kind: the type to write.
            name: the tensor's name, for the error.
            importance: one float32 weight per column, or None.

        Returns:
            The rows as bytes, in a buffer that the next call overwrites.

        Raises:
            UnsupportedModel: a number is too large for F16.
        """
        block = self._loaded()
        if _SAME_BYTES[block.stored.dtype] is kind:
            return self._raw
        rows = self.rows()
        if kind is GgmlType.F16 and float(np.abs(rows).max()) > _LARGEST_F16:
            raise UnsupportedModel(f"{name} holds numbers that F16 cannot hold", "Use bf16, f32 or a quantized type.")
        out = self._buffer("out", block.rows * kind.row_bytes(block.stored.columns), np.uint8)
        self._library.quantize(kind, rows, out, importance)
        return out

    def rows(self) -> Rows:
        """The loaded block as float32 of shape (rows, columns), without rounding; valid until the next `load`."""
        block = self._loaded()
        count = block.rows * block.stored.columns
        rows = self._buffer("rows", count, np.float32)
        if not self._widened:
            _widen(self._raw, block.stored.dtype, rows)
            self._widened = True
        return rows.reshape(block.rows, block.stored.columns)

    def _loaded(self) -> Block:
        if self._block is None:
            raise ValueError("a BlockQuantizer is used before a block is loaded")
        return self._block

    def _check_finite(self, name: str) -> None:
        """Look for the largest positive number as signed integers, and for the largest negative one as unsigned.

        Two passes that only read take half the time of one that masks the sign.
        """
        block = self._loaded()
        signed, unsigned, infinity = _BITS[block.stored.dtype]
        values = self._raw.view(unsigned)
        sign = int(np.iinfo(signed).max) + 1
        if values.view(signed).max() >= infinity or values.max() >= sign + infinity:
            row = block.first + int(np.argmax(values % sign >= infinity)) // block.stored.columns
            raise DamagedCheckpoint(
                f"{name} holds a number that is not finite, in row {row}",
                "The weights are damaged or were saved from a failed training: take another checkpoint.",
            )

    def _buffer(self, purpose: str, count: int, dtype: type[np.generic]) -> npt.NDArray[Any]:
        """The first `count` elements of a buffer, which is replaced by a larger one where it is too small."""
        nbytes = count * np.dtype(dtype).itemsize
        if purpose not in self._buffers or self._buffers[purpose].nbytes < nbytes:
            self._buffers[purpose] = np.empty(nbytes, np.uint8)
        return self._buffers[purpose][:nbytes].view(dtype)


def _widen(raw: Bytes, dtype: Dtype, out: Rows) -> None:
    """Convert to float32 without rounding; bfloat16 is the upper half of a float32."""
    if dtype is Dtype.BF16:
        bits = out.view(np.uint32)
        np.copyto(bits, raw.view(np.uint16))  # apart from the shift: numpy would convert piece by piece
        np.left_shift(bits, 16, out=bits)
    else:
        out[:] = raw.view(np.float16 if dtype is Dtype.F16 else np.float32)

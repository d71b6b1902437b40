"""What quantization does to one matrix: how large its error is in each type, and what the matrix becomes.

The error is relative: the sum of squared differences over the sum of squares, each column weighed by the importance
matrix where that has weights. With the mean square of what flows into a column as its weight, this is the expected
squared error of what the matrix computes, relative to what it computes, if the columns' inputs are uncorrelated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from qmath_convert import recipe
from qmath_convert.checkpoint import StoredTensor, Tensor
from qmath_convert.ggml import GgmlLibrary, GgmlType
from qmath_convert.imatrix import Importance
from qmath_convert.quantize import Block, BlockQuantizer, blocks
from qmath_convert.source import Source

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# The types that a mixture is made of, for rows of whole blocks of 256 and for others.
_WIDE = (
    GgmlType.Q2_K,
    GgmlType.Q3_K,
    GgmlType.IQ4_XS,
    GgmlType.Q4_K,
    GgmlType.Q5_K,
    GgmlType.Q6_K,
    GgmlType.Q8_0,
)
_NARROW = (GgmlType.Q4_0, GgmlType.IQ4_NL, GgmlType.Q4_1, GgmlType.Q5_0, GgmlType.Q5_1, GgmlType.Q8_0)
_PIECES, _PIECE_ROWS = 16, 16  # of a matrix, evenly spaced, that its errors are estimated from


def types_for(columns: int) -> tuple[GgmlType, ...]:
    """The types that a row of this length can have in a mixture, from few to many bits."""
    fitting = _WIDE if columns % GgmlType.Q4_K.block == 0 else _NARROW
    return tuple(kind for kind in fitting if columns % kind.block == 0)


def rough_type(columns: int) -> GgmlType:
    """A type with an error that is large enough to be measured at the model's output, and small enough to be typical.

    It has three to four bits.
    """
    return recipe.fitting(GgmlType.Q3_K, columns)


class Rounding:
    """Quantizes the matrices of a checkpoint in memory. For one thread.

    Args:
        source: the checkpoint's bytes.
        library: the quantizer.
        importance: weights of the columns; None for none.
    """

    def __init__(self, source: Source, library: GgmlLibrary, importance: Importance | None) -> None:
        self._quantizer = BlockQuantizer(source, library)
        self._library = library
        self._importance = importance

    def errors(self, tensor: Tensor, kinds: Sequence[GgmlType]) -> dict[GgmlType, float]:
        """The relative error of a matrix in each of these types, estimated from some of its rows."""
        import numpy as np

        squares = dict.fromkeys(kinds, 0.0)
        whole = 0.0
        weights = self._weights_of_error(tensor)
        for block in _sample(tensor.stored):
            self._quantizer.load(block, tensor.name)
            rows = self._quantizer.rows()
            whole += float(np.einsum("ij,ij,j->", rows, rows, weights, dtype=np.float64))
            for kind in kinds:
                error = self._rounded(tensor, kind) - rows
                squares[kind] += float(np.einsum("ij,ij,j->", error, error, weights, dtype=np.float64))
        return {kind: square / whole if whole else 0.0 for kind, square in squares.items()}

    def rounded(self, tensor: Tensor, kind: GgmlType, stored: GgmlType) -> Iterator[tuple[int, bytes]]:
        """A matrix as it is after quantization, written in another type.

        Args:
            tensor: the matrix.
            kind: the type that it is quantized to.
            stored: the type to write it in.

        Yields:
            The offset of a block of rows in bytes, and the block.
        """
        import numpy as np

        row_bytes = stored.row_bytes(tensor.stored.columns)
        for block in blocks(tensor.stored):
            self._quantizer.load(block, tensor.name)
            found = np.ascontiguousarray(self._rounded(tensor, kind), np.float32)
            out = np.empty(block.rows * row_bytes, np.uint8)
            self._library.quantize(stored, found, out)
            yield block.first * row_bytes, out.tobytes()

    def _rounded(self, tensor: Tensor, kind: GgmlType) -> npt.NDArray[np.float32]:
        """The loaded block after quantization, of shape (rows, columns)."""
        import gguf

        columns = tensor.stored.columns
        weights = self._importance.of(tensor.name, columns, kind) if self._importance else None
        data = self._quantizer.quantized(kind, tensor.name, weights)
        found: npt.NDArray[np.float32] = gguf.quants.dequantize(
            data.reshape(-1, kind.row_bytes(columns)), gguf.GGMLQuantizationType(int(kind))
        )
        return found

    def _weights_of_error(self, tensor: Tensor) -> npt.NDArray[np.float32]:
        import numpy as np

        columns = tensor.stored.columns
        found = self._importance.of(tensor.name, columns, GgmlType.BF16) if self._importance else None
        return np.ones(columns, np.float32) if found is None else found


def _sample(stored: StoredTensor) -> Iterator[Block]:
    """Pieces of a matrix, evenly spaced; all of a small one."""
    if stored.rows <= _PIECES * _PIECE_ROWS:
        yield from blocks(stored)
        return
    for i in range(_PIECES):
        yield Block(stored, i * (stored.rows - _PIECE_ROWS) // (_PIECES - 1), _PIECE_ROWS)

"""The verification of a written file; on unless the user switches it off.

* While a file is written, the first row of every block is read back, dequantized by gguf-py (another implementation
  than the one that quantized), and compared with the checkpoint's numbers.
* A complete file is opened with libggml's GGUF reader, which every llama.cpp program uses. Every tensor must have the
  planned name, type, offset and size.

Not checked here: whether the model works. The calling program decodes a few tokens with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qmath_convert.errors import VerificationFailed
from qmath_convert.ggml import GgmlLibrary, GgmlType
from qmath_convert.layout import FileLayout

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# The allowed root mean square error as a fraction of the row's largest number, and the largest integer that a block
# multiplies its scale with. An n-bit type has steps of about 2 * largest / 2**n and an error of at most half a step.
# The factors leave room for rounded scales and for importance weights; a wrong or shifted row has an error of 0.3 or
# more. Scales are half precision, with steps of 2**-24 near zero: in rows of tiny numbers, any type loses half a step
# times the multiplier.
_TOLERANCE = {
    GgmlType.F32: (0.0, 0),
    GgmlType.F16: (2**-10, 1),
    GgmlType.BF16: (2**-8, 0),
    GgmlType.Q8_0: (0.006, 127),
    GgmlType.Q6_K: (0.03, 127 * 32),
    GgmlType.Q5_K: (0.06, 63 * 31),
    GgmlType.Q5_1: (0.06, 31),
    GgmlType.Q5_0: (0.06, 16),
    GgmlType.Q4_K: (0.12, 63 * 15),
    GgmlType.Q4_1: (0.12, 15),
    GgmlType.Q4_0: (0.12, 8),
    GgmlType.Q3_K: (0.2, 32 * 4),
    GgmlType.Q2_K: (0.24, 15 * 3),
    GgmlType.IQ4_NL: (0.12, 127),
    GgmlType.IQ4_XS: (0.12, 127 * 32),
}
_HALF_STEP = 2.0**-25
_HINT = (
    "The disk, llama-cpp-python's library or qmath has a defect. Run the command again; if it fails again, report it."
)
_WEIGHTED_HINT = (
    "The importance matrix weighs these columns so unevenly that others are lost: use more text, leave it out, "
    "or choose q8_0."
)


def check_row(
    name: str, kind: GgmlType, stored: bytes, wanted: npt.NDArray[np.float32], *, weighted: bool = False
) -> None:
    """Compare one row of the file with the checkpoint's.

    Args:
        name: the tensor's name, for the error.
        kind: the row's type.
        stored: the row's bytes in the file.
        wanted: the checkpoint's row as float32, of shape (columns,).
        weighted: whether it was quantized with weights of an importance matrix, which can be the cause of an error.

    Raises:
        VerificationFailed: the bytes are too few, or the error is larger than the type's tolerance.
    """
    import gguf
    import numpy as np

    if len(stored) != kind.row_bytes(wanted.size):
        raise VerificationFailed(f"{name}: the file is shorter than the data written to it", _HINT)
    found = gguf.quants.dequantize(np.frombuffer(stored, np.uint8), gguf.GGMLQuantizationType(int(kind)))
    largest = float(np.abs(wanted).max())
    error = float(np.sqrt(np.mean(np.square(found.astype(np.float64) - wanted))))
    relative, multiplier = _TOLERANCE[kind]
    if not error <= max(relative * largest, multiplier * _HALF_STEP):
        raise VerificationFailed(
            f"{name}: the error of {kind.name} is {error:.3g}, and the row's largest number {largest:.3g}",
            _WEIGHTED_HINT if weighted else _HINT,
        )


def check_structure(path: Path, layout: FileLayout, library: GgmlLibrary) -> None:
    """Open a complete file with libggml's reader and compare it with the plan. Raises `VerificationFailed`."""
    if path.stat().st_size != layout.size:
        raise VerificationFailed(f"{path} has {path.stat().st_size} bytes instead of {layout.size}", _HINT)
    found = library.read_tensors(path)
    if found is None:
        raise VerificationFailed(f"{path} is not a GGUF that llama.cpp can read", _HINT)
    wanted = {tensor.spec.name: (int(tensor.spec.kind), tensor.offset, tensor.spec.nbytes) for tensor in layout.tensors}
    if found != wanted:
        wrong = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
        raise VerificationFailed(f"{path}: the tensor {wrong[0]} is not as planned", _HINT)

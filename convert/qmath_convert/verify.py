"""Distrust of our own work, always on unless the user says otherwise.

* While a file is written, the first row of every block is read back from the disk, dequantized by gguf-py (an
  implementation that is not the one that quantized) and compared with the checkpoint's numbers.
* When it is complete, it is opened by libggml's own GGUF reader, the one that every llama.cpp program uses, and every
  tensor must be there under the planned name, type, place and size.

What this does not tell: whether the model is any good. A short decode is the engine's part.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qmath_convert.errors import VerificationFailed
from qmath_convert.ggml import GgmlType, Library
from qmath_convert.layout import Layout, Place

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Root mean square error allowed, as a fraction of the row's largest number, and the largest whole number that a block
# multiplies its scale with. The step of an n-bit type is about 2 * largest / 2**n, its error at most half of that; the
# factors leave room for scales that are themselves rounded and for importance weights, and stay far below the 0.3 or
# more that a wrong or shifted row shows. Scales are half precision, whose own step near zero is 2**-24: rows of tiny
# numbers lose up to half of it, times the multiplier, however good the type is.
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
    GgmlType.IQ4_NL: (0.12, 127),
    GgmlType.IQ4_XS: (0.12, 127 * 32),
}
_HALF_STEP = 2.0**-25
_HINT = "This is a defect of the disk, of llama-cpp-python's libraries or of qmath: run it again, then report it."


def check_row(name: str, kind: GgmlType, stored: bytes, wanted: npt.NDArray[np.float32]) -> None:
    """Compare one row as the file has it with what it should be. Raises `VerificationFailed`."""
    import gguf
    import numpy as np

    if len(stored) != kind.row_bytes(wanted.size):
        raise VerificationFailed(f"{name}: the file is shorter than what was written", _HINT)
    found = gguf.quants.dequantize(np.frombuffer(stored, np.uint8), gguf.GGMLQuantizationType(int(kind)))
    largest = float(np.abs(wanted).max())
    error = float(np.sqrt(np.mean(np.square(found.astype(np.float64) - wanted))))
    relative, multiplier = _TOLERANCE[kind]
    if not error <= max(relative * largest, multiplier * _HALF_STEP):
        raise VerificationFailed(
            f"{name}: the error of {kind.name} is {error:.3g} where {largest:.3g} is largest", _HINT
        )


def check_structure(path: Path, layout: Layout, library: Library) -> None:
    """Open a finished file as llama.cpp does, and compare it with the plan. Raises `VerificationFailed`."""
    if path.stat().st_size != layout.size:
        raise VerificationFailed(f"{path} has {path.stat().st_size} bytes instead of {layout.size}", _HINT)
    found = library.read_tensors(path)
    if found is None:
        raise VerificationFailed(f"{path} is not a GGUF that llama.cpp can read", _HINT)
    wanted = {place.slot.name: _facts(place) for place in layout.places}
    if found != wanted:
        odd = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
        raise VerificationFailed(f"{path}: the tensor {odd[0]} is not as planned", _HINT)


def _facts(place: Place) -> tuple[int, int, int]:
    return (int(place.slot.kind), place.offset, place.slot.nbytes)

"""The quantization library: the libggml-base that llama-cpp-python installs, called through ctypes.

It is loaded by path, without importing `llama_cpp`, which would load the whole engine. `LLAMA_CPP_LIB_PATH`, a variable
of llama-cpp-python, overrides the path. ctypes releases the GIL during `ggml_quantize_chunk`. Rows are quantized
independently, so how they are divided into calls does not change the result. Facts: ggml/include/ggml.h and
ggml/src/ggml-common.h of llama.cpp.
"""

from __future__ import annotations

import ctypes
import os
import sys
from enum import IntEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from qmath_convert.errors import LibraryMissing

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class GgmlType(IntEnum):
    """The tensor types that the converter writes, with the numbers that GGUF stores (`enum ggml_type`).

    The IQ types below four bits are left out: their quantizer ends the process for some importance weights
    (`GGML_ASSERT(scale >= 0)`), and at two bits and less no mathematics is left.
    """

    F32 = 0
    F16 = 1
    Q4_0 = 2
    Q4_1 = 3
    Q5_0 = 6
    Q5_1 = 7
    Q8_0 = 8
    Q2_K = 10
    Q3_K = 11
    Q4_K = 12
    Q5_K = 13
    Q6_K = 14
    IQ4_NL = 20
    IQ4_XS = 23
    BF16 = 30

    @property
    def block(self) -> int:
        """Elements per block; a row must hold a whole number of blocks."""
        return _BLOCKS[self][0]

    @property
    def is_quantized(self) -> bool:
        """Whether elements share scales."""
        return self.block > 1

    def row_bytes(self, columns: int) -> int:
        """Bytes of one row. Raises `ValueError` unless `columns` is a multiple of `block`."""
        block, size = _BLOCKS[self]
        if columns % block:
            raise ValueError(f"{columns} columns are not a whole number of {self.name} blocks of {block}")
        return columns // block * size


# elements and bytes per block: the `block_*` structs of ggml-common.h
_BLOCKS = {
    GgmlType.F32: (1, 4),
    GgmlType.F16: (1, 2),
    GgmlType.BF16: (1, 2),
    GgmlType.Q4_0: (32, 18),
    GgmlType.Q4_1: (32, 20),
    GgmlType.Q5_0: (32, 22),
    GgmlType.Q5_1: (32, 24),
    GgmlType.Q8_0: (32, 34),
    GgmlType.IQ4_NL: (32, 18),
    GgmlType.Q2_K: (256, 84),
    GgmlType.Q3_K: (256, 110),
    GgmlType.Q4_K: (256, 144),
    GgmlType.Q5_K: (256, 176),
    GgmlType.Q6_K: (256, 210),
    GgmlType.IQ4_XS: (256, 136),
}


class _InitParams(ctypes.Structure):
    """`struct gguf_init_params`. As used here, it reads no tensor data and creates no ggml tensors."""

    _fields_ = (("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p))


_PER_TENSOR = {
    "gguf_get_tensor_name": ctypes.c_char_p,
    "gguf_get_tensor_type": ctypes.c_int,
    "gguf_get_tensor_offset": ctypes.c_size_t,
    "gguf_get_tensor_size": ctypes.c_size_t,
}


class GgmlLibrary:
    """The functions of libggml-base that the converter calls. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        try:
            self._lib = ctypes.CDLL(str(path))
            self._declare()
        except (OSError, AttributeError) as exc:
            raise LibraryMissing(f"cannot use {path}: {exc}", "Reinstall llama-cpp-python.") from exc

    def _declare(self) -> None:
        lib, size_t, int64 = self._lib, ctypes.c_size_t, ctypes.c_int64
        lib.ggml_quantize_init.argtypes = [ctypes.c_int]
        lib.ggml_quantize_init.restype = None
        pointer = ctypes.c_void_p
        lib.ggml_quantize_chunk.argtypes = [ctypes.c_int, pointer, pointer, int64, int64, int64, pointer]
        lib.ggml_quantize_chunk.restype = size_t
        lib.ggml_row_size.argtypes = [ctypes.c_int, int64]
        lib.ggml_row_size.restype = size_t
        lib.gguf_init_from_file.argtypes = [ctypes.c_char_p, _InitParams]
        lib.gguf_init_from_file.restype = pointer
        lib.gguf_free.argtypes = [pointer]
        lib.gguf_free.restype = None
        lib.gguf_get_n_tensors.argtypes = [pointer]
        lib.gguf_get_n_tensors.restype = int64
        lib.gguf_get_data_offset.argtypes = [pointer]
        lib.gguf_get_data_offset.restype = size_t
        for function, kind in _PER_TENSOR.items():
            getattr(lib, function).argtypes = [pointer, int64]
            getattr(lib, function).restype = kind

    def row_bytes(self, kind: GgmlType, columns: int) -> int:
        """Bytes of one row as the library computes them."""
        return int(self._lib.ggml_row_size(kind, columns))

    def quantize(
        self,
        kind: GgmlType,
        rows: npt.NDArray[np.float32],
        out: npt.NDArray[np.uint8],
        importance: npt.NDArray[np.float32] | None = None,
    ) -> None:
        """Quantize rows into a buffer.

        Args:
            kind: the type to write.
            rows: float32 of shape (n, columns), in C order.
            out: exactly n rows of `kind`, in C order.
            importance: one float32 weight per column, in C order, or None.

        Raises:
            ValueError: a buffer has another size or order than the library assumes.
            LibraryMissing: the library wrote another number of bytes.
        """
        count, columns = rows.shape
        if not (rows.flags.c_contiguous and out.flags.c_contiguous) or rows.itemsize != 4:
            raise ValueError("the rows to quantize must be float32 in C order, and so must the buffer's bytes")
        if out.nbytes != count * kind.row_bytes(columns):
            raise ValueError(f"{out.nbytes} bytes are not {count} rows of {columns} columns as {kind.name}")
        if importance is not None and (importance.nbytes != 4 * columns or not importance.flags.c_contiguous):
            raise ValueError(f"the importance must be {columns} float32 weights in C order")
        weights = None if importance is None else importance.ctypes.data
        written = self._lib.ggml_quantize_chunk(kind, rows.ctypes.data, out.ctypes.data, 0, count, columns, weights)
        if written != out.nbytes:
            raise LibraryMissing(f"libggml-base wrote {written} bytes of {kind.name} where {out.nbytes} were expected")

    def read_tensors(self, path: Path) -> dict[str, tuple[int, int, int]] | None:
        """Read a GGUF's tensor table with libggml's own reader.

        Returns:
            By name: type number, offset from the start of the file, size in bytes. None if the reader rejects the file.
        """
        lib = self._lib
        context = lib.gguf_init_from_file(os.fsencode(path), _InitParams(no_alloc=True, ctx=None))
        if not context:
            return None
        try:
            start = lib.gguf_get_data_offset(context)
            return {
                lib.gguf_get_tensor_name(context, i).decode(): (
                    lib.gguf_get_tensor_type(context, i),
                    start + lib.gguf_get_tensor_offset(context, i),
                    lib.gguf_get_tensor_size(context, i),
                )
                for i in range(lib.gguf_get_n_tensors(context))
            }
        finally:
            lib.gguf_free(context)


@cache
def library() -> GgmlLibrary:
    """The library of the installed llama-cpp-python, loaded once. Raises `LibraryMissing`."""
    for folder in _folders():
        for name in _names():
            if (folder / name).is_file():
                return GgmlLibrary(folder / name)
    raise LibraryMissing("libggml-base was not found", "Install llama-cpp-python: it ships the quantization library.")


def _folders() -> list[Path]:
    override = os.environ.get("LLAMA_CPP_LIB_PATH")
    spec = find_spec("llama_cpp")
    packages = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    return ([Path(override)] if override else []) + [package / "lib" for package in packages]


def _names() -> tuple[str, ...]:
    if sys.platform == "win32":
        return ("ggml-base.dll", "libggml-base.dll")
    return ("libggml-base.dylib",) if sys.platform == "darwin" else ("libggml-base.so",)

"""GGUF files in any type, made by llama.cpp's own quantizer from another file."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import gguf

from qmath_cli.engine.llama.library import library


def quantized(source: Path, target: Path, kind: str) -> Path:
    """A copy of a model in a type of llama.cpp's enum llama_ftype, such as `IQ2_XS`.

    The types below three bits require an importance matrix. Here all weights are equally important.
    """
    lib = library().lib
    parameters = lib.llama_model_quantize_default_params()
    parameters.allow_requantize = True
    parameters.ftype = getattr(lib, f"LLAMA_FTYPE_MOSTLY_{kind}")
    importance = _equal_importance(lib, source)
    parameters.imatrix = importance
    library().clear_warnings()
    code = lib.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters))
    if code:
        raise RuntimeError("; ".join(library().warnings()))
    return target


def _equal_importance(lib: Any, source: Path) -> Any:
    """An array of `llama_model_imatrix_data`, ended by one without a name."""
    tensors = [tensor for tensor in gguf.GGUFReader(source).tensors if len(tensor.shape) == 2]
    importance = (lib.llama_model_imatrix_data * (len(tensors) + 1))()
    for entry, tensor in zip(importance, tensors, strict=False):
        row = int(tensor.shape[0])
        entry.name = tensor.name.encode()
        entry.data = ctypes.cast((ctypes.c_float * row)(*[1.0] * row), ctypes.POINTER(ctypes.c_float))
        entry.size = row
    return importance

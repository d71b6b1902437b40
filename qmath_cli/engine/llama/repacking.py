"""Which weights llama.cpp copies into another layout for this CPU: it keeps the mapped ones and the copies.

A CPU build has buffer types beside its ordinary one (`CPU_REPACK`, `AMX`). A matrix for which one of them has a kernel
is rearranged while the model loads. Which types of tensors these are depends on the build and on the CPU, and only ggml
knows: `repacked_types` asks it, for one small matrix of each type. Nothing is computed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

from qmath_cli.engine.llama.library import library
from qmath_cli.gguf_file.tables import TENSOR_TYPES

_INTERMEDIATE = {"Q8_1", "Q8_K"}  # types of activations, which no file has
_F32 = 0
_CPU = 0  # GGML_BACKEND_DEVICE_TYPE_CPU in ggml-backend.h
_COLUMNS, _ROWS = 256, 64  # a size that every kernel takes: a block of 256, and a multiple of any number of rows
_MEMORY = 1 << 16  # bytes; for the descriptions of three tensors

Pointer = ctypes.c_void_p


class _Parameters(ctypes.Structure):
    """`ggml_init_params` in ggml.h."""

    _fields_ = (("size", ctypes.c_size_t), ("buffer", Pointer), ("no_alloc", ctypes.c_bool))


def repacked_types() -> tuple[str, ...]:
    """The types of which llama.cpp copies matrices on this CPU, as `Q4_K`; none if this build cannot say.

    Raises:
        EngineUnusable: llama.cpp cannot be loaded.
    """
    try:
        ggml = _declared(library().ggml)
    except AttributeError:  # a build without these functions
        return ()
    device = ggml.ggml_backend_dev_by_type(_CPU)
    quantized = {
        number: name for number, (name, block, _) in TENSOR_TYPES.items() if block > 1 and name not in _INTERMEDIATE
    }
    extra = list(_extra_buffers(ggml, device))
    return tuple(
        name for number, name in quantized.items() if any(_takes(ggml, device, buffers, number) for buffers in extra)
    )


def _extra_buffers(ggml: Any, device: int | None) -> Iterator[int]:  # noqa: ANN401  a C library
    """The buffer types of a device beside its ordinary one."""
    registry = ggml.ggml_backend_dev_backend_reg(device) if device else None
    address = (
        ggml.ggml_backend_reg_get_proc_address(registry, b"ggml_backend_dev_get_extra_bufts") if registry else None
    )
    if address:
        listed = ctypes.CFUNCTYPE(ctypes.POINTER(Pointer), Pointer)(address)(device)
        for index in range(64 if listed else 0):
            if listed[index] is None:
                return
            yield listed[index]


def _takes(ggml: Any, device: int | None, buffers: int, number: int) -> bool:  # noqa: ANN401
    """Whether weights of a type in a buffer type can be multiplied with: llama.cpp's own question at loading."""
    weights = ggml.ggml_init(_Parameters(_MEMORY, None, no_alloc=True))
    others = ggml.ggml_init(_Parameters(_MEMORY, None, no_alloc=True))
    buffer = None
    try:
        matrix = ggml.ggml_new_tensor_2d(weights, number, _COLUMNS, _ROWS)
        buffer = ggml.ggml_backend_alloc_ctx_tensors_from_buft(weights, buffers)
        rows = ggml.ggml_new_tensor_2d(others, _F32, _COLUMNS, _ROWS)
        product = ggml.ggml_mul_mat(others, matrix, rows)
        return bool(buffer) and bool(ggml.ggml_backend_dev_supports_op(device, product))
    finally:
        if buffer:
            ggml.ggml_backend_buffer_free(buffer)
        ggml.ggml_free(weights)
        ggml.ggml_free(others)


def _declared(ggml: Any) -> Any:  # noqa: ANN401
    """The library with the types of these functions. Raises `AttributeError` if one is missing."""
    whole = ctypes.c_int64
    for name, result, arguments in (
        ("ggml_init", Pointer, [_Parameters]),
        ("ggml_free", None, [Pointer]),
        ("ggml_new_tensor_2d", Pointer, [Pointer, ctypes.c_int, whole, whole]),
        ("ggml_mul_mat", Pointer, [Pointer, Pointer, Pointer]),
        ("ggml_backend_dev_by_type", Pointer, [ctypes.c_int]),
        ("ggml_backend_dev_backend_reg", Pointer, [Pointer]),
        ("ggml_backend_reg_get_proc_address", Pointer, [Pointer, ctypes.c_char_p]),
        ("ggml_backend_dev_supports_op", ctypes.c_bool, [Pointer, Pointer]),
        ("ggml_backend_alloc_ctx_tensors_from_buft", Pointer, [Pointer, Pointer]),
        ("ggml_backend_buffer_free", None, [Pointer]),
    ):
        function = getattr(ggml, name)
        function.restype, function.argtypes = result, arguments
    return ggml

"""`struct ggml_tensor` of ggml.h, as far as a callback of llama.cpp's scheduler needs it.

llama-cpp-python has no bindings for it. Its layout belongs to ggml's source and not to its interface, so it is compared
with what the library does (`require_layout`) before anything is read through it.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from qmath_cli.engine.llama.library import library
from qmath_cli.errors import EngineUnusable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

F32 = 0  # GGML_TYPE_F32


class Tensor(ctypes.Structure):
    """`struct ggml_tensor` of llama.cpp as in llama-cpp-python 0.3.36 (ggml/include/ggml.h)."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("buffer", ctypes.c_void_p),
        ("ne", ctypes.c_int64 * 4),
        ("nb", ctypes.c_size_t * 4),
        ("op", ctypes.c_int),
        ("op_params", ctypes.c_int32 * 16),
        ("flags", ctypes.c_int32),
        ("src", ctypes.c_void_p * 10),
        ("view_src", ctypes.c_void_p),
        ("view_offs", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("name", ctypes.c_char * 64),
        ("extra", ctypes.c_void_p),
        ("padding", ctypes.c_char * 8),
    )


class TensorReader:
    """The functions of the ggml library that read tensors."""

    def __init__(self) -> None:
        ggml: Any = library().ggml
        try:
            self._describe = ggml.ggml_op_desc
            self._name = ggml.ggml_get_name
            self._is_host = ggml.ggml_backend_buffer_is_host
            self._get = ggml.ggml_backend_tensor_get
            self._size = ggml.ggml_nbytes
            self._data = ggml.ggml_get_data
        except AttributeError as exc:
            raise EngineUnusable("this llama.cpp lacks a function that reads tensors", "`qmath doctor`") from exc
        self._describe.argtypes, self._describe.restype = [ctypes.c_void_p], ctypes.c_char_p
        self._name.argtypes, self._name.restype = [ctypes.c_void_p], ctypes.c_void_p
        self._is_host.argtypes, self._is_host.restype = [ctypes.c_void_p], ctypes.c_bool
        self._get.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
        self._get.restype = None
        self._size.argtypes, self._size.restype = [ctypes.c_void_p], ctypes.c_size_t
        self._data.argtypes, self._data.restype = [ctypes.c_void_p], ctypes.c_void_p

    def operation(self, address: int) -> bytes:
        """What computes a tensor, such as `MUL_MAT`."""
        return bytes(self._describe(address))

    def at(self, address: int) -> Tensor:
        """The tensor at an address."""
        return Tensor.from_address(address)

    def require_layout(self, address: int) -> None:
        """Raise `EngineUnusable` unless name, data and size of a tensor are where `Tensor` expects them."""
        tensor = self.at(address)
        contiguous = tensor.ne[3] * tensor.nb[3] == self._size(address)
        name = self._name(address) == address + Tensor.name.offset
        if not (name and contiguous and (self._data(address) or None) == tensor.data):
            raise EngineUnusable(
                "this llama.cpp lays tensors out in another way than the one that was read for this program",
                "llama-cpp-python 0.3.36 is known to work",
            )

    def rows(self, tensor: Tensor) -> NDArray[np.float32]:
        """The numbers of a contiguous F32 tensor, copied from its device if need be, of shape (rows, columns)."""
        import numpy as np

        columns = int(tensor.ne[0])
        size = int(self._size(ctypes.addressof(tensor)))
        if tensor.buffer and self._is_host(tensor.buffer):
            view = (ctypes.c_float * (size // 4)).from_address(tensor.data)
            return np.ctypeslib.as_array(view).reshape(-1, columns)
        copied = np.empty(size // 4, np.float32)
        self._get(ctypes.addressof(tensor), copied.ctypes.data, 0, size)
        return copied.reshape(-1, columns)

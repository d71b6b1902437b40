"""The weights of a loaded model, written to: what happens to its predictions if a matrix is rounded?

The model has to be loaded as `writable`: its weights are in memory of their own then, and not a view of the file. The
addresses of the matrices are those that llama.cpp's scheduler shows to a callback during one computation.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any

from qmath_cli.engine.llama.context import BatchRow, ComputeStatus, Context
from qmath_cli.engine.llama.library import library
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.llama.tensors import TensorReader
from qmath_cli.errors import EngineUnusable

_PRODUCT, _LOOKUP = b"MUL_MAT", b"GET_ROWS"


class WeightWriter:
    """Writes to the matrices of a model.

    Args:
        model: The loaded model, which is `writable`.

    Raises:
        ValueError: It is not writable.
        EngineUnusable: This build of llama.cpp is unknown, or the computation fails.
    """

    def __init__(self, model: Model) -> None:
        if not model.options.writable:
            raise ValueError("the weights of a model that is mapped from its file cannot be written to")
        self._addresses: dict[str, int] = {}
        self._reader = TensorReader()
        self._checked = False
        self._failure: BaseException | None = None
        ggml: Any = library().ggml
        self._set = ggml.ggml_backend_tensor_set
        self._set.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t]
        self._set.restype = None
        self._size = ggml.ggml_nbytes
        self._size.argtypes, self._size.restype = [ctypes.c_void_p], ctypes.c_size_t
        self._look(model)

    @property
    def names(self) -> frozenset[str]:
        """The matrices that can be written to, by their names in the file."""
        return frozenset(self._addresses)

    def write(self, name: str, pieces: Iterable[tuple[int, bytes]]) -> None:
        """Replace bytes of a matrix.

        Args:
            name: The matrix.
            pieces: Offsets in bytes, each with the bytes from there on.

        Raises:
            EngineUnusable: The model has no such matrix here.
            ValueError: A piece does not lie within the matrix.
        """
        address = self._addresses.get(name)
        if address is None:
            raise EngineUnusable(f"llama.cpp keeps {name} where it cannot be written to", "--device cpu")
        size = int(self._size(address))
        for offset, data in pieces:
            if offset < 0 or offset + len(data) > size:
                raise ValueError(f"{len(data)} bytes at {offset} do not lie within {name}, which has {size}")
            self._set(address, data, offset, len(data))

    def _look(self, model: Model) -> None:
        """Compute one token, and note the matrices that take part."""
        asked: Any = model.lib.ggml_backend_sched_eval_callback(self._asks)
        context = Context(model, cells=32, slots=1, on_node=asked)
        try:
            status = context.compute([BatchRow(0, 0, 0, True)])
        finally:
            context.close()
        if self._failure is not None:
            raise self._failure
        if status is not ComputeStatus.DONE:
            raise EngineUnusable("llama.cpp finds no free cell for one token")

    def _asks(self, address: int, ask: bool, _data: object) -> bool:
        """The callback: see `activations`. No node's result is wanted."""
        try:
            if self._reader.operation(address) in (_PRODUCT, _LOOKUP):
                if not self._checked:
                    self._reader.require_layout(address)
                    self._checked = True
                source = self._reader.at(address).src[0]
                self._addresses[self._reader.at(source).name.decode("utf-8", "replace")] = source
        except BaseException as exc:  # noqa: BLE001  an exception must not cross C code; `_look` raises it
            self._failure = exc
            return False
        return not ask

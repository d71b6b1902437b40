"""Sums of squared activations: what flows into each matrix of a model while it reads a text.

That is an importance matrix: a column of a matrix matters as much as what it is multiplied with. The rules are those of
tools/imatrix of llama.cpp (`IMatrixCollector::collect_imatrix`): matrix products inside the layers with F32 activations
and at least 16 tokens; one count of tokens per matrix; every token of a chunk counts in every layer, so all of them
request an output.

llama.cpp's scheduler asks a callback about each node of the graph, and stops after those that it wants to read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from qmath_cli.engine.llama.context import BatchRow, ComputeStatus, Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.llama.tensors import F32, Tensor, TensorReader
from qmath_cli.errors import EngineUnusable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAST_TOKENS = 16
_OUTPUTS = 256  # tokens per computation: each reserves a row of logits
_PRODUCT = b"MUL_MAT"


class ActivationReader:
    """Reads chunks of text, and adds up the squared activations. Close it, or use it as a context manager.

    Args:
        model: The loaded model.
        cells: Tokens of a chunk.

    Attributes:
        sums: By matrix: sums of squares per column, in double precision, of shape (columns,).
        counts: By matrix: how many tokens were summed.
    """

    def __init__(self, model: Model, cells: int) -> None:
        self.sums: dict[str, NDArray[np.float64]] = {}
        self.counts: dict[str, int] = {}
        self._reader = TensorReader()
        self._checked = False
        self._failure: BaseException | None = None
        self._asked: Any = model.lib.ggml_backend_sched_eval_callback(self._asks)  # the C side keeps no reference
        self._context = Context(model, cells=cells, slots=1, outputs=min(cells, _OUTPUTS), on_node=self._asked)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the context; the model stays loaded."""
        self._context.close()

    def read(self, tokens: Sequence[int]) -> None:
        """Compute a chunk from an empty cache, and add its activations to the sums; after an exception, none of them.

        Args:
            tokens: Token ids of the chunk, at most as many as there are cells.

        Raises:
            EngineUnusable: The computation failed, an activation is not finite, or this build of llama.cpp is unknown.
        """
        before = dict(self.sums), dict(self.counts)  # arrays are replaced, never changed
        try:
            self._compute(tokens)
        except BaseException:  # Ctrl-C too; raised again
            self._context.abort()  # nothing is added any more
            self.sums, self.counts = before
            raise

    def _compute(self, tokens: Sequence[int]) -> None:
        self._context.abort()  # a computation that an exception left running
        self._context.clear()
        step = min(self._context.max_rows, _OUTPUTS)
        for start in range(0, len(tokens), step):
            rows = [BatchRow(token, start + i, 0, True) for i, token in enumerate(tokens[start : start + step])]
            status = self._context.compute(rows)
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if status is not ComputeStatus.DONE:
                raise EngineUnusable("llama.cpp finds no free cells for a chunk that fits its context")

    def _asks(self, address: int, ask: bool, _data: object) -> bool:
        """The callback. With `ask`: is this node wanted? Without: it has been computed; False ends the computation."""
        try:
            if self._reader.operation(address) != _PRODUCT:
                return not ask
            node = self._node(address)
            weight, activations = (self._reader.at(source) for source in node.src[:2])
            name = _filtered(weight.name.decode("utf-8", "replace"))
            wanted = name.startswith("blk.") and activations.type == F32 and activations.ne[1] >= _LEAST_TOKENS
            if wanted and not ask:
                self._add(name, activations)
        except BaseException as exc:  # noqa: BLE001  an exception must not cross C code; `read` raises it
            self._failure = exc
            return False
        return wanted or not ask

    def _node(self, address: int) -> Tensor:
        if not self._checked:
            self._reader.require_layout(address)
            self._checked = True
        return self._reader.at(address)

    def _add(self, name: str, activations: Tensor) -> None:
        import numpy as np

        rows = self._reader.rows(activations)
        squares = np.einsum("ij,ij->j", rows, rows, dtype=np.float64)
        if not np.isfinite(squares).all():
            raise EngineUnusable(f"what flows into {name} is not finite", "`qmath verify` reads the model again")
        self.sums[name] = self.sums[name] + squares if name in self.sums else squares
        self.counts[name] = self.counts.get(name, 0) + rows.shape[0]


def _filtered(name: str) -> str:
    """A tensor's name without the device of a copy: `CUDA0#blk.0.attn_k.weight#0` is `blk.0.attn_k.weight`."""
    parts = name.split("#")
    return parts[1] if len(parts) > 1 else name

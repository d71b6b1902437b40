"""One llama.cpp context: KV cells, and the call that computes.

The KV cache is unified: `cells` cells that any slot (a llama.cpp sequence id) may use, so that slots which begin with
the same tokens share the cells of those tokens. Nothing here knows what a sequence means; `batch` does.

Everything is computed aside, so that a signal handler's exception (Ctrl-C, SIGTERM) rises here at once and ends the
computation within one graph node: see `compute_thread`.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from enum import Enum
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

from qmath_cli.engine.llama.compute_thread import AbortFlag, ComputeThread, compute_thread, wait
from qmath_cli.engine.llama.library import library
from qmath_cli.engine.llama.model import Model
from qmath_cli.errors import DoesNotFit, EngineUnusable
from qmath_cli.settings import KVType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS = 512  # tokens per call at most: one micro-batch, so that a call is also the unit of interruption


class BatchRow(NamedTuple):
    """One token to compute: where it stands in which slot, and whether logits are wanted after it."""

    token: int
    position: int
    slot: int
    output: bool


class Computed(Enum):
    """How a call ended."""

    DONE = "done"
    NO_CELLS = "no cells"  # nothing was computed


class Context:
    """A context of `cells` KV cells for `slots` slots, computed on a lane's thread. Close it before its model."""

    def __init__(self, model: Model, *, cells: int, slots: int, lane: int = 0) -> None:
        self.cells = cells
        self._aside = compute_thread(lane)
        self._done = Event()
        self._codes: list[int] = []  # what the computation that `begin` started returned, once it has ended
        self._lib: Any = model.lib
        self._row: Any = ctypes.c_float * model.vocabulary
        parameters = _parameters(model, cells, slots)
        library().forget_complaints()
        self.pointer: Any = self._aside.made(
            lambda: self._lib.llama_init_from_model(model.pointer, parameters), self._lib.llama_free
        )
        if not self.pointer:
            raise DoesNotFit(
                f"no memory for a context of {cells} tokens: {library().complaints() or 'llama.cpp does not say why'}",
                "a smaller --ctx or -k, or --kv-type q8_0",
            )
        self._memory = self._lib.llama_get_memory(self.pointer)
        self._batch = self._lib.llama_batch_init(ROWS, 0, 1)
        self._abort = AbortFlag()
        self._aside.run(
            lambda: self._lib.llama_set_abort_callback(self.pointer, self._abort.callback, self._abort.address)
        )
        self._free = weakref.finalize(self, _free, self._lib, self.pointer, self._batch, self._abort, self._aside)

    def close(self) -> None:
        """Give the memory back."""
        self._free()

    def compute(self, rows: Sequence[BatchRow]) -> Computed:
        """Compute these tokens; afterwards `pointer` holds logits for the rows that asked.

        Where no cells are free nothing has changed. After any exception the cells of these rows are undefined:
        `settle`, and `cut` every slot concerned. Raises `EngineUnusable` if the computation itself fails.
        """
        self.begin(rows)
        return self.finish()

    def begin(self, rows: Sequence[BatchRow]) -> None:
        """Start what `compute` does; `finish` is the rest of it."""
        self._fill(rows)
        codes = self._codes = []
        self._done = self._aside.begin(lambda: codes.append(self._lib.llama_decode(self.pointer, self._batch)))

    def finish(self) -> Computed:
        """Wait for what `begin` started."""
        wait(self._done)
        code = self._codes[0]
        if code == 1:
            return Computed.NO_CELLS
        if code != 0:
            raise EngineUnusable(
                f"llama.cpp failed to compute (code {code}): {library().complaints()}",
                "`qmath doctor` checks this build; --device cpu avoids the GPU",
            )
        return Computed.DONE

    def settle(self) -> None:
        """Return when nothing is being computed any more, whatever was interrupted."""
        self._abort.set(abort=True)
        self._aside.settle()
        self._abort.set(abort=False)

    def share(self, source: int, target: int, length: int) -> None:
        """Let `target` begin with the first `length` cells of `source`; no cell is copied."""
        self._lib.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def cut(self, slot: int, length: int) -> None:
        """Keep the first `length` positions of a slot; cells that no slot uses any more are free."""
        self._lib.llama_memory_seq_rm(self._memory, slot, length, -1)

    def clear(self) -> None:
        """Free every cell, and start again from the first, so that equal work meets equal conditions."""
        self._lib.llama_memory_clear(self._memory, False)

    def length(self, slot: int) -> int:
        """Positions that a slot holds."""
        return int(self._lib.llama_memory_seq_pos_max(self._memory, slot)) + 1

    def state(self, slot: int) -> bytes:
        """A slot's cells, serialised."""
        size = self._lib.llama_state_seq_get_size(self.pointer, slot)
        buffer = (ctypes.c_uint8 * size)()
        written = self._lib.llama_state_seq_get_data(self.pointer, buffer, size, slot)
        return bytes(buffer)[:written]

    def set_state(self, slot: int, state: bytes) -> bool:
        """Fill an empty slot with serialised cells; false where they do not fit this context."""
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        return bool(self._lib.llama_state_seq_set_data(self.pointer, buffer, len(state), slot))

    def logits(self, index: int) -> NDArray[np.float32]:
        """The logits after row `index` of the last computation, shape (vocabulary,); the next one overwrites them."""
        import numpy as np

        pointer = self._lib.llama_get_logits_ith(self.pointer, index)
        # `np.ctypeslib.as_array` says the same and takes five times as long, for every token
        return np.frombuffer(self._row.from_address(ctypes.addressof(pointer.contents)), np.float32)

    def give_hidden_states(self, *, wanted: bool) -> None:
        """Whether the next computations give out hidden states; while they do, at most one row per slot may come."""
        self._lib.llama_set_embeddings(self.pointer, wanted)

    def hidden_state(self, index: int, size: int) -> NDArray[np.float32]:
        """The final-norm hidden state of row `index` of the last computation, shape (size,)."""
        import numpy as np

        pointer = self._lib.llama_get_embeddings_ith(self.pointer, index)
        return np.ctypeslib.as_array(pointer, shape=(size,)).copy()

    def _fill(self, rows: Sequence[BatchRow]) -> None:
        batch = self._batch
        batch.n_tokens = len(rows)
        tokens, positions, counts, slots, outputs = batch.token, batch.pos, batch.n_seq_id, batch.seq_id, batch.logits
        for index, row in enumerate(rows):
            tokens[index] = row.token
            positions[index] = row.position
            counts[index] = 1
            slots[index][0] = row.slot
            outputs[index] = row.output


def _free(lib: Any, pointer: Any, batch: Any, abort: AbortFlag, thread: ComputeThread) -> None:  # noqa: ANN401
    abort.set(abort=True)
    thread.run(lambda: lib.llama_free(pointer))  # after what is being computed
    lib.llama_batch_free(batch)


def _parameters(model: Model, cells: int, slots: int) -> Any:  # noqa: ANN401
    lib = model.lib
    parameters = lib.llama_context_default_params()
    parameters.n_ctx = cells
    parameters.n_batch = parameters.n_ubatch = ROWS
    parameters.n_seq_max = slots
    parameters.n_outputs_max = slots  # one row of logits per sequence: the default reserves one per token of a batch
    parameters.n_threads = model.placement.threads
    parameters.n_threads_batch = model.placement.threads
    parameters.kv_unified = True
    parameters.pooling_type = lib.LLAMA_POOLING_TYPE_NONE  # hidden states, where asked for, are the tokens' own
    parameters.no_perf = True
    if model.verdict.plain:
        parameters.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        parameters.op_offload = False
    if model.options.kv_type is KVType.Q8_0:
        parameters.type_k = parameters.type_v = lib.GGML_TYPE_Q8_0
        parameters.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_ENABLED  # a quantized V cache requires it
    return parameters

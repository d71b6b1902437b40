"""A llama.cpp context: the KV cache of a model, and the calls that compute tokens.

The KV cache is unified: `cells` cells are shared by all slots, and slots that begin with the same tokens can share the
cells of these tokens. A slot is a llama.cpp sequence id. Which sequence uses which slot is not known here: see `slots`.

Computation runs on a compute thread, so that an exception from a signal handler (Ctrl-C, SIGTERM) is raised here
without delay, and `abort` ends the computation within one graph node: see `compute_thread`.

llama.cpp ends the process when it gets a slot number or a batch that is out of range. Such arguments raise `ValueError`
here before they reach it.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from qmath_cli.completion import Completion
from qmath_cli.engine.llama.compute_thread import ALONE, AbortFlag, ComputeThread, Team, compute_thread
from qmath_cli.engine.llama.library import library
from qmath_cli.engine.llama.model import Model
from qmath_cli.errors import DoesNotFit, EngineUnusable
from qmath_cli.settings import KVType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS = 512  # tokens per computation at most: one micro-batch, so that an abort loses no more work than that


class BatchRow(NamedTuple):
    """One token to compute: its position in its slot, and whether its output (logits or hidden state) is needed."""

    token: int
    position: int
    slot: int
    output: bool


class ComputeStatus(Enum):
    """How a computation ended."""

    DONE = "done"
    NO_CELLS = "no cells"  # too few cells are free; nothing was computed


class Context:
    """A context of `cells` KV cells and `slots` slots. Close it before its model.

    Args:
        model: The loaded model.
        cells: Size of the KV cache, in tokens.
        slots: Number of sequences that can have cells at the same time.
        outputs: Rows per computation that can have outputs; by default one per slot. Each reserves a row of logits.
        team: The compute thread, and the CPU threads that it computes on.
        exact: Compute attention without flash attention, which changes a hidden state by a per cent after some
            thousand tokens. A quantized KV cache requires it all the same.
        on_node: A C callback for each node of the graph (`ggml_backend_sched_eval_callback`), kept by the caller.

    Raises:
        DoesNotFit: There is no memory for the KV cache.
    """

    def __init__(
        self,
        model: Model,
        *,
        cells: int,
        slots: int,
        outputs: int | None = None,
        team: Team = ALONE,
        exact: bool = False,
        on_node: Any = None,  # noqa: ANN401  a ctypes function
    ) -> None:
        self.cells = cells
        self._slots = slots
        self._outputs = slots if outputs is None else outputs
        self._thread = compute_thread(team.number)
        self._completion: Completion | None = None  # of the submitted computation
        self._codes: list[int] = []  # the return value of the submitted computation, once it has ended
        self._lib: Any = model.lib
        self._logits_type: Any = ctypes.c_float * model.vocabulary
        self._hidden_size = model.facts.embedding
        self._hidden_states = False
        parameters = _parameters(model, cells, slots, self._outputs, exact=exact)
        parameters.n_threads = parameters.n_threads_batch = team.threads or model.placement.threads
        if on_node is not None:
            parameters.cb_eval = on_node
        library().clear_warnings()
        self.pointer: Any = self._thread.create(
            lambda: self._lib.llama_init_from_model(model.pointer, parameters), self._lib.llama_free
        )
        if not self.pointer:
            reason = "; ".join(library().warnings()) or "llama.cpp gives no reason"
            raise DoesNotFit(
                f"no memory for a context of {cells} tokens: {reason}",
                "a smaller --ctx or -k, or --kv-type q8_0",
            )
        self.max_rows = min(ROWS, int(self._lib.llama_n_batch(self.pointer)))  # a small KV cache has a smaller batch
        self._memory = self._lib.llama_get_memory(self.pointer)
        self._batch = self._lib.llama_batch_init(ROWS, 0, 1)
        self._abort = AbortFlag()
        self._thread.run(
            lambda: self._lib.llama_set_abort_callback(self.pointer, self._abort.callback, self._abort.address)
        )
        self._free = weakref.finalize(self, _free, self._lib, self.pointer, self._batch, self._abort, self._thread)

    def close(self) -> None:
        """Free the memory."""
        self._free()

    def compute(self, rows: Sequence[BatchRow]) -> ComputeStatus:
        """Compute these tokens: `submit`, then `result`."""
        self.submit(rows)
        return self.result()

    def submit(self, rows: Sequence[BatchRow]) -> None:
        """Start computing these tokens; call `result` next.

        Args:
            rows: From 1 to `max_rows` tokens. At most `outputs` of them may request their output.

        Raises:
            ValueError: There are too many or too few rows or outputs, or a slot does not exist.
        """
        self._fill(rows)
        codes = self._codes = []
        self._completion = self._thread.submit(lambda: codes.append(self._lib.llama_decode(self.pointer, self._batch)))

    def result(self) -> ComputeStatus:
        """Wait for the submitted computation.

        After `DONE`, the outputs of the rows that requested them can be read. After an exception the cells of the
        submitted rows are undefined: call `abort`, then `truncate` every slot of these rows.

        Raises:
            EngineUnusable: The computation failed.
            ValueError: No computation was submitted.
        """
        if self._completion is None:
            raise ValueError("no computation was submitted")
        self._completion.wait()
        code = self._codes[0]
        if code == 1:  # llama.h, llama_decode: no KV slot was found for the batch
            return ComputeStatus.NO_CELLS
        if code != 0:
            raise EngineUnusable(
                f"llama.cpp failed to compute (code {code}): {library().warnings()}",
                "`qmath doctor` checks this build; --device cpu avoids the GPU",
            )
        return ComputeStatus.DONE

    def abort(self) -> None:
        """End the computation that is running, if any, and return when nothing runs."""
        self._abort.set(abort=True)
        self._thread.drain()
        self._abort.set(abort=False)

    def share(self, source: int, target: int, length: int) -> None:
        """Let the empty slot `target` begin with the first `length` cells of `source`; no cell is copied."""
        self._lib.llama_memory_seq_cp(self._memory, self._checked(source), self._checked(target), 0, length)

    def truncate(self, slot: int, length: int) -> None:
        """Keep the first `length` positions of a slot; cells that no slot uses any more become free."""
        self._lib.llama_memory_seq_rm(self._memory, self._checked(slot), length, -1)

    def clear(self) -> None:
        """Free every cell. The next computation uses the same cells as in a new context."""
        self._lib.llama_memory_clear(self._memory, False)

    def length(self, slot: int) -> int:
        """Number of positions that a slot holds."""
        return int(self._lib.llama_memory_seq_pos_max(self._memory, self._checked(slot))) + 1

    def state(self, slot: int) -> bytes:
        """A slot's cells in llama.cpp's serialised form (`llama_state_seq_get_data`).

        Raises:
            EngineUnusable: llama.cpp did not write as many bytes as it announced.
        """
        size = int(self._lib.llama_state_seq_get_size(self.pointer, self._checked(slot)))
        buffer = (ctypes.c_uint8 * size)()
        written = int(self._lib.llama_state_seq_get_data(self.pointer, buffer, size, slot))
        if written != size:
            raise EngineUnusable(f"llama.cpp serialised {written} of {size} bytes of the KV cache")
        return bytes(buffer)

    def set_state(self, slot: int, state: bytes) -> bool:
        """Fill an empty slot with serialised cells.

        Args:
            slot: The slot to fill.
            state: What `state` returned, unchanged: llama.cpp does not detect every damage.

        Returns:
            False if the cells are not of this model or too few cells are free.
        """
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        read = int(self._lib.llama_state_seq_set_data(self.pointer, buffer, len(state), self._checked(slot)))
        return 0 < read == len(state)

    def logits(self, index: int) -> NDArray[np.float32]:
        """The logits of row `index` of the last computation.

        Returns:
            A view of shape (vocabulary,), valid until the next computation.

        Raises:
            ValueError: The row requested no output.
        """
        import numpy as np

        pointer = self._lib.llama_get_logits_ith(self.pointer, index)
        if not pointer:
            raise ValueError(f"row {index} of the last computation has no logits")
        # Equivalent to `np.ctypeslib.as_array`, which takes five times as long. This runs once per token.
        return np.frombuffer(self._logits_type.from_address(ctypes.addressof(pointer.contents)), np.float32)

    def output_hidden_states(self, *, enabled: bool) -> None:
        """Whether the next computations output hidden states; if so, every row of them counts as an output."""
        self._lib.llama_set_embeddings(self.pointer, enabled)
        self._hidden_states = enabled

    def hidden_state(self, index: int) -> NDArray[np.float32]:
        """The hidden state of row `index` of the last computation, after the final norm.

        Returns:
            An array of shape (hidden size,).

        Raises:
            ValueError: The row has no hidden state.
        """
        import numpy as np

        pointer = self._lib.llama_get_embeddings_ith(self.pointer, index)
        if not pointer:
            raise ValueError(f"row {index} of the last computation has no hidden state")
        return np.ctypeslib.as_array(pointer, shape=(self._hidden_size,)).copy()

    def _fill(self, rows: Sequence[BatchRow]) -> None:
        if not 1 <= len(rows) <= self.max_rows:
            raise ValueError(f"{len(rows)} rows; a computation takes from 1 to {self.max_rows}")
        wanted = len(rows) if self._hidden_states else sum(row.output for row in rows)
        if wanted > self._outputs:
            raise ValueError(f"{wanted} outputs; this context has room for {self._outputs}")
        batch = self._batch
        batch.n_tokens = len(rows)
        tokens, positions, counts, slots, outputs = batch.token, batch.pos, batch.n_seq_id, batch.seq_id, batch.logits
        for index, row in enumerate(rows):
            tokens[index] = row.token
            positions[index] = row.position
            counts[index] = 1
            slots[index][0] = self._checked(row.slot)
            outputs[index] = row.output

    def _checked(self, slot: int) -> int:
        if not 0 <= slot < self._slots:
            raise ValueError(f"slot {slot}; this context has slots 0 to {self._slots - 1}")
        return slot


def _free(lib: Any, pointer: Any, batch: Any, abort: AbortFlag, thread: ComputeThread) -> None:  # noqa: ANN401
    abort.set(abort=True)
    thread.run(lambda: lib.llama_free(pointer))  # after the running computation
    lib.llama_batch_free(batch)


def _parameters(model: Model, cells: int, slots: int, outputs: int, *, exact: bool) -> Any:  # noqa: ANN401
    lib = model.lib
    parameters = lib.llama_context_default_params()
    parameters.n_ctx = cells
    parameters.n_batch = parameters.n_ubatch = ROWS
    parameters.n_seq_max = slots
    parameters.n_outputs_max = outputs  # by default one row of logits per token is reserved
    parameters.kv_unified = True
    parameters.pooling_type = lib.LLAMA_POOLING_TYPE_NONE  # hidden states per token
    parameters.no_perf = True
    if exact or model.preflight.plain:
        parameters.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
    if model.preflight.plain:
        parameters.op_offload = False
    if model.options.kv_type is KVType.Q8_0:
        parameters.type_k = parameters.type_v = lib.GGML_TYPE_Q8_0
        parameters.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_ENABLED  # a quantized V cache requires it
    return parameters

"""An importance matrix measured on this machine: a model reads a text, chunk by chunk, and can be interrupted.

The sums so far are kept beside the result, as `NAME.part`, with the text and the model that they belong to. The same
call goes on where an interrupted one ended, and gives the same sums: they are kept in double precision.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmath_cli.engine.activations import ActivationReader
from qmath_cli.engine.llama.model import Model
from qmath_cli.errors import UsageError
from qmath_cli.files import cannot_write, unfinished, write_atomically
from qmath_cli.runtime.conversion import translated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 512  # tokens; what llama-imatrix uses
_KEEP_S = 20.0  # least time between two writes of the sums so far

OnChunk = Callable[[int, int], None]
"""Called with the chunks done and the chunks in all."""


@dataclass(frozen=True, slots=True)
class ImportancePlan:
    """What is measured.

    Attributes:
        target: the file to write.
        tokens: the text.
        dataset: what the text is called in the file.
        chunk: tokens per chunk; what is left at the end is not used.
        chunks: chunks at most; None for all.
    """

    target: Path
    tokens: Sequence[int]
    dataset: str
    chunk: int = CHUNK
    chunks: int | None = None

    @property
    def count(self) -> int:
        """Chunks that are read."""
        whole = len(self.tokens) // self.chunk
        return whole if self.chunks is None else min(whole, self.chunks)


@dataclass(slots=True)
class _Sums:
    """The sums after `done` chunks."""

    done: int = 0
    sums: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def measure(model: Model, plan: ImportancePlan, on: OnChunk) -> int:
    """Read the text with a model and write the importance matrix.

    Args:
        model: the loaded model; the less it is quantized, the better.
        plan: the text and the file.
        on: called after every chunk.

    Returns:
        How many chunks an interrupted call had read already.

    Raises:
        UsageError: the text has fewer than two chunks, as llama-imatrix requires.
        EngineUnusable: llama.cpp fails, or an activation is not finite.
        DoesNotFit: the disk is full.
    """
    from qmath_convert.imatrix import ActivationSums, write_sums

    if len(plan.tokens) < 2 * plan.chunk:
        raise UsageError(
            f"the text has {len(plan.tokens)} tokens; two chunks of {plan.chunk} are needed",
            "a longer text, or a smaller --chunk",
        )
    part, identity = unfinished(plan.target), _identity(model, plan)
    state = _read(part, identity)
    resumed = state.done
    with ActivationReader(model, plan.chunk) as reader:
        reader.sums, reader.counts = state.sums, state.counts
        _read_chunks(reader, plan, state, lambda: _keep(part, identity, state), on)
    fresh = unfinished(plan.target, "complete")
    measured = ActivationSums(state.sums, state.counts, plan.dataset, state.done, plan.chunk)
    with translated():
        write_sums(fresh, measured)
    fresh.replace(plan.target)
    part.unlink(missing_ok=True)
    return resumed


def _read_chunks(
    reader: ActivationReader, plan: ImportancePlan, state: _Sums, keep: Callable[[], None], on: OnChunk
) -> None:
    kept = time.monotonic()
    try:
        while state.done < plan.count:
            start = state.done * plan.chunk
            reader.read(plan.tokens[start : start + plan.chunk])
            state.sums, state.counts = reader.sums, reader.counts
            state.done += 1
            on(state.done, plan.count)
            if time.monotonic() - kept > _KEEP_S:
                keep()
                kept = time.monotonic()
    except BaseException:
        keep()
        raise


def _identity(model: Model, plan: ImportancePlan) -> str:
    """What sums belong to: the model's file as it is on the disk, and the text."""
    status = model.path.stat()
    parts = [str(model.path.resolve()), status.st_size, status.st_mtime_ns, plan.chunk, plan.dataset, list(plan.tokens)]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _keep(path: Path, identity: str, state: _Sums) -> None:
    import numpy as np

    if not state.done:
        return
    content = io.BytesIO()
    counts = np.array([state.counts[name] for name in state.sums])
    arrays: dict[str, Any] = {"identity": identity, "done": state.done, "names": list(state.sums), "counts": counts}
    arrays |= {f"sums_{i}": sums for i, sums in enumerate(state.sums.values())}
    np.savez(content, **arrays)
    try:
        write_atomically(path, content.getvalue())
    except OSError as exc:
        raise cannot_write(path, exc) from exc


def _read(path: Path, identity: str) -> _Sums:
    """What an interrupted call kept; nothing if it belongs to another text or model, or cannot be read."""
    import zipfile

    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            if str(found["identity"]) != identity:
                return _Sums()
            names = [str(name) for name in found["names"]]
            sums = {name: found[f"sums_{i}"] for i, name in enumerate(names)}
            counts = dict(zip(names, map(int, found["counts"]), strict=True))
            return _Sums(int(found["done"]), sums, counts)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return _Sums()  # absent, or cut by a kill: it is measured again

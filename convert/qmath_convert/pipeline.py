"""The conversion of a checkpoint into GGUF files, in one pass: read, quantize, write, verify.

Each block of rows is read once, widened to float32, quantized for every output and written at its final offset. One
thread does all of this for a block, and a few threads work at once. There is no intermediate file, and the memory is
that of the blocks in flight. The result is the same bit for bit, whatever the number of threads.

An interrupted conversion (Ctrl-C, kill, power failure, network) leaves `.part` files and their journals; the same call
resumes it. A conversion that cannot succeed (`ConvertError`) leaves nothing.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qmath_convert import verify
from qmath_convert.checkpoint import StoredTensor, Tensor
from qmath_convert.errors import ConvertError
from qmath_convert.ggml import GgmlLibrary, library
from qmath_convert.layout import PlacedTensor
from qmath_convert.part import Part
from qmath_convert.plan import OutputFile, Plan, plan
from qmath_convert.quantize import Block, BlockQuantizer, blocks
from qmath_convert.recipe import Quant

__all__ = ["Options", "Plan", "Progress", "Stage", "Written", "convert", "plan"]

_RECORD_BYTES = 512 << 20  # output bytes between two journal entries: what a power failure can undo


class Stage(StrEnum):
    """The stages of a conversion."""

    WRITE = "write"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is, in bytes of the checkpoint (`WRITE`) or of the outputs (`VERIFY`)."""

    stage: Stage
    done: int
    total: int
    tensor: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file. `quant` is None for a reward model's head; `types` counts the tensors of each type."""

    path: Path
    quant: Quant | None
    size: int
    sha256: str
    types: dict[str, int]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a conversion. `threads` 0 means one per core, and one more to read ahead."""

    verify: bool = True
    threads: int = 0


def convert(
    what: Plan, options: Options | None = None, report: Callable[[Progress], None] = lambda _: None
) -> tuple[Written, ...]:
    """Carry out a plan, or resume an interrupted run of it.

    Args:
        what: the plan.
        options: the options; None for the defaults.
        report: called with the progress after every block, in the calling thread.

    Returns:
        The files written, in the order of the plan's outputs.

    Raises:
        ConvertError: the conversion cannot succeed; nothing is left on the disk.
        Exception: an error of the source, unchanged; the same call resumes the conversion.
    """
    options = options or Options()
    lib = library()
    parts = [Part(output.path, output.layout.size, output.fingerprint) for output in what.outputs]
    try:
        for part, output in zip(parts, what.outputs, strict=True):
            part.open(output.layout.header)
        _Stream(what, parts, lib, options, report).run()
        written = _finish(what, parts, lib, options, report)
    except ConvertError:
        for part in parts:
            part.discard()
        raise
    else:
        for part in parts:
            part.remove_journal()
        return written
    finally:
        for part in parts:
            part.close()


@dataclass(slots=True)
class _Job:
    """A block that was submitted to the pool. `last`: it is the last block of its tensor."""

    tensor: Tensor
    block: Block
    last: bool
    future: Future[None]


class _Stream:
    """The blocks of all tensors, in the order in which the source holds them, converted by a pool of threads."""

    def __init__(
        self, what: Plan, parts: list[Part], lib: GgmlLibrary, options: Options, report: Callable[[Progress], None]
    ) -> None:
        self._plan, self._parts, self._lib, self._options, self._report = what, parts, lib, options, report
        self._placed = [{tensor.spec.name: tensor for tensor in output.layout.tensors} for output in what.outputs]
        self._thread = threading.local()  # holds each thread's `quantizer`
        self._remaining = Counter(tensor.stored.shard for tensor in what.tensors)  # incomplete tensors by shard
        self._unrecorded: list[Tensor] = []
        self._unrecorded_bytes = 0
        self._total = sum(_source_bytes(tensor.stored, tensor.stored.rows) for tensor in what.tensors)
        self._done = 0

    def run(self) -> None:
        """Convert what no earlier run recorded. Record complete tensors, and release shards that are read."""
        for shard in set(self._plan.checkpoint.shards) - self._remaining.keys():  # no output needs it
            self._plan.checkpoint.source.release(shard)
        threads = self._options.threads or _cores() + 1
        with ThreadPoolExecutor(threads, thread_name_prefix="convert") as pool:
            jobs: deque[_Job] = deque()
            try:
                for tensor, block, last in self._blocks():
                    while jobs and (len(jobs) > 2 * threads or _other_shard(jobs[-1], tensor)):
                        self._finish_job(jobs.popleft())
                    jobs.append(_Job(tensor, block, last, pool.submit(self._convert, tensor, block)))
                while jobs:
                    self._finish_job(jobs.popleft())
            except BaseException:  # Ctrl-C too; raised again below
                self._plan.checkpoint.source.close()  # the pool's threads may wait for the network
                pool.shutdown(cancel_futures=True)
                raise

    def _blocks(self) -> Iterator[tuple[Tensor, Block, bool]]:
        """Every block, and whether it is its tensor's last."""
        for tensor in self._plan.tensors:
            for block in blocks(tensor.stored):
                yield tensor, block, block.first + block.rows == tensor.stored.rows

    def _targets(self, tensor: Tensor) -> list[tuple[Part, PlacedTensor]]:
        """The outputs that need this tensor and do not have it yet."""
        return [
            (part, placed[tensor.name])
            for part, placed in zip(self._parts, self._placed, strict=True)
            if tensor.name in placed and not part.complete and tensor.name not in part.done
        ]

    def _convert(self, tensor: Tensor, block: Block) -> None:
        """Read, quantize and write one block; runs in a thread of the pool."""
        targets = self._targets(tensor)
        if not targets:
            return
        quantizer = self._quantizer()
        quantizer.load(block, tensor.name)
        matrix, columns = self._plan.importance, tensor.stored.columns
        for part, placed in targets:
            kind = placed.spec.kind
            importance = matrix.of(tensor.name, columns, kind) if matrix else None
            offset = placed.offset + block.first * placed.spec.row_bytes
            part.write_at(offset, quantizer.quantized(kind, tensor.name, importance).data)
            if self._options.verify:
                stored, weighted = part.read_at(offset, placed.spec.row_bytes), importance is not None
                verify.check_row(tensor.name, kind, stored, quantizer.rows()[0], weighted=weighted)

    def _quantizer(self) -> BlockQuantizer:
        if not hasattr(self._thread, "quantizer"):
            self._thread.quantizer = BlockQuantizer(self._plan.checkpoint.source, self._lib)
        quantizer: BlockQuantizer = self._thread.quantizer
        return quantizer

    def _finish_job(self, job: _Job) -> None:
        """Wait for a block; blocks are waited for in the order of submission."""
        job.future.result()
        self._done += _source_bytes(job.tensor.stored, job.block.rows)
        self._report(Progress(Stage.WRITE, self._done, self._total, job.tensor.name))
        if job.last:
            self._complete(job.tensor)

    def _complete(self, tensor: Tensor) -> None:
        """Note a tensor whose blocks are all written. Record at intervals; release its shard after the last tensor."""
        self._unrecorded.append(tensor)
        self._unrecorded_bytes += sum(placed.spec.nbytes for _, placed in self._targets(tensor))
        shard = tensor.stored.shard
        self._remaining[shard] -= 1
        if not self._remaining[shard] or self._unrecorded_bytes >= _RECORD_BYTES:
            self._record()
        if not self._remaining[shard]:
            self._release(shard)

    def _release(self, shard: str) -> None:
        """Release a shard. A source that now finds it damaged raises, and its tensors leave the journals."""
        try:
            self._plan.checkpoint.source.release(shard)
        except Exception:  # any error of the source; raised again
            names = [tensor.name for tensor in self._plan.tensors if tensor.stored.shard == shard]
            for part in self._parts:
                part.retract(names)
            raise

    def _record(self) -> None:
        for part, placed in zip(self._parts, self._placed, strict=True):
            names = [t.name for t in self._unrecorded if t.name in placed and t.name not in part.done]
            if names and not part.complete:
                part.record(names)
        self._unrecorded, self._unrecorded_bytes = [], 0


def _cores() -> int:
    """The cores that this process may use; in a container they can be fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _other_shard(job: _Job, tensor: Tensor) -> bool:
    """Whether `tensor` is in another shard than `job`, which is released first: one shard at a time is on the disk."""
    return job.tensor.stored.shard != tensor.stored.shard


def _source_bytes(stored: StoredTensor, rows: int) -> int:
    return rows * stored.columns * stored.dtype.bytes


def _finish(
    what: Plan, parts: list[Part], lib: GgmlLibrary, options: Options, report: Callable[[Progress], None]
) -> tuple[Written, ...]:
    """Verify every file, then rename all of them."""
    written: list[Written] = []
    done = 0
    for part, output in zip(parts, what.outputs, strict=True):
        path = part.path if part.complete else part.part
        if options.verify:
            verify.check_structure(path, output.layout, lib)
        digest = hashlib.sha256()
        for chunk in _chunks(path):
            digest.update(chunk)
            done += len(chunk)
            report(Progress(Stage.VERIFY, done, what.output_bytes))
        written.append(_written(output, digest.hexdigest()))
    for part in parts:
        if not part.complete:
            part.finish()
    return tuple(written)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 22):
            yield chunk


def _written(output: OutputFile, digest: str) -> Written:
    return Written(output.path, output.quant, output.layout.size, digest, dict(output.types))

"""The blocks of all tensors, converted by a pool of threads: read, quantize, write, read back.

The thread that feeds the pool also hashes what is complete from the beginning of each file on, and notes what can be
flushed: both run beside the arithmetic.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from qmath_convert import verify
from qmath_convert.checkpoint import StoredTensor, Tensor
from qmath_convert.digest import FileDigest
from qmath_convert.ggml import GgmlLibrary
from qmath_convert.layout import PlacedTensor
from qmath_convert.part import Part
from qmath_convert.plan import Plan
from qmath_convert.quantize import Block, BlockQuantizer, blocks
from qmath_convert.recorder import Recorder


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
class Options:
    """Options of a conversion. `threads` 0 means one per core, and one more to read ahead."""

    verify: bool = True
    threads: int = 0


@dataclass(slots=True)
class _Job:
    """A block that was submitted to the pool. `last`: it is the last block of its tensor."""

    tensor: Tensor
    block: Block
    last: bool
    future: Future[None]


class Stream:
    """One run over all tensors of a plan, in its order. `run` once."""

    def __init__(
        self,
        what: Plan,
        parts: Sequence[Part],
        lib: GgmlLibrary,
        options: Options,
        recorder: Recorder,
        digests: Sequence[FileDigest],
        report: Callable[[Progress], None],
    ) -> None:
        self._plan, self._parts, self._lib, self._options = what, parts, lib, options
        self._recorder, self._digests, self._report = recorder, digests, report
        self._placed = [{tensor.spec.name: tensor for tensor in output.layout.tensors} for output in what.outputs]
        self._thread = threading.local()  # holds each thread's `quantizer`
        self._total = sum(_source_bytes(tensor.stored, tensor.stored.rows) for tensor in what.tensors)
        self._done = 0

    def run(self) -> None:
        """Convert what no earlier run recorded. Raises the first error of a block."""
        threads = self._options.threads or _cores() + 1
        with ThreadPoolExecutor(threads, thread_name_prefix="convert") as pool:
            jobs: deque[_Job] = deque()
            try:
                for tensor, block, last in self._blocks():
                    while jobs and (len(jobs) > 2 * threads or self._waits_for(jobs[-1], tensor)):
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

    def _waits_for(self, job: _Job, tensor: Tensor) -> bool:
        """Whether `tensor` is in another shard than `job`, to be released first: one at a time is on the disk."""
        return job.tensor.stored.shard != tensor.stored.shard and not self._plan.checkpoint.source.random_access

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
        read = _source_bytes(job.tensor.stored, job.block.rows)
        self._done += read
        self._report(Progress(Stage.WRITE, self._done, self._total, job.tensor.name))
        for digest in self._digests:
            if job.last:
                digest.complete(job.tensor.name)
            digest.advance(read)
        if job.last:
            self._recorder.complete(job.tensor)


def _cores() -> int:
    """The cores that this process may use; in a container they can be fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _source_bytes(stored: StoredTensor, rows: int) -> int:
    return rows * stored.columns * stored.dtype.bytes

"""A checkpoint becomes GGUF files, in one pass: open, plan, stream, write, verify.

`plan` (in `plan`) is the first two; `convert` is the rest. Every block of rows is read once, widened to float32,
quantized for each output and written to its final place, by a few threads that each do all of it; there is no
intermediate file, and the memory is that of the blocks in flight. The result does not depend on the number of threads,
and is the same bit for bit every time.

An interrupted conversion (Ctrl-C, kill, power, network) leaves `.part` files and their journals, and the same call goes
on from there. A conversion that cannot succeed (`ConvertError`) leaves nothing.
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
from qmath_convert.checkpoint import Stored, Tensor
from qmath_convert.errors import ConvertError
from qmath_convert.ggml import Library, library
from qmath_convert.layout import Place
from qmath_convert.part import Part
from qmath_convert.plan import Output, Plan, places_of, plan
from qmath_convert.quantize import Bench, Block, blocks
from qmath_convert.recipe import Quant

__all__ = ["Options", "Plan", "Progress", "Stage", "Written", "convert", "plan"]

_RECORD_BYTES = 512 << 20  # how much may have to be done again after a power failure


class Stage(StrEnum):
    """What a conversion is doing."""

    WRITE = "write"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is, in bytes of the checkpoint (write) or of the files (verify)."""

    stage: Stage
    done: int
    total: int
    tensor: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file."""

    path: Path
    quant: Quant | None
    size: int
    sha256: str
    types: dict[str, int]


@dataclass(frozen=True, slots=True)
class Options:
    """`threads` 0 means one per core, and one more to read ahead."""

    verify: bool = True
    threads: int = 0


def convert(
    what: Plan, options: Options | None = None, report: Callable[[Progress], None] = lambda _: None
) -> tuple[Written, ...]:
    """Carry out a plan. Raises a `ConvertError` and leaves nothing, or is interrupted and can be resumed."""
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
            part.forget()
        return written
    finally:
        for part in parts:
            part.close()


@dataclass(slots=True)
class _Job:
    """A block on its way through the pool."""

    tensor: Tensor
    block: Block
    last: bool  # of its tensor
    future: Future[None]


class _Stream:
    """All blocks of all tensors, through a few threads, in the order in which the source holds them."""

    def __init__(
        self, what: Plan, parts: list[Part], lib: Library, options: Options, report: Callable[[Progress], None]
    ) -> None:
        self._plan, self._parts, self._lib, self._options, self._report = what, parts, lib, options, report
        self._places = [places_of(output) for output in what.outputs]
        self._benches = threading.local()
        self._left = Counter(tensor.stored.shard for tensor in what.tensors)  # tensors still to come, by shard
        self._unrecorded: list[Tensor] = []
        self._unrecorded_bytes = 0
        self._total = sum(_source_bytes(tensor.stored, tensor.stored.rows) for tensor in what.tensors)
        self._done = 0

    def run(self) -> None:
        """Convert what no earlier run has recorded; record on the way, and release shards that are used up."""
        for shard in set(self._plan.checkpoint.shards) - self._left.keys():  # nothing in it is wanted
            self._plan.checkpoint.source.release(shard)
        threads = self._options.threads or _cores() + 1
        with ThreadPoolExecutor(threads, thread_name_prefix="convert") as pool:
            waiting: deque[_Job] = deque()
            try:
                for tensor, block, last in self._work():
                    while waiting and (len(waiting) > 2 * threads or _leaves_shard(waiting[-1], tensor)):
                        self._settle(waiting.popleft())
                    waiting.append(_Job(tensor, block, last, pool.submit(self._convert, tensor, block)))
                while waiting:
                    self._settle(waiting.popleft())
            except BaseException:  # whatever ends it, Ctrl-C too; raised again below
                self._plan.checkpoint.source.close()  # or a thread that waits for the network would hold us up
                pool.shutdown(cancel_futures=True)
                raise

    def _work(self) -> Iterator[tuple[Tensor, Block, bool]]:
        """Every block, and whether it is its tensor's last."""
        for tensor in self._plan.tensors:
            for block in blocks(tensor.stored):
                yield tensor, block, block.first + block.rows == tensor.stored.rows

    def _targets(self, tensor: Tensor) -> list[tuple[Part, Place]]:
        """The outputs that still want this tensor."""
        return [
            (part, places[tensor.name])
            for part, places in zip(self._parts, self._places, strict=True)
            if tensor.name in places and not part.complete and tensor.name not in part.done
        ]

    def _convert(self, tensor: Tensor, block: Block) -> None:
        """One block, start to end; runs in a thread of the pool."""
        targets = self._targets(tensor)
        if not targets:
            return
        bench = self._bench()
        bench.load(block, tensor.name)
        importance = self._plan.importance.of(tensor.name, tensor.stored.columns) if self._plan.importance else None
        for part, place in targets:
            kind = place.slot.kind
            offset = place.offset + block.first * place.slot.row_bytes
            part.write_at(offset, bench.quantized(kind, tensor.name, importance).data)
            if self._options.verify:
                verify.check_row(tensor.name, kind, part.read_at(offset, place.slot.row_bytes), bench.rows()[0])

    def _bench(self) -> Bench:
        if not hasattr(self._benches, "bench"):
            self._benches.bench = Bench(self._plan.checkpoint.source, self._lib)
        bench: Bench = self._benches.bench
        return bench

    def _settle(self, job: _Job) -> None:
        """Wait for a block. Blocks are settled in the order in which they were handed out."""
        job.future.result()
        self._done += _source_bytes(job.tensor.stored, job.block.rows)
        self._report(Progress(Stage.WRITE, self._done, self._total, job.tensor.name))
        if job.last:
            self._complete(job.tensor)

    def _complete(self, tensor: Tensor) -> None:
        """All blocks of a tensor are written: record it now or soon, and let go of its shard if it was the last."""
        self._unrecorded.append(tensor)
        self._unrecorded_bytes += sum(place.slot.nbytes for _, place in self._targets(tensor))
        shard = tensor.stored.shard
        self._left[shard] -= 1
        if not self._left[shard] or self._unrecorded_bytes >= _RECORD_BYTES:
            self._record()
        if not self._left[shard]:
            self._release(shard)

    def _release(self, shard: str) -> None:
        """A source may find out only now, with the whole shard read, that it is not the one it should be."""
        try:
            self._plan.checkpoint.source.release(shard)
        except Exception:  # whatever it found; raised again
            names = [tensor.name for tensor in self._plan.tensors if tensor.stored.shard == shard]
            for part in self._parts:
                part.retract(names)
            raise

    def _record(self) -> None:
        for part, places in zip(self._parts, self._places, strict=True):
            names = [t.name for t in self._unrecorded if t.name in places and t.name not in part.done]
            if names and not part.complete:
                part.record(names)
        self._unrecorded, self._unrecorded_bytes = [], 0


def _cores() -> int:
    """The cores that this process may use, which in a container can be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _leaves_shard(job: _Job, tensor: Tensor) -> bool:
    """Whether `tensor` is in another shard: the one before is released first, so that one at a time is on the disk."""
    return job.tensor.stored.shard != tensor.stored.shard


def _source_bytes(stored: Stored, rows: int) -> int:
    return rows * stored.columns * stored.dtype.bytes


def _finish(
    what: Plan, parts: list[Part], lib: Library, options: Options, report: Callable[[Progress], None]
) -> tuple[Written, ...]:
    """Verify every file before the first one gets its name."""
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


def _written(output: Output, digest: str) -> Written:
    return Written(output.path, output.quant, output.layout.size, digest, dict(output.types))

"""Complete tensors, flushed to the disk and entered into the journals beside the conversion.

A flush can take longer than the arithmetic of what it flushes, so a thread of its own does it, one flush after the
other; the disk is never idle for long, and little is left at the end. Sources whose shards arrive one after the other
are told when a shard is safe: its tensors are flushed then.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from qmath_convert.checkpoint import Tensor
from qmath_convert.part import Part
from qmath_convert.plan import Plan

_INTERVAL_S = 0.25  # at least, between the beginnings of two flushes


class Recorder:
    """Used by one thread, as a context manager. On leaving, a flush that has begun is waited for."""

    def __init__(self, what: Plan, parts: Sequence[Part]) -> None:
        self._plan, self._parts = what, parts
        self._source = what.checkpoint.source
        self._names = [{tensor.spec.name for tensor in output.layout.tensors} for output in what.outputs]
        self._left = Counter(tensor.stored.shard for tensor in what.tensors)  # incomplete tensors by shard
        self._unrecorded: list[str] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flush")
        self._flush: Future[None] | None = None
        self._begun = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True)

    def release_unused(self) -> None:
        """Release the shards that no output needs."""
        for shard in set(self._plan.checkpoint.shards) - self._left.keys():
            self._source.release(shard)

    def complete(self, tensor: Tensor) -> None:
        """Note a tensor whose blocks are all written, and release its shard after the last.

        Raises:
            CannotWrite: an earlier flush failed.
            Exception: the source found the shard damaged; its tensors have left the journals.
        """
        self._unrecorded.append(tensor.name)
        shard = tensor.stored.shard
        self._left[shard] -= 1
        if not self._left[shard] and not self._source.random_access:
            self._wait()
            self._release(shard)
        elif time.monotonic() - self._begun >= _INTERVAL_S and (self._flush is None or self._flush.done()):
            self.begin()

    def begin(self) -> None:
        """Flush in the background what is complete, after a flush that has begun."""
        if self._flush is not None:
            self._flush.result()
        names, self._unrecorded = self._unrecorded, []
        self._begun = time.monotonic()
        self._flush = self._thread.submit(self._record, names)

    def finish(self) -> None:
        """Wait until all is flushed and recorded, and release what is not released yet. Raises as `complete` does."""
        self._wait()
        if self._source.random_access:
            for shard in self._plan.checkpoint.shards:
                if shard in self._left:
                    self._release(shard)

    def _wait(self) -> None:
        self.begin()
        if self._flush is not None:
            self._flush.result()

    def _record(self, complete: Sequence[str]) -> None:
        for part, own in zip(self._parts, self._names, strict=True):
            names = [name for name in complete if name in own and name not in part.done]
            if names and not part.complete:
                part.record(names)

    def _release(self, shard: str) -> None:
        """Release a shard. A source that now finds it damaged raises, and its tensors leave the journals."""
        try:
            self._source.release(shard)
        except Exception:  # any error of the source; raised again
            names = [tensor.name for tensor in self._plan.tensors if tensor.stored.shard == shard]
            for part in self._parts:
                part.retract(names)
            raise

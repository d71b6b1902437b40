"""A thread for long calls into llama.cpp, so that Ctrl-C can end them.

Python runs signal handlers in the main thread, and only between bytecodes: during a C call they are postponed. All
computation of llama.cpp therefore runs on a separate thread. The caller waits in Python code, where an exception from a
handler can be raised. A flag that ggml checks between graph nodes then ends the computation. `drain` returns only when
nothing is running any more.

The process has one such thread for all models and contexts. OpenMP keeps a team of threads for each thread that
computes. If the teams together have more threads than there are cores, their barriers sleep instead of spinning; on two
cores this costs a third of the decoding speed. Threads with a number above 0 exist only for `parallel_batches`, whose
contexts compute on one thread each and need no team.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from qmath_cli.completion import Completion
from qmath_cli.engine.llama.library import library


class Team(NamedTuple):
    """Who computes: the compute thread's number, and the CPU threads that help it; 0: as the model is placed."""

    number: int = 0
    threads: int = 0


ALONE = Team()  # on the machine: no other batch computes at the same time


class AbortFlag:
    """A flag that ends a computation. ggml reads it through its abort callback, between all graph nodes.

    The callback is C's `strlen`, applied to a string that is either empty or not. A Python callback would take the GIL
    hundreds of times per token, and an exception from a signal handler could be raised inside it and get lost.
    """

    def __init__(self) -> None:
        self._flag = ctypes.create_string_buffer(2)
        self.address = ctypes.addressof(self._flag)
        libc = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
        self.callback: Any = ctypes.cast(libc.strlen, library().lib.ggml_abort_callback)

    def set(self, *, abort: bool) -> None:
        """Set or clear the flag: while it is set, every computation ends at its next graph node."""
        self._flag[0] = b"x" if abort else b"\0"


class ComputeThread:
    """A thread that runs jobs one after another, in the order of submission. Use `compute_thread` to get one."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], object]] = SimpleQueue()
        Thread(target=self._serve, name="llama.cpp", daemon=True).start()

    def run(self, work: Callable[[], object], meanwhile: Callable[[], object] | None = None) -> None:
        """Run `work` on the thread and wait for its end; `meanwhile` is called now and then until it comes.

        An exception from a signal handler is raised here while the work continues. Abort the work, then call `drain`.
        """
        self.submit(work).wait(meanwhile)

    def submit(self, work: Callable[[], object]) -> Completion:
        """Queue `work`; returns its completion."""
        completion = Completion()

        def job() -> None:
            try:
                work()
            finally:
                completion.set()

        self._jobs.put(job)  # one C call: a signal handler runs before it or after it
        return completion

    def create(
        self,
        make: Callable[[], int | None],
        free: Callable[[int], object],
        cancel: Callable[[], object] = lambda: None,
        meanwhile: Callable[[], object] | None = None,
    ) -> int | None:
        """Create a llama.cpp object on the thread, without leaking it if a signal arrives.

        Args:
            make: Creates the object and returns its pointer, or None if that fails.
            free: Frees the object.
            cancel: Makes a running `make` return early.
            meanwhile: Called ten times a second, in the caller's thread, while `make` runs.

        Returns:
            The pointer that `make` returned.

        Raises:
            BaseException: Whatever a signal handler raised, after `make` has ended and its object is freed.
        """
        pointers: list[int | None] = []
        try:
            self.run(lambda: pointers.append(make()), meanwhile)
        except BaseException:  # includes KeyboardInterrupt; raised again below
            cancel()
            self.drain()
            if pointers and pointers[0]:
                free(pointers[0])
            raise
        return pointers[0]

    def drain(self) -> None:
        """Wait until every job submitted so far has ended."""
        self.run(lambda: None)

    def _serve(self) -> None:
        while True:
            self._jobs.get()()


def compute_thread(number: int = 0) -> ComputeThread:
    """The compute thread with this number; it is started on first use and lives as long as the process."""
    return _started_thread(number)


@functools.cache
def _started_thread(_number: int) -> ComputeThread:
    return ComputeThread()

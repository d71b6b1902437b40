"""Computing aside: a long call into llama.cpp that Ctrl-C can end.

While C code runs, Python's signal handlers wait. So everything that llama.cpp computes runs on a thread of its own, the
caller waits where a handler's exception can reach it, and a flag that ggml reads between graph nodes ends the
computation. Whatever was interrupted where, `settle` returns only when nothing runs.

There is one such thread in the process, for all models and contexts: OpenMP keeps a team of threads for each thread
that computes, and with more of them than cores its barriers sleep instead of spinning, which on two cores costs a third
of the decoding speed. Only the further lanes of a small model (see `lanes`), whose contexts use one thread each and
therefore no team, have a thread of their own.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from qmath_cli.engine.llama.library import library

_GLANCE = 1.0  # seconds; on Windows a wait without an end cannot be interrupted


class AbortFlag:
    """A flag that ggml reads through its abort callback, which is called between all graph nodes of all computations.

    The callback is C's `strlen`, of a string that is empty or not: a Python function there would need the interpreter
    some hundred times per token, and a signal handler might raise inside it, where nothing can be caught.
    """

    def __init__(self) -> None:
        self._flag = ctypes.create_string_buffer(2)
        self.address = ctypes.addressof(self._flag)
        libc = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
        self.callback: Any = ctypes.cast(libc.strlen, library().lib.ggml_abort_callback)

    def set(self, *, abort: bool) -> None:
        """Let the computation under way end at its next graph node, or let the next one run."""
        self._flag[0] = b"x" if abort else b"\0"


class ComputeThread:
    """The thread, which takes one job at a time. Made by `compute_thread`."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], object]] = SimpleQueue()
        Thread(target=self._serve, name="llama.cpp", daemon=True).start()

    def run(self, work: Callable[[], object]) -> None:
        """Run work on the thread and wait for it.

        An exception from a signal handler rises here, and the work goes on: abort it, and `settle`.
        """
        wait(self.begin(work))

    def begin(self, work: Callable[[], object]) -> Event:
        """Have the thread run work; the event is set when it has ended."""
        done = Event()

        def job() -> None:
            try:
                work()
            finally:
                done.set()

        self._jobs.put(job)  # one C call: a signal comes before it or after it
        return done

    def made(
        self, make: Callable[[], int | None], free: Callable[[int], object], stop: Callable[[], object] = lambda: None
    ) -> int | None:
        """What `make` made aside, a pointer of llama.cpp's or null.

        An exception from a signal handler rises here, after `stop` has shortened the making and what was made is freed.
        """
        pointers: list[int | None] = []
        try:
            self.run(lambda: pointers.append(make()))
        except BaseException:  # Ctrl-C too: the pointer would leak; raised again
            stop()
            self.settle()
            if pointers and pointers[0]:
                free(pointers[0])
            raise
        return pointers[0]

    def settle(self) -> None:
        """Return when everything that was asked for has ended."""
        idle = Event()
        self._jobs.put(idle.set)
        wait(idle)

    def _serve(self) -> None:
        while True:
            self._jobs.get()()


def wait(done: Event) -> None:
    """Return when the event is set; an exception from a signal handler rises here."""
    while not done.wait(_GLANCE):
        pass


def compute_thread(lane: int = 0) -> ComputeThread:
    """The process's thread for computing, or that of a further lane."""
    return _thread_of(lane)


@functools.cache
def _thread_of(_lane: int) -> ComputeThread:
    return ComputeThread()

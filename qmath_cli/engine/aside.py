"""Computing aside: a long call into llama.cpp that Ctrl-C can end.

While C code runs, Python's signal handlers wait. So a long computation runs on a thread of its own, the caller waits
where a handler's exception can reach it, and an abort flag, which ggml reads between graph nodes, ends the computation.
The thread takes one job at a time for as long as it lives; whatever was interrupted where, `settle` returns only when
nothing runs.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from qmath_cli.engine.native import native

Jobs = SimpleQueue[Callable[[], object] | None]

_GLANCE = 1.0  # seconds; on Windows a wait without an end cannot be interrupted


class AbortFlag:
    """A flag that ggml reads through its abort callback, which is called between all graph nodes of all computations.

    The callback is C's `strlen`, of a string that is empty or not: a Python function there would need the interpreter
    some hundred times per token, and a signal handler might raise inside it, where nothing can be caught.
    """

    def __init__(self) -> None:
        self._flag = ctypes.create_string_buffer(2)
        self.address = ctypes.addressof(self._flag)
        library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
        self.callback: Any = ctypes.cast(library.strlen, native().lib.ggml_abort_callback)

    def set(self, *, abort: bool) -> None:
        """Let the computation under way end at its next graph node, or let the next one run."""
        self._flag[0] = b"x" if abort else b"\0"


class Aside:
    """A thread for long computations, and the flag that ends them."""

    def __init__(self) -> None:
        self.abort = AbortFlag()
        self._jobs: Jobs = SimpleQueue()
        self._thread = Thread(target=_serve, args=(self._jobs,), name="prefill", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[], object]) -> None:
        """Run work on the thread and wait for it.

        An exception from a signal handler rises here, and the work goes on until `settle` or `close`.
        """
        done = Event()

        def job() -> None:
            try:
                work()
            finally:
                done.set()

        self._jobs.put(job)  # one C call: a signal comes before it or after it
        while not done.wait(_GLANCE):
            pass

    def settle(self) -> None:
        """Abort what runs, if anything does, and return when nothing does."""
        self.abort.set(abort=True)
        idle = Event()
        self._jobs.put(idle.set)
        while not idle.wait(_GLANCE):
            pass
        self.abort.set(abort=False)

    def close(self) -> None:
        """End the thread, and what runs on it."""
        self.abort.set(abort=True)
        self._jobs.put(None)
        self._thread.join()


def _serve(jobs: Jobs) -> None:
    while (job := jobs.get()) is not None:
        job()

"""The end of a job in another thread, waited for where Ctrl-C is raised.

An exception that a signal handler raises inside `threading.Event.wait`, or inside the wait of a future, can leave the
lock of that object acquired; the other thread then blocks for ever when it reports its end. Here one C call does the
waiting, and nothing is held while it does.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

_CALL_S = 0.1
_WAIT_SLICE_S = 1.0  # on Windows, a wait without a timeout cannot be interrupted


class Completion:
    """Whether a job has ended. One thread calls `set`, once; any thread waits."""

    def __init__(self) -> None:
        self.ended = False
        self._running = Lock()
        self._running.acquire()

    def set(self) -> None:
        """Record the end."""
        self.ended = True
        self._running.release()

    def wait(self, meanwhile: Callable[[], object] | None = None) -> None:
        """Wait for the end. An exception from a signal handler is raised here.

        Args:
            meanwhile: Called ten times a second until then.
        """
        while not self.wait_for(_WAIT_SLICE_S if meanwhile is None else _CALL_S):
            if meanwhile is not None:
                meanwhile()

    def wait_for(self, seconds: float) -> bool:
        """Wait for the end, but not longer than `seconds`. Returns whether the job has ended."""
        if not self.ended and self._running.acquire(timeout=seconds):
            self._running.release()  # for other waiters
        return self.ended


class Job(Generic[T]):
    """A function that another thread runs once, and its result."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._results: list[T] = []
        self._error: BaseException | None = None
        self.completion = Completion()

    def run(self) -> None:
        """Run the function; called once, in the other thread."""
        try:
            self._results.append(self._work())
        except BaseException as exc:  # noqa: BLE001  raised in the thread that needs the result: see `result`
            self._error = exc
        finally:
            self.completion.set()

    def result(self) -> T:
        """The result, after waiting for it. Raises what the function raised."""
        self.completion.wait()
        if self._error is not None:
            raise self._error
        return self._results[0]

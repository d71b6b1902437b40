"""Ctrl-C and SIGTERM end what runs, wherever they come.

Both are exceptions that a handler raises in the main thread. Two places lose such an exception. An event loop keeps
what its callbacks raise, other than `KeyboardInterrupt` and `SystemExit`, so SIGTERM is a `SystemExit`. And nothing
leaves a finalizer, a callback of the garbage collector or one that C code calls: the interpreter reports the exception
and goes on. Here the signal is sent once more in that case, a moment later.

It does not wait for threads, and it is for the program; the Python API leaves signals to its caller.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from qmath_cli.errors import TerminationSignal

_AGAIN_S = 0.05


@contextmanager
def raised() -> Iterator[None]:
    """Within the block SIGTERM raises `TerminationSignal`, and neither it nor Ctrl-C is lost.

    A Ctrl-C that somebody else handles is left to them.
    """
    lost = _Lost()
    terminate = signal.signal(signal.SIGTERM, lost.take)
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, lost.take)
    hook, sys.unraisablehook = sys.unraisablehook, lost.report
    try:
        yield
    finally:
        lost.waiting.clear()
        sys.unraisablehook = hook
        signal.signal(signal.SIGTERM, terminate)
        signal.signal(signal.SIGINT, interrupt)


class _Lost:
    """The handler of both signals, and the hook that learns of exceptions which nothing can catch."""

    def __init__(self) -> None:
        self.waiting: set[signal.Signals] = set()
        self._hook = sys.unraisablehook

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Raise the exception of a signal."""
        self.waiting.discard(signal.Signals(number))
        raise TerminationSignal if number == signal.SIGTERM else KeyboardInterrupt

    def report(self, lost: sys.UnraisableHookArgs) -> None:
        """Have a lost signal sent again; report any other exception as before."""
        number = _signal_of(lost.exc_value)
        if number is None:
            self._hook(lost)
            return
        self.waiting.add(number)
        threading.Thread(target=self._send, args=(number,), name="signals", daemon=True).start()

    def _send(self, number: signal.Signals) -> None:
        """Send a signal until the handler has run: one that comes just before a system call does not end it."""
        pause = threading.Event()
        while not pause.wait(_AGAIN_S) and number in self.waiting:
            if sys.platform == "win32":
                _thread.interrupt_main(number)
            else:
                signal.pthread_kill(threading.main_thread().ident or 0, number)
            if signal.getsignal(number) != self.take:  # another's handler, which does not say when it has run
                self.waiting.discard(number)


def _signal_of(exc: BaseException | None) -> signal.Signals | None:
    if isinstance(exc, TerminationSignal):
        return signal.SIGTERM
    return signal.SIGINT if isinstance(exc, KeyboardInterrupt) else None

"""Ctrl-Z: what has to be put in order before the process stops, and again when it goes on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def suspending(before: Callable[[], object], after: Callable[[], object]) -> Iterator[None]:
    """Call `before` when the user suspends the process during the block, and `after` when it is continued.

    Blocks can be nested; the inner one is put in order first. Where there is no job control, where the signal is
    ignored, and in other threads than the main one, nothing is called.
    """
    previous = None if threading.current_thread() is not threading.main_thread() else _handler()
    if previous is None:
        yield
        return

    def suspend(number: int, frame: FrameType | None) -> None:
        before()
        if callable(previous):
            previous(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)  # it stops here, and goes on after SIGCONT
            signal.signal(number, suspend)
        after()

    signal.signal(signal.SIGTSTP, suspend)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, previous)


def _handler() -> Callable[[int, FrameType | None], object] | signal.Handlers | None:
    """What happens at Ctrl-Z at present; None where that must stay as it is."""
    found = signal.getsignal(signal.SIGTSTP) if hasattr(signal, "SIGTSTP") else None
    if found is None or isinstance(found, int):
        return signal.SIG_DFL if found == signal.SIG_DFL else None
    return found

"""A signal ends what runs, also where an exception would be lost."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import signal
import time
from collections.abc import Callable

import pytest

from qmath_cli import signals
from qmath_cli.errors import TerminationSignal

WAIT_S = 20.0


def in_a_finalizer(number: signal.Signals) -> None:
    """The signal comes while an object is freed."""

    class Freed:
        def __del__(self) -> None:
            signal.raise_signal(number)

    Freed()


def in_the_collector(number: signal.Signals) -> None:
    """The signal comes in a callback of the garbage collector."""

    def collected(phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            gc.callbacks.remove(collected)
            signal.raise_signal(number)

    gc.callbacks.append(collected)
    gc.collect()


def in_a_callback(number: signal.Signals) -> None:
    """The signal comes in a function that C code calls."""
    ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(number))()


@pytest.mark.parametrize("lose", [in_a_finalizer, in_the_collector, in_a_callback])
@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGTERM, TerminationSignal), (signal.SIGINT, KeyboardInterrupt)]
)
def test_a_signal_that_would_be_lost_comes_again(
    lose: Callable[[signal.Signals], None], number: signal.Signals, raised: type[BaseException]
) -> None:
    """It ends even a sleep."""

    def sleeps() -> None:
        lose(number)
        time.sleep(WAIT_S)

    began = time.monotonic()
    with signals.raised(), pytest.raises(raised):
        sleeps()
    assert time.monotonic() - began < WAIT_S


def test_a_signal_leaves_an_event_loop() -> None:
    """The REPL waits for keys in one."""

    async def waits() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
        await asyncio.sleep(WAIT_S)

    with signals.raised(), pytest.raises(TerminationSignal):
        asyncio.run(waits())


def test_what_is_no_signal_is_reported_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the hook that was there."""
    reported: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", lambda lost: reported.append(lost.exc_type))

    class Freed:
        def __del__(self) -> None:
            raise ValueError

    with signals.raised():
        Freed()
    assert reported == [ValueError]

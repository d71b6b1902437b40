"""The compute thread: jobs, and exceptions of signal handlers in the thread that waits for them."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator

import pytest

from qmath_cli.engine.llama.compute_thread import ComputeThread, compute_thread

_MAX_DELAY_S = 60e-6  # of a signal: within the time that submitting and waiting takes
_TIMEOUT_S = 5.0


@pytest.fixture
def interrupts(without_gc: None) -> Iterator[None]:
    """SIGALRM raises KeyboardInterrupt."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_jobs_run_in_the_order_of_submission() -> None:
    """`drain` returns after the last one."""
    thread, order = ComputeThread(), list[int]()
    for number in range(100):
        thread.submit(lambda number=number: order.append(number))  # type: ignore[misc]
    thread.drain()
    assert order == list(range(100))


def test_a_number_has_one_thread() -> None:
    """The first one is the default."""
    assert compute_thread() is compute_thread(0)
    assert compute_thread(0) is not compute_thread(1)


@pytest.mark.usefixtures("interrupts")
def test_an_interrupt_at_any_moment_does_not_block_the_thread() -> None:
    """After each of many interrupts, during submitting and waiting, the next job runs."""
    thread, delays, interrupted = ComputeThread(), random.Random(1), 0
    for _ in range(5000):
        try:
            signal.setitimer(signal.ITIMER_REAL, delays.uniform(1e-6, _MAX_DELAY_S))
            thread.run(lambda: None)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            interrupted += 1
        following = thread.submit(lambda: None)
        deadline = time.monotonic() + _TIMEOUT_S
        while not following.ended and time.monotonic() < deadline:
            time.sleep(1e-5)
        assert following.ended, f"blocked after {interrupted} interrupts"
    assert interrupted > 100


@pytest.mark.usefixtures("interrupts")
def test_an_object_whose_creation_is_interrupted_is_freed() -> None:
    """The exception is raised after the creation has been cancelled and has ended."""
    freed, cancelled = list[int](), list[bool]()

    def make() -> int:
        while not cancelled:
            time.sleep(0.001)
        return 7

    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(KeyboardInterrupt):
        ComputeThread().create(make, freed.append, lambda: cancelled.append(True))
    assert freed == [7]

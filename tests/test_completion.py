"""Waiting for another thread while signals arrive: no wait leaves anything behind that could block the other side."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from qmath_cli.completion import Completion, Job


def test_a_wait_ends_with_the_job() -> None:
    """From any number of threads, before and after the end."""
    completion = Completion()
    assert not completion.wait_for(0.01)
    waiters = [threading.Thread(target=completion.wait) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    completion.set()
    for waiter in waiters:
        waiter.join(10)
    assert not any(waiter.is_alive() for waiter in waiters)
    assert completion.wait_for(0)


def test_a_job_gives_its_result_or_raises_its_error() -> None:
    """In the thread that asks for it."""
    good, bad = Job(lambda: 42), Job(lambda: 1 // 0)
    for job in (good, bad):
        threading.Thread(target=job.run).start()
    assert good.result() == 42
    with pytest.raises(ZeroDivisionError):
        bad.result()


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX timers")
@pytest.mark.usefixtures("without_gc")
def test_an_interrupted_wait_does_not_block_the_other_thread() -> None:
    """Hundreds of exceptions from a signal handler inside `wait`, and every job still reports its end."""
    armed = False

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal armed
        if armed:
            armed = False  # at most one exception per wait, and none outside of it
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    interrupted, deadline = 0, time.monotonic() + 3
    try:
        while time.monotonic() < deadline and interrupted < 300:
            job = Job(lambda: time.sleep(0.001))
            thread = threading.Thread(target=job.run)
            thread.start()
            signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
            try:
                armed = True
                job.completion.wait()
                armed = False
            except KeyboardInterrupt:
                interrupted += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            thread.join(10)
            assert not thread.is_alive()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 20

"""Waits are shown on a terminal, and nowhere else."""

from __future__ import annotations

import io

import pytest

from qmath_cli.terminal.countdown import Countdown
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.progress import byte_progress


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only sleeping moves; returns what was slept."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr("time.monotonic", lambda: sum(slept))
    return slept


def test_a_wait_is_counted_down_on_a_terminal(clock: list[float]) -> None:
    """Second by second, on one line, which is empty at the end."""
    screen = _Screen()
    Countdown(Terminal(io.StringIO(), screen)).pause(3)
    shown = screen.getvalue().split("\r\x1b[K")
    assert shown == ["", "waiting: 3 s", "waiting: 2 s", "waiting: 1 s", ""]
    assert sum(clock) == 3


@pytest.mark.parametrize(("screen", "seconds"), [(io.StringIO(), 200.0), (_Screen(), 0.5)])
def test_elsewhere_and_for_an_instant_it_is_silent(clock: list[float], screen: io.StringIO, seconds: float) -> None:
    """The wait itself is the same."""
    Countdown(Terminal(io.StringIO(), screen)).pause(seconds)
    assert screen.getvalue() == ""
    assert clock == [seconds]


def test_within_a_progress_bar_the_bar_shows_it() -> None:
    """The bar owns the line."""
    screen = _Screen()
    terminal = Terminal(io.StringIO(), screen)
    countdown = Countdown(terminal)
    with byte_progress(terminal) as progress, countdown.within(progress):
        progress.update("converting", 1, 10)
        countdown.pause(2)
    assert "\r\x1b[Kwaiting" not in screen.getvalue()

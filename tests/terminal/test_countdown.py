"""Waits are shown on a terminal, and nowhere else."""

from __future__ import annotations

import io
import sys

import pytest

from qmath_cli.terminal.countdown import Countdown
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.progress import byte_progress
from tests.terminal.screen import TextScreen, terminal_stream

if sys.platform == "win32":
    pytest.skip("pseudo-terminals exist on POSIX only", allow_module_level=True)


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_wait_is_counted_down_on_a_terminal() -> None:
    """Second by second, on one line, which is empty at the end."""
    with terminal_stream() as (stream, seen):
        Countdown(Terminal(stream, stream)).pause(2)
    assert "waiting: 2 s" in seen.text
    assert "waiting: 1 s" in seen.text
    assert TextScreen().feed(seen.text).lines == []


def test_elsewhere_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait itself is the same."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    log = io.StringIO()
    Countdown(Terminal(io.StringIO(), log)).pause(200)
    assert log.getvalue() == ""
    assert slept == [200]


def test_within_a_progress_it_stands_beside_it() -> None:
    """One line for both."""
    with terminal_stream() as (stream, seen):
        terminal = Terminal(stream, stream)
        countdown = Countdown(terminal)
        with byte_progress(terminal) as progress, countdown.within(progress):
            progress.update("converting", 1, 10)
            countdown.pause(2)
    drawn = [text for text in seen.text.split("\r") if "waiting" in text]
    assert drawn
    assert all(text.startswith("converting") for text in drawn)

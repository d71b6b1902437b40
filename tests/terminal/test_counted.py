"""Progress in steps: a bar with what is left for people, one line for logs, nothing on stdout."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest

from qmath_cli.terminal.counted import CountedProgress, counted_progress
from qmath_cli.terminal.output import Terminal
from tests.terminal.screen import TextScreen, terminal_stream


def test_in_a_log_it_is_one_line() -> None:
    """However many steps there are."""
    terminal = Terminal(io.StringIO(), io.StringIO())
    with counted_progress(terminal, "reading", "chunks", "with demo") as progress:
        for done in range(1, 6):
            progress(done, 5)
    assert terminal.err.getvalue() == "reading with demo\n"  # type: ignore[attr-defined]
    assert terminal.out.getvalue() == ""  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals exist on POSIX only")
def test_on_a_terminal_it_is_the_status_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share, steps and the time that is left; nothing of it remains."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with (
        terminal_stream(80) as (err, seen),
        counted_progress(Terminal(io.StringIO(), err), "reading", "chunks", "with demo") as progress,
    ):
        for done in range(1, 7):
            progress(done, 12)
            time.sleep(0.1)
    line = next(text for text in seen.text.split("\r") if "/12" in text)
    assert re.match(r"reading  █+·+  \d+%  \d/12 chunks  \d+ s left  with demo", line)
    assert TextScreen(80).feed(seen.text).lines == []


def test_what_was_done_before_does_not_make_it_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """90 of 100 steps were there; the first new one took ten seconds, and so will each of the nine that are left."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    progress = CountedProgress("reading", "chunks")
    now[0] += 10
    progress(91, 100)
    assert progress.text().endswith("91/100 chunks  1 min 30 s left")

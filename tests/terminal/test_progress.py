"""Progress: a bar for people, one line per stage for logs, nothing on stdout."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest

from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.progress import byte_progress
from tests.terminal.screen import TextScreen, terminal_stream


def work(terminal: Terminal) -> None:
    """Two stages."""
    with byte_progress(terminal) as progress:
        for done in range(0, 101, 10):
            progress.update("converting", done, 100, "blk.0.attn_q.weight")
        for done in range(0, 51, 10):
            progress.update("verifying", done, 50)


def test_in_a_log_each_stage_is_one_line() -> None:
    """No control characters, no repetition."""
    terminal = Terminal(io.StringIO(), io.StringIO())
    work(terminal)
    assert terminal.err.getvalue() == "converting\nverifying\n"  # type: ignore[attr-defined]
    assert terminal.out.getvalue() == ""  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals exist on POSIX only")
def test_on_a_terminal_it_is_the_status_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr only; it shows the stage, the bytes, the speed and the tensor, and goes away."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    out = io.StringIO()
    with terminal_stream(120) as (err, seen), byte_progress(Terminal(out, err)) as progress:
        for done in range(1, 9):
            progress.update("converting", done << 20, 16 << 20, "blk.0.attn_q.weight")
            time.sleep(0.1)
    line = next(text for text in seen.text.split("\r") if "MiB/s" in text)
    assert re.match(r"converting  █+·+  \d+%  \d\.0/16\.0 MiB  [\d.]+ MiB/s  \d+ s left  blk\.0\.attn_q\.weight", line)
    assert TextScreen(120).feed(seen.text).lines == []
    assert out.getvalue() == ""

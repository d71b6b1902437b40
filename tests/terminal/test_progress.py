"""Progress: a bar for people, one line per stage for logs, nothing on stdout."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

import pytest

from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.progress import byte_progress


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


def everything(reader: int) -> str:
    """All buffered output of a pseudo-terminal, which returns at most 4 KB per read."""
    os.set_blocking(reader, False)
    found = b""
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(reader, 1 << 16):
            found += piece
    return found.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals exist on POSIX only")
def test_on_a_terminal_a_bar_is_drawn_and_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr only; it shows the stage, the bytes and the tensor."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    reader, writer = os.openpty()
    with os.fdopen(writer, "w") as err:
        out = io.StringIO()
        work(Terminal(out, err))
        err.flush()
        drawn = everything(reader)
    os.close(reader)
    assert "converting" in drawn
    assert "verifying" in drawn
    assert "blk.0.attn_q.weight" in drawn
    assert drawn.rstrip().endswith("\x1b[2K")  # the last line is cleared
    assert out.getvalue() == ""

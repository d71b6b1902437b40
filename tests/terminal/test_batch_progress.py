"""The line that a batch redraws on stderr."""

from __future__ import annotations

import io

import pytest

from qmath_cli.records import TextDelta
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.reports.batch import BatchProgress


class Screen(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_there_is_a_line_before_the_first_token_and_none_at_the_end() -> None:
    """It is drawn over."""
    screen = Screen()
    progress = BatchProgress(Terminal(io.StringIO(), screen), 3)
    assert "3 problems" in screen.getvalue()
    progress.end()
    assert screen.getvalue().endswith("\r\x1b[2K")
    progress.tick(TextDelta(0, "a"))
    assert "0/3 problems" in screen.getvalue()


@pytest.mark.parametrize(("stream", "shown"), [(Screen(), False), (io.StringIO(), True)])
def test_nothing_is_drawn_where_nobody_looks(stream: io.StringIO, shown: bool) -> None:
    """With `-q`, and on a pipe."""
    progress = BatchProgress(Terminal(io.StringIO(), stream), 3, shown=shown)
    progress.tick(TextDelta(0, "a"))
    progress.solved()
    progress.end()
    assert stream.getvalue() == ""

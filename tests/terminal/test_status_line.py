"""The status line: when it is drawn, and that nothing is left of it."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qmath_cli.terminal.output import Terminal
from tests.terminal.screen import TextScreen, terminal_stream

if sys.platform == "win32":
    pytest.skip("pseudo-terminals exist on POSIX only", allow_module_level=True)

TIMEOUT_S = 30.0
LONGER_THAN_THE_DELAY_S = 0.6


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.01)


def test_a_wait_is_shown_and_leaves_no_trace() -> None:
    """While the block lasts; the screen is empty afterwards, and the cursor is where it was."""
    with terminal_stream() as (stream, seen):
        terminal = Terminal(stream, stream)
        with terminal.status.during(lambda: "loading"):
            until(lambda: "loading" in seen.text)
    screen = TextScreen().feed(seen.text)
    assert screen.lines == []
    assert (screen.row, screen.column) == (0, 0)


def test_a_short_wait_is_not_shown() -> None:
    """Nothing flickers where everything is instant."""
    with terminal_stream() as (stream, seen), Terminal(stream, stream).status.during(lambda: "loading"):
        pass
    assert seen.text == ""


def test_it_is_gone_before_a_character_is_written() -> None:
    """At every moment of the output the screen holds the output only, on stdout and on stderr."""
    with terminal_stream() as (stream, seen):
        terminal = Terminal(stream, stream)
        with terminal.status.during(lambda: "4 samples · 230 tokens"):
            until(lambda: "samples" in seen.text)
            terminal.write("The ")
            until(lambda: "The " in seen.text)
            assert TextScreen().feed(seen.text).lines == ["The"]
            terminal.write("answer\n")
            until(lambda: seen.text.count("samples") > 1)
            terminal.note("a note")
            until(lambda: "a note" in seen.text)
            assert TextScreen().feed(seen.text).lines == ["The answer", "a note"]
    assert TextScreen().feed(seen.text).lines == ["The answer", "a note"]


def test_behind_unfinished_text_nothing_else_stands() -> None:
    """Text that comes slowly is no wait, and its line is not the place for figures."""
    with terminal_stream() as (stream, seen):
        terminal = Terminal(stream, stream)
        with terminal.status.during(lambda: "4 samples"):
            terminal.write("Now")
            time.sleep(LONGER_THAN_THE_DELAY_S)
    assert seen.text == "Now"


def test_behind_unfinished_text_it_is_one_sign() -> None:
    """At the end of the text, which is copied without it; the text goes on in its place."""
    with terminal_stream() as (stream, seen):
        terminal = Terminal(stream, stream)
        with terminal.status.during(lambda: "… 45 characters"):
            terminal.write("so x = ")
            until(lambda: "…" in seen.text)
            assert TextScreen().feed(seen.text).lines == ["so x = …"]
            terminal.write("1/2")
        until(lambda: "1/2" in seen.text)
    assert TextScreen().feed(seen.text).lines == ["so x = 1/2"]
    assert "characters" not in seen.text


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
@pytest.mark.parametrize("text", ["loading 17% · " + "very-" * 60 + "long.gguf", "读" * 150])
def test_it_never_wraps(columns: int, text: str) -> None:
    """It is cut to the width of the screen, and at its last column nothing is drawn."""
    with terminal_stream(columns) as (stream, seen), Terminal(stream, stream).status.during(lambda: text):
        until(lambda: text[:5] in seen.text)
    screen = TextScreen(columns).feed(seen.text)
    assert screen.wrapped == 0
    assert screen.lines == []


def test_at_the_right_edge_there_is_no_sign() -> None:
    """It would begin a line of its own."""
    with terminal_stream(20) as (stream, seen):
        terminal = Terminal(stream, stream)
        with terminal.status.during(lambda: "… 45 characters"):
            terminal.write("x" * 19)
            time.sleep(LONGER_THAN_THE_DELAY_S)
    assert seen.text == "x" * 19


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_terminal_that_cannot_draw_over_gets_nothing(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a pipe."""
    monkeypatch.setenv("TERM", term)
    with terminal_stream() as (stream, seen), Terminal(stream, stream).status.during(lambda: "loading"):
        time.sleep(LONGER_THAN_THE_DELAY_S)
    assert seen.text == ""


def test_an_unfinished_line_on_a_pipe_stops_it() -> None:
    """What reads the pipe writes to the same screen, nobody knows when."""
    with terminal_stream() as (stream, seen):
        terminal = Terminal(io.StringIO(), stream)
        with terminal.status.during(lambda: "… 45"):
            terminal.write("The answer")
            time.sleep(LONGER_THAN_THE_DELAY_S)
    assert seen.text == ""


def test_output_to_a_file_does_not_stop_it(tmp_path: Path) -> None:
    """It is not on the screen."""
    with (tmp_path / "out.txt").open("w") as out, terminal_stream() as (stream, seen):
        terminal = Terminal(out, stream)
        with terminal.status.during(lambda: "230 tokens"):
            terminal.write("The answer")
            until(lambda: "230 tokens" in seen.text)


def test_a_question_has_the_line_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply is typed behind it, however long that takes."""

    class Slow(io.StringIO):
        def readline(self, _size: int | None = -1, /) -> str:
            time.sleep(LONGER_THAN_THE_DELAY_S)
            return "y\n"

    monkeypatch.setattr(sys, "stdin", Slow())
    with terminal_stream() as (stream, seen):
        terminal = Terminal(stream, stream)
        with terminal.status.during(lambda: "running"):
            assert terminal.reply_to("run it? ") == "y"
            assert "running" not in seen.text.partition("run it? ")[2]
            until(lambda: "running" in seen.text.partition("run it? ")[2])


def test_a_wait_within_a_wait_has_the_line() -> None:
    """The outer one has it back afterwards."""
    with terminal_stream() as (stream, seen):
        status = Terminal(stream, stream).status
        with status.during(lambda: "outer"):
            with status.during(lambda: "inner"):
                until(lambda: "inner" in seen.text)
            until(lambda: "outer" in seen.text)


def test_an_exception_erases_it() -> None:
    """Ctrl-C, for example."""
    with terminal_stream() as (stream, seen):
        terminal = Terminal(stream, stream)
        with contextlib.suppress(KeyboardInterrupt), terminal.status.during(lambda: "loading"):
            until(lambda: "loading" in seen.text)
            raise KeyboardInterrupt
        terminal.error("interrupted")
    assert TextScreen().feed(seen.text).lines == ["error: interrupted"]

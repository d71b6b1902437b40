"""Waiting in front of a terminal: a slow model, real time, and a screen on which nothing of the waits remains."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import pytest

pexpect = pytest.importorskip("pexpect")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals exist on POSIX only", allow_module_level=True)

from qmath_cli.paths import find  # noqa: E402  after the skip
from qmath_cli.records import Chunk, Mode, Stop  # noqa: E402
from qmath_cli.runtime.tools import OpenTools  # noqa: E402
from qmath_cli.settings import Settings  # noqa: E402
from qmath_cli.solving.progress import Tools  # noqa: E402
from qmath_cli.solving.vote import same_text  # noqa: E402
from qmath_cli.terminal.output import Terminal  # noqa: E402
from qmath_cli.terminal.repl.background import BackgroundModel  # noqa: E402
from qmath_cli.terminal.repl.conversation import Conversation  # noqa: E402
from qmath_cli.terminal.repl.session import Session  # noqa: E402
from qmath_cli.terminal.style import style_for  # noqa: E402
from tests.e2e.watched import lines_of, wait_until  # noqa: E402
from tests.scripted import EchoExecutor, Script, ScriptedEngine  # noqa: E402
from tests.terminal.repl.conversations import MODEL  # noqa: E402
from tests.terminal.repl.terminal_session import end_of, spawned_slowly  # noqa: E402
from tests.terminal.screen import TextScreen, terminal_stream  # noqa: E402

PERCENT = "What is 12% of 450?"
FORMULA = "So x = \\[\\frac{12345678901234567890}{98765432109876543210}\\]\nDone: \\boxed{1}"


@dataclass
class SlowScriptedEngine(ScriptedEngine):
    """Takes some time for each step."""

    seconds: float = 0.0

    def step(self) -> tuple[Chunk, ...]:
        time.sleep(self.seconds)
        return super().step()


def script(text: str) -> Script:
    """One stretch that ends by itself."""
    return [(text, Stop.END)]


def shown(stream: TextIO, home: Path, texts: Sequence[str], seconds: float, *, load_s: float = 0.0) -> None:
    """What a session writes for one problem whose samples are these texts."""
    engine = SlowScriptedEngine([script(text) for text in texts], seconds=seconds)

    @contextmanager
    def open_(_settings: Settings) -> Iterator[OpenTools]:
        time.sleep(load_s)
        yield OpenTools(MODEL, Tools(engine, EchoExecutor(), same_text))

    terminal = Terminal(stream, stream)
    environ = {"TERM": "xterm", "LANG": "C.UTF-8"}
    settings = replace(Settings(mode=Mode.COT), k=len(texts), stop_at=0, history=False)
    session, paths = Session(settings), find({"QMATH_HOME": str(home)})
    conversation = Conversation(terminal, style_for(terminal, environ), session, BackgroundModel(open_), paths)
    conversation.ask("A problem.")


def screens(
    monkeypatch: pytest.MonkeyPatch, home: Path, columns: int, texts: Sequence[str], seconds: float, load_s: float = 0.0
) -> tuple[str, TextScreen, TextScreen]:
    """What a slow session wrote, its screen, and that of an instant one without a status line."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with terminal_stream(columns) as (stream, slow):
        shown(stream, home, texts, seconds, load_s=load_s)
    monkeypatch.setenv("TERM", "dumb")
    with terminal_stream(columns) as (stream, instant):
        shown(stream, home, texts, 0.0)
    return slow.text, TextScreen(columns).feed(slow.text), TextScreen(columns).feed(instant.text)


def without_notes(screen: TextScreen) -> list[str]:
    """The lines but for figures, which differ in their speed, and for the note that a dumb terminal gets instead."""
    return [line for line in screen.lines if not re.search("tok/s|^loading", line)]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_formula_that_is_being_written_is_a_sign(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, columns: int
) -> None:
    """At the end of the line that it follows; the final screen is that of an instant model."""
    text, slow, instant = screens(monkeypatch, tmp_path, columns, [FORMULA], 0.02)
    assert "So x =…" in text
    assert without_notes(slow) == without_notes(instant)
    assert "…" not in "".join(slow.lines)
    assert slow.wrapped == 0


@pytest.mark.parametrize("columns", [40, 80])
def test_several_samples_stream_and_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, columns: int) -> None:
    """The first one is written as it comes, and when it has ended, the others are counted until they do."""
    texts = ["First: \\boxed{1}\n", *(f"{'long ' * 12}{i}: \\boxed{{1}}" for i in range(3))]
    text, slow, instant = screens(monkeypatch, tmp_path, columns, texts, 0.02)
    assert text.index("First:") < text.index("samples ·")
    assert re.search(r"4 samples · \d+ tokens · \d", text)
    assert without_notes(slow) == without_notes(instant)
    assert "[4/4] 1 · vote: 1 (4)" in slow.lines
    assert slow.wrapped == 0


def test_a_load_that_a_problem_waits_for_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And gone when the text begins."""
    text, slow, instant = screens(monkeypatch, tmp_path, 80, ["Done: \\boxed{1}"], 0.0, load_s=0.8)
    assert "\rstarting" in text
    assert without_notes(slow) == without_notes(instant)


@pytest.mark.parametrize(
    ("what", "sign", "columns"), [("load", "starting", 40), ("prefill", "starting", 80), ("program", "running a", 200)]
)
def test_solve_says_what_it_waits_for(tmp_path: Path, what: str, sign: str, columns: int) -> None:
    """Loading, the first token, a program; each is gone when the next thing is written."""
    with spawned_slowly(tmp_path, what, "solve", PERCENT, columns=columns) as child:
        wait_until("it waits", lambda: lines_of(tmp_path / "started"))
        child.expect(f"\r{sign}")
        before = child.before + child.after
        if what == "program":
            child.sendcontrol("c")
        (tmp_path / "go").touch()
        end_of(child)
    screen = TextScreen(columns).feed(before + child.before)
    assert screen.lines
    assert not re.search(f"{sign}|reading", "\n".join(screen.lines))
    assert screen.wrapped == 0


@pytest.mark.parametrize("arguments", [["-q"], ["-q", "--json"]])
def test_quiet_is_quiet(tmp_path: Path, arguments: list[str]) -> None:
    """With `-q` a wait shows nothing."""
    with spawned_slowly(tmp_path, "load", "solve", PERCENT, *arguments) as child:
        wait_until("it waits", lambda: lines_of(tmp_path / "started"))
        assert child.expect([".", pexpect.TIMEOUT], timeout=1.0) == 1
        (tmp_path / "go").touch()
        end_of(child)
        assert "54" in child.before

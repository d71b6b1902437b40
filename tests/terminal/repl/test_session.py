"""What a session remembers, how a solution goes on, and the model that loads behind it: without a terminal."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.commands.solve import follow
from qmath_cli.errors import DataError, ModelMissing, UsageError
from qmath_cli.records import Finish, Mode, ModelFile, Sampling, Stop
from qmath_cli.settings import Settings
from qmath_cli.solving.solve import SolvePlan, Tools
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.repl import session as sessions
from qmath_cli.terminal.repl.background import BackgroundModel, Ready
from qmath_cli.terminal.repl.conversation import Conversation, Hooks
from qmath_cli.terminal.repl.reader import unfinished, unwrapped
from qmath_cli.terminal.repl.session import Session
from qmath_cli.terminal.repl.slash import COMMANDS, candidates, dispatch
from qmath_cli.terminal.style import Style
from tests.scripted import ScriptedEngine

MODEL = ModelFile("demo:q8_0", Path("demo.gguf"))


def talk(folder: Path, *scripts: str, **settings: object) -> tuple[Conversation, ScriptedEngine, io.StringIO]:
    """A talk whose model says the scripts, one problem after the other."""
    engine = ScriptedEngine([[(text, Stop.END)] for text in scripts])

    @contextmanager
    def open_(_settings: Settings) -> Iterator[Ready]:
        yield Ready(MODEL, Tools(engine), None, 0.0)

    out = io.StringIO()
    session = Session(replace(Settings(), mode=Mode.COT, **settings))  # type: ignore[arg-type]
    hooks = Hooks(
        open=open_,
        plan_for=lambda found: SolvePlan(found.mode, sampling=Sampling(seed=found.seed)),
        follow=follow,
        models=lambda: ("demo", "7b"),
        sessions=folder,
        history=folder / "history",
        note_for=lambda _ready: "",
    )
    return Conversation(Terminal(out, io.StringIO()), Style(), session, hooks), engine, out


def test_a_continued_solution_is_one_solution(tmp_path: Path) -> None:
    """The partial text goes into the prompt's assistant turn; what comes is appended; the answer is the new one."""
    found, engine, _ = talk(tmp_path, "First half, ", r"second half: \boxed{7}")
    found.ask("p")
    assert found.session.last.finish is Finish.NO_ANSWER
    found.go_on()
    assert engine.prompts[-1].text.endswith("assistant\nFirst half, ")
    assert found.session.picked().text == r"First half, second half: \boxed{7}"
    assert (found.session.last.answer, found.session.last.finish) == ("7", Finish.ANSWERED)
    assert len(found.session.solutions) == 1


def test_a_program_that_was_cut_off_is_written_anew(tmp_path: Path) -> None:
    """The partial ends before the open fence, so that the whole program is seen when it is closed."""
    found, engine, _ = talk(tmp_path, "We compute\n```python\nx = ", r"\boxed{7}")
    found.ask("p")
    found.go_on()
    assert engine.prompts[-1].text.endswith("We compute\n")


def test_following_puts_the_conversation_into_the_prompt(tmp_path: Path) -> None:
    """Off: each problem starts afresh. On: the earlier turns come first."""
    found, engine, _ = talk(tmp_path, r"\boxed{1}", r"\boxed{2}", r"\boxed{3}")
    found.ask("one")
    found.ask("two")
    assert "one" not in engine.prompts[1].text
    dispatch(found, "/follow on")
    found.ask("three")
    assert engine.prompts[2].text.index("one") < engine.prompts[2].text.index(r"\boxed{2}")


def test_a_retry_that_fails_keeps_the_old_solution(tmp_path: Path) -> None:
    """A model that has gone meanwhile costs nothing that was there."""
    found, _, _ = talk(tmp_path, r"\boxed{1}")
    found.ask("one")

    def gone(_settings: Settings) -> Ready:
        raise ModelMissing("gone")

    found.machine.ready = gone  # type: ignore[method-assign]
    with pytest.raises(ModelMissing):
        found.again(None)
    assert found.session.last.answer == "1"


def test_a_session_survives_the_disk(tmp_path: Path) -> None:
    """Saved and loaded, the solutions say the same."""
    found, _, _ = talk(tmp_path, r"Text \boxed{\frac{1}{2}}", "none")
    found.ask("one")
    found.ask("这是什么")
    before = [(s.problem, s.answer, s.finish, sessions.shown(s, Settings()).text) for s in found.session.solutions]
    dispatch(found, "/save kept")
    dispatch(found, "/clear")
    dispatch(found, "/load kept")
    after = [(s.problem, s.answer, s.finish, sessions.shown(s, Settings()).text) for s in found.session.solutions]
    assert after == before


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": "qmath.session/1", "solutions": [{}]}', "\x00"])
def test_a_damaged_session_is_refused(tmp_path: Path, text: str) -> None:
    """With the file's name, and nothing of it taken over."""
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(DataError, match=r"bad\.json"):
        sessions.load(tmp_path / "bad.json")


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc/passwd", "-", "x" * 100])
def test_a_session_name_is_no_path(tmp_path: Path, name: str) -> None:
    """Nothing is written outside the folder of sessions."""
    with pytest.raises(UsageError):
        sessions.path_of(tmp_path, name)


def test_loading_happens_beside_and_what_it_raises_comes_when_it_is_needed() -> None:
    """`prepare` returns at once; `ready` waits, raises, and the next attempt starts afresh."""
    go = threading.Event()
    attempts = []

    @contextmanager
    def open_(settings: Settings) -> Iterator[Ready]:
        attempts.append(settings.model)
        go.wait(10)
        if len(attempts) == 1:
            raise ModelMissing("not here")
        yield Ready(MODEL, Tools(ScriptedEngine([])), None, 0.0)

    machine = BackgroundModel(open_)
    machine.prepare(Settings())
    assert machine.waiting(Settings())
    go.set()
    with pytest.raises(ModelMissing):
        machine.ready(Settings())
    assert machine.ready(Settings()).model is MODEL
    assert machine.ready(replace(Settings(), seed=5, temperature=1.0, mode=Mode.COT)).model is MODEL
    assert len(attempts) == 2, "what the model does not depend on loads nothing"
    machine.ready(replace(Settings(), k=4))
    assert len(attempts) == 3
    machine.close()


def test_a_model_that_is_given_up_while_it_loads_is_closed() -> None:
    """Nothing stays open behind a session that has moved on."""
    go, closed = threading.Event(), threading.Event()

    @contextmanager
    def open_(_settings: Settings) -> Iterator[Ready]:
        go.wait(10)
        try:
            yield Ready(MODEL, Tools(ScriptedEngine([])), None, 0.0)
        finally:
            closed.set()

    machine = BackgroundModel(open_)
    machine.prepare(Settings())
    machine.close()
    go.set()
    assert closed.wait(10)


@given(st.text(max_size=30))
def test_any_message_ends_some_time(text: str) -> None:
    """Whatever is typed, closing the block or ending the line without a backslash ends the message."""
    closed = f'"""{text.replace(chr(34), "")}"""'
    assert not unfinished(closed)
    assert not unfinished(f"x{text}y")
    assert unwrapped(closed) == text.replace(chr(34), "").strip()


def test_a_double_backslash_is_no_continuation() -> None:
    """It ends a row of a matrix."""
    assert unfinished("a \\")
    assert not unfinished("a \\\\")


def test_completion_offers_what_fits(tmp_path: Path) -> None:
    """Commands, then what a command takes; nothing for a problem."""
    found, _, _ = talk(tmp_path)
    assert "/follow" in candidates(found, "/fo")
    assert candidates(found, "/model 7") == ["demo", "7b"]
    assert "temperature" in candidates(found, "/set te")
    assert candidates(found, "What is") == []
    assert all(candidates(found, f"/{name} ") is not None for name in COMMANDS)

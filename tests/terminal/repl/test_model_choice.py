"""Changing the model of a session: what is offered, and what is looked at first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.errors import DoesNotFit, QmathError
from qmath_cli.models import lockfile
from qmath_cli.models.memory import Memory
from qmath_cli.paths import find
from qmath_cli.records import Mode, ModelKind
from qmath_cli.settings import Settings
from qmath_cli.terminal.repl import model_choice
from qmath_cli.terminal.repl.slash import dispatch
from tests.terminal.repl.conversations import MODEL, scripted


def test_the_models_that_are_here_are_listed_with_a_star_before_the_one_in_use(tmp_path: Path) -> None:
    """Neither reward models nor those that would have to be pulled; how to get them is said."""
    found = scripted(tmp_path)
    dispatch(found.conversation, "/model")
    assert [line.split()[:2] for line in found.out.getvalue().splitlines()] == [
        ["*", "demo:q8_0"],
        ["demo:q4_k_m", "2.3"],
    ]
    assert "qmath pull" in found.err.getvalue()
    dispatch(found.conversation, "/model demo:q4_k_m")
    dispatch(found.conversation, "/model")
    assert "*  demo:q4_k_m" in found.out.getvalue()


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("/model nosuch", "known"),
        ("/model 7b-instruct", "qmath pull 7b-instruct"),
        ("/model demo-rm", "--pick rm"),
        ("/model text.gguf", ""),
        ("/model gone.gguf", ""),
        ("/set model nosuch", "known"),
    ],
)
def test_a_model_that_cannot_take_over_leaves_the_session_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, hint: str
) -> None:
    """A wrong name, one that is not here, one that solves nothing, a file that is no model: said at once."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.gguf").write_text("no model", encoding="utf-8")
    found = scripted(tmp_path, r"\boxed{1}")
    found.conversation.open_model()
    with pytest.raises(QmathError) as refusal:
        dispatch(found.conversation, command)
    assert hint in refusal.value.hint
    assert found.session.settings.model == ""
    assert not found.conversation.model.waiting(found.session.settings)
    found.conversation.ask("p")
    assert found.session.last.answer == "1"


def test_a_model_that_does_not_fit_is_refused_unless_that_was_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the present model takes counts as free, for it is closed first."""
    monkeypatch.setattr("qmath_cli.models.memory.memory", lambda: Memory(1 << 30, 50 << 20))
    settings, paths, lock = Settings(), find({"QMATH_HOME": str(tmp_path)}), lockfile.load()
    with pytest.raises(DoesNotFit):
        model_choice.checked("demo", settings, paths, lock)
    assert model_choice.checked("demo", settings, paths, lock, held=1 << 30).embedded
    assert model_choice.checked("demo", settings, paths, lock, force=True).embedded


def test_a_mode_that_the_model_lacks_is_named_with_the_command_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A base model runs no programs; without a mode of the user's own it takes over as it is."""

    def describe(*_args: Any) -> Any:
        return replace(MODEL, kind=ModelKind.BASE)

    monkeypatch.setattr(model_choice, "describe", describe)
    paths, lock = find({"QMATH_HOME": str(tmp_path)}), lockfile.load()
    with pytest.raises(QmathError) as refusal:
        model_choice.checked("7b", Settings(mode=Mode.TIR), paths, lock, force=True)
    assert refusal.value.hint == "/mode cot, then /model 7b again"
    assert model_choice.checked("7b", Settings(), paths, lock, force=True).kind is ModelKind.BASE


def test_tab_is_offered_the_models_that_are_here(tmp_path: Path) -> None:
    paths, lock = find({"QMATH_HOME": str(tmp_path)}), lockfile.load()
    assert model_choice.names(paths, lock) == ("demo", "demo:q8_0", "demo:q4_k_m")


def test_the_first_line_names_what_will_answer(tmp_path: Path) -> None:
    """Model, mode and language, and what to do."""
    paths, lock = find({"QMATH_HOME": str(tmp_path)}), lockfile.load()
    line = model_choice.opening(Settings(mode=Mode.COT), paths, lock)
    assert line == "qmath: demo:q8_0, mode cot, in the problem's language; type a problem, or /help"

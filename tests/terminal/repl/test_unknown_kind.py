"""A session with the demo, which is asked what it does not know; and the language of solutions."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.records import Language
from qmath_cli.terminal.repl import slash
from tests.terminal.repl import conversations
from tests.terminal.repl.conversations import MODEL, scripted


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted model counts as the embedded demo."""
    from dataclasses import replace

    monkeypatch.setattr(conversations, "MODEL", replace(MODEL, embedded=True))


@pytest.mark.usefixtures("demo")
def test_an_unknown_kind_gets_a_line_and_no_solution(tmp_path: Path) -> None:
    """The line names both ways out; the session has nothing to retry."""
    one = scripted(tmp_path, r"\boxed{1}")
    one.conversation.ask("hello")
    assert "does not know this kind of problem" in one.err.getvalue()
    assert "qmath pull 1.5b-instruct" in one.err.getvalue()
    assert "/set try_unknown on" in one.err.getvalue()
    assert (one.session.solved, one.out.getvalue(), one.engine.prompts) == ([], "", [])


@pytest.mark.usefixtures("demo")
def test_try_unknown_has_it_try(tmp_path: Path) -> None:
    """What was typed is asked as it is, by the model that is loaded already."""
    one = scripted(tmp_path, r"\boxed{1}")
    one.conversation.ask("hello")
    slash.dispatch(one.conversation, "/set try_unknown on")
    one.conversation.ask("hello")
    assert one.session.last.answer == "1"
    assert one.err.getvalue().count("loading") <= 1


@pytest.mark.usefixtures("demo")
def test_a_known_kind_is_asked_in_trained_words(tmp_path: Path) -> None:
    """The session keeps what was typed."""
    one = scripted(tmp_path, r"\boxed{6\sqrt{2}}")
    one.conversation.ask("sqrt(72)")
    assert "\nSimplify sqrt(72).<" in one.engine.prompts[0].text
    assert one.session.last.problem.text == "sqrt(72)"


def test_the_language_can_be_chosen(tmp_path: Path) -> None:
    """It is shown, it is in the next prompt, and the solution says so."""
    one = scripted(tmp_path, r"\boxed{1}")
    slash.dispatch(one.conversation, "/language zh")
    one.conversation.ask("What is 3 - 2?")
    assert one.out.getvalue().startswith("language = zh\n")
    assert "请用中文回答。" in one.engine.prompts[0].text
    assert one.session.last.problem.answer_language is Language.ZH

"""A solution is uncovered step by step, and nothing tells its answer before."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.errors import UsageError
from qmath_cli.records import Mode, Stop
from qmath_cli.terminal.repl import loop
from qmath_cli.terminal.repl.slash import dispatch
from tests.terminal.repl.conversations import Scripted, scripted

TEXT = "First, add.\n\nThen, multiply.\n\nSo it is \\(\\boxed{7}\\)."


def on(tmp_path: Path, *scripts: str, **settings: object) -> Scripted:
    """A session in which /reveal is on."""
    found = scripted(tmp_path, *scripts, **settings)
    dispatch(found.conversation, "/reveal on")
    taken(found)
    return found


def taken(found: Scripted) -> str:
    """What was printed since the last time, notes included."""
    text = found.out.getvalue() + found.err.getvalue()
    for stream in (found.out, found.err):
        stream.seek(0)
        stream.truncate()
    return text


def enter(found: Scripted) -> str:
    """What Enter at an empty prompt prints."""
    loop._execute(found.conversation, "")
    return taken(found)


def test_enter_shows_one_step_after_the_other(tmp_path: Path) -> None:
    """Nothing before, the answer with the last one, and then nothing any more."""
    found = on(tmp_path, TEXT)
    found.conversation.ask("p")
    first = taken(found)
    assert "solved in 3 steps" in first
    assert not any(word in first for word in ("add", "multiply", "7"))
    assert enter(found) == "First, add.\nstep 1 of 3; Enter shows the next\n"
    assert enter(found) == "Then, multiply.\nstep 2 of 3; Enter shows the next\n"
    assert enter(found) == "So it is \\(\\boxed{7}\\).\n7\n"
    assert enter(found) == ""


def test_a_hidden_answer_can_be_checked_and_is_not_told(tmp_path: Path) -> None:
    """It is told with the comparison once everything is shown."""
    found = on(tmp_path, TEXT)
    found.conversation.ask("p")
    taken(found)
    dispatch(found.conversation, "/check 8")
    assert taken(found) == "different: 8\n"
    dispatch(found.conversation, "/check 7")
    assert taken(found) == "equal: 7\n"
    for _ in range(3):
        enter(found)
    dispatch(found.conversation, "/check 8")
    assert taken(found) == "different: 7 and 8\n"


def test_several_samples_tell_nothing_either(tmp_path: Path) -> None:
    """Neither their answers nor their votes."""
    found = on(tmp_path, TEXT, TEXT, TEXT, k=3)
    found.conversation.ask("p")
    assert "7" not in taken(found)
    assert "First, add." in enter(found)
    enter(found)
    assert enter(found).endswith("7\n")


def test_the_output_of_a_program_is_a_step_of_its_own(tmp_path: Path) -> None:
    """It comes after the program, with what is said about it."""
    found = scripted(
        tmp_path, [("We compute.\n```python\nx = 1\n```\n", Stop.STRING), (r"So \boxed{1}.", Stop.END)], mode=Mode.TIR
    )
    dispatch(found.conversation, "/reveal on")
    found.conversation.ask("p")
    taken(found)
    first = enter(found)
    assert "x = 1" in first
    assert "output" not in first
    assert "```output" in enter(found)


def test_a_hint_is_the_first_step_and_no_more(tmp_path: Path) -> None:
    """Also of a problem that is given, where /reveal is off; Enter goes on from there."""
    found = scripted(tmp_path, TEXT)
    dispatch(found.conversation, "/hint p")
    shown = taken(found)
    assert "First, add." in shown
    assert not any(word in shown for word in ("multiply", "7"))
    dispatch(found.conversation, "/hint")
    assert taken(found) == "First, add.\n"
    assert "Then, multiply." in enter(found)


@pytest.mark.parametrize(
    "text",
    [r"It is \(\boxed{7}\).", "It is \\(\\boxed{7}\\).\n\nBecause of that.", "It is 7.", "It is 7.\n\nSo \\boxed{7}."],
)
def test_a_hint_never_has_the_answer(tmp_path: Path, text: str) -> None:
    """A solution that begins with it gives no hint; Enter shows it."""
    found = scripted(tmp_path, text)
    with pytest.raises(UsageError, match="the first step has the answer"):
        dispatch(found.conversation, "/hint p")
    assert "7" not in taken(found)
    assert "7" in enter(found)


def test_a_hint_of_a_solution_that_was_shown(tmp_path: Path) -> None:
    """Is its first step again; without a solution there is none."""
    found = scripted(tmp_path, TEXT)
    with pytest.raises(UsageError, match="no solution yet"):
        dispatch(found.conversation, "/hint")
    found.conversation.ask("p")
    taken(found)
    dispatch(found.conversation, "/hint")
    assert taken(found) == "First, add.\n"
    assert enter(found) == ""


def test_reveal_off_shows_the_rest_and_the_next_as_it_is_written(tmp_path: Path) -> None:
    found = on(tmp_path, TEXT, "Next: \\(\\boxed{9}\\).")
    found.conversation.ask("p")
    enter(found)
    dispatch(found.conversation, "/reveal off")
    rest = taken(found)
    assert "First" not in rest
    assert "multiply" in rest
    assert "reveal is off" in rest
    found.conversation.ask("q")
    assert "Next" in taken(found)


def test_a_hidden_solution_is_continued_where_it_was(tmp_path: Path) -> None:
    """What was shown of it is not shown again."""
    found = on(tmp_path, "One.\n\nTwo.\n\n", "Three is \\(\\boxed{3}\\).")
    found.conversation.ask("p")
    assert "Enter shows the first of 2 steps" in taken(found)
    assert "One." in enter(found)
    found.conversation.resume()
    taken(found)
    assert "Two." in enter(found)
    assert "Three" in enter(found)


@pytest.mark.parametrize("command", ["/clear", "/load 1"])
def test_nothing_stays_hidden_of_a_solution_that_is_gone(tmp_path: Path, command: str) -> None:
    found = on(tmp_path, TEXT)
    found.conversation.ask("p")
    dispatch(found.conversation, command)
    taken(found)
    assert enter(found) == ""


def test_reveal_takes_on_and_off(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="/reveal cannot be 'maybe'"):
        dispatch(scripted(tmp_path).conversation, "/reveal maybe")

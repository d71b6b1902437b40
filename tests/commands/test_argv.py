"""The command line before Typer sees it."""

from __future__ import annotations

import pytest
import typer

from qmath_cli import app
from qmath_cli.commands.argv import SESSION_SWITCHES, SESSION_VALUES, arrange
from qmath_cli.errors import UsageError

COMMANDS = {"solve", "repl", "list", "doctor"}


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (["x^2 = 4"], ["solve", "x^2 = 4"]),
        (["solve", "-x^2 = -4"], ["solve", "--", "-x^2 = -4"]),
        (["solve", "-m+1=2", "-k", "4"], ["solve", "-k", "4", "--", "-m+1=2"]),
        (["-x^2 = -4", "--json"], ["solve", "--json", "--", "-x^2 = -4"]),
        (["-m", "demo", "2+2"], ["solve", "-m", "demo", "2+2"]),
        (["-m", "demo"], ["repl", "-m", "demo"]),
        (["--model=demo", "--force", "-k", "4"], ["repl", "--model=demo", "--force", "-k", "4"]),
        (["-m", "demo", "--json"], ["solve", "-m", "demo", "--json"]),
        (["-m"], ["solve", "-m"]),
        (["list", "--json"], ["list", "--json"]),
        (["--version"], ["--version"]),
        (["2+2"], ["solve", "2+2"]),
        (["求根"], ["solve", "求根"]),
        (["solve", "--", "-x=1"], ["solve", "--", "-x=1"]),
    ],
)
def test_mathematics_is_not_an_option(given: list[str], seen: list[str]) -> None:
    """A problem that starts with a minus sign reaches `solve` whole."""
    assert arrange(given, COMMANDS, interactive=True) == seen


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (["check", "-3", "3"], ["check", "--", "-3", "3"]),
        (["check", "3", "-x", "--json"], ["check", "--json", "--", "3", "-x"]),
        (["check", "--grade", "official", "-1", "-1"], ["check", "--grade", "official", "--", "-1", "-1"]),
        (["check", "2", "3", "--json"], ["check", "2", "3", "--json"]),
        (["check", "--", "-3", "3"], ["check", "--", "-3", "3"]),
    ],
)
def test_a_negative_answer_is_not_an_option(given: list[str], seen: list[str]) -> None:
    """`check` takes both answers as they stand, in their order."""
    assert arrange(given, {*COMMANDS, "check"}, interactive=True) == seen


def test_nothing_is_a_repl_only_for_a_person() -> None:
    """On a pipe, `qmath` reads one problem."""
    assert arrange([], COMMANDS, interactive=True) == ["repl"]
    assert arrange([], COMMANDS, interactive=False) == ["solve"]


def test_without_a_terminal_options_alone_read_a_problem_from_a_pipe() -> None:
    assert arrange(["-m", "demo"], COMMANDS, interactive=False) == ["solve", "-m", "demo"]


def test_a_session_begins_with_every_option_that_repl_has() -> None:
    """The table that tells a problem from a session is the one of the command."""
    found = typer.main.get_command(app.program(["repl"]))
    options = found.commands["repl"].params  # type: ignore[attr-defined]
    values = {name for one in options if not one.is_flag for name in one.opts}
    switches = {name for one in options if one.is_flag for name in one.opts}
    assert (values, switches - {"-h", "--help"}) == (SESSION_VALUES, SESSION_SWITCHES)


@pytest.mark.parametrize("words", [["slove", "2+2"], ["docter"], ["sing", "a song"]])
def test_a_word_that_is_no_command_is_refused(words: list[str]) -> None:
    """A typing mistake does not start a model."""
    with pytest.raises(UsageError, match="no such command"):
        arrange(words, COMMANDS, interactive=True)

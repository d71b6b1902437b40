"""The table of commands agrees with the commands and the README."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

from qmath_cli.app import COMMANDS, run


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_s_summary_is_its_own_first_sentence(name: str) -> None:
    """The table has the first sentence of the command's own help."""
    command = importlib.import_module(f"qmath_cli.commands.{name}").command
    paragraph = " ".join((inspect.getdoc(command) or "").split("\n\n")[0].split())
    sentence = re.match(r".*?\.(?= |$)", paragraph)
    assert sentence is not None
    assert COMMANDS[name] == sentence[0]


def test_every_command_is_in_the_readme(root: Path) -> None:
    """The README mentions every command."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"qmath {name}" not in readme and name != "repl"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-k", "many"), "error: invalid value for '-k' / '--samples': a whole number is needed"),
        (("--temperature", "warm"), "error: invalid value for '--temperature': a number is needed"),
        (("-k", "99"), "error: invalid value for '-k' / '--samples': the value is at most 64"),
        (("-k", "0"), "error: invalid value for '-k' / '--samples': the value is at least 1"),
        (("--mode", "fast"), "error: invalid value for '--mode': 'fast' is not one of 'cot', 'tir'"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_plain_words(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not in those of a parser."""
    assert run(["solve", *arguments, "x"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == said


def test_two_sentences_of_a_hint_are_two(capsys: pytest.CaptureFixture[str]) -> None:
    """The list of commands ends before the advice on quotes begins."""
    assert run(["xyzzy", "bar"]) == 2
    assert "solve, verify. A problem goes in single quotes" in capsys.readouterr().err


def test_a_data_set_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    """In the list of those that are known."""
    assert run(["eval", "nosuch"]) != 0
    known = capsys.readouterr().err.partition("known: ")[2].split("\n")[0].split(", ")
    assert len(known) > 10
    assert len(known) == len(set(known))

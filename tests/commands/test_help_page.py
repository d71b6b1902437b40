"""What `--help` prints: options in groups, each with a text, spelled the same everywhere, nothing cut off."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer

from qmath_cli.app import COMMANDS, program, run

OURS = {"install_completion", "show_completion", "help"}


def commands() -> dict[str, Any]:
    """Every command with its parameters, as Typer builds them."""
    group: Any = typer.main.get_command(program(COMMANDS))
    return dict(group.commands)


def options() -> list[tuple[str, Any]]:
    return [
        (name, param)
        for name, command in commands().items()
        for param in command.params
        if param.param_type_name == "option" and param.name not in OURS
    ]


def test_every_option_and_argument_has_a_text() -> None:
    """And where it takes a value, a word for that value."""
    for name, command in commands().items():
        for param in command.params:
            assert param.help, f"{name} {param.name}"
            assert getattr(param, "is_flag", False) or param.metavar, f"{name} {param.name}"


def test_an_option_is_spelled_alike_everywhere() -> None:
    """One long name has one set of short names, in all commands, and takes the same kind of value."""
    spellings: dict[str, set[tuple[Any, ...]]] = {}
    for _name, param in options():
        spellings.setdefault(max(param.opts, key=len), set()).add((*sorted(param.opts), param.metavar))
    assert {long: found for long, found in spellings.items() if len({one[:-1] for one in found}) > 1} == {}


def page_of(name: str, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([*([name] if name else []), "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_a_page_fits_every_width(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines fit the window up to 100 columns, words and names of options are whole, and nothing of it is lost."""
    words = page_of(name, 100, monkeypatch, capsys).split()
    for columns in (40, 60, 80, 200):
        page = page_of(name, columns, monkeypatch, capsys)
        assert max(map(len, page.splitlines())) <= min(columns, 100)
        assert page.split() == words
    assert max(map(len, page.splitlines())) > 80 or len(page.splitlines()) < 20


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_a_page_is_whole_and_fits_80_columns(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No summary ends in dots, no line is longer than the terminal, no Python type or range is shown."""
    page = page_of(name, 80, monkeypatch, capsys)
    several = re.compile(r"\w+\.\.\.(?= {2}|\])|[\]}]\.\.\.|N,N,\.\.\.")  # MODEL..., [ARGS]...
    assert "..." not in several.sub("", page)
    assert all(len(line) <= 80 for line in page.splitlines())
    assert "<" not in page
    assert "x>=" not in page


def test_the_program_lists_every_command() -> None:
    """A command that is in no group would not be shown."""
    from qmath_cli.commands import help_page

    assert sorted(sum(help_page.COMMAND_GROUPS.values(), ())) == sorted(COMMANDS)

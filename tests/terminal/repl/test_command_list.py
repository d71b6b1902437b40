"""What `/help` shows."""

from __future__ import annotations

import pytest

from qmath_cli.terminal.repl.command_list import GROUPS, explained, found, overview
from qmath_cli.terminal.repl.slash import COMMANDS

DESCRIBED = {name: (command.usage, command.help) for name, command in COMMANDS.items()}
USAGES = {name: command.usage for name, command in COMMANDS.items()}


def test_every_command_is_in_one_group() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(COMMANDS)


@pytest.mark.parametrize(("width", "rows"), [(40, 32), (80, 24), (200, 24)])
def test_no_usage_is_broken_and_no_line_is_too_wide(width: int, rows: int) -> None:
    lines = overview(USAGES, width)
    assert len(lines) < rows
    for usage in USAGES.values():
        assert any(usage in line for line in lines)
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("word", "names"),
    [("retry", ["retry"]), ("Settings", list(GROUPS["settings"])), ("clipboard", ["copy"]), ("xyzzy", [])],
)
def test_a_word_finds_a_command_a_group_or_what_mentions_it(word: str, names: list[str]) -> None:
    assert found(word, DESCRIBED) == names


def test_explanations_stand_in_columns() -> None:
    assert explained([("/k [N]", "samples"), ("/raw", "source")], 80) == ["/k [N]  samples", "/raw    source"]


def test_in_a_narrow_window_an_explanation_stands_below() -> None:
    """And its words wrap."""
    wanted = ["/raw", "    the text as its", "    source"]
    assert explained([("/raw", "the text as its source")], 20) == wanted

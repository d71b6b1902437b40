"""The table of commands agrees with the commands and the README."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

from qmath_cli.app import COMMANDS


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

"""What a press of TAB in the shell offers, and what it imports for that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qmath_cli.app import completed_command
from qmath_cli.commands.model_names import complete_model, complete_pullable, complete_reward

OFFER = (
    "import sys\nfrom qmath_cli.app import run\ntry:\n    run([])\nfinally:\n    print(*sys.modules, file=sys.stderr)"
)
TIMEOUT_S = 60


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home in which nothing was pulled."""
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))


@pytest.mark.usefixtures("empty_home")
def test_a_command_that_runs_a_model_is_offered_those_that_are_here() -> None:
    """No reward model, and none that would have to be pulled first."""
    assert complete_model("") == ["demo", "demo:q8_0", "demo:q4_k_m"]
    assert complete_model("7b") == []
    assert complete_reward("") == ["demo-rm", "demo-rm:q8_0", "demo-prm", "demo-prm:q8_0"]


@pytest.mark.usefixtures("empty_home")
def test_pull_is_offered_what_is_not_here() -> None:
    """The models of the lock but for those in the package."""
    assert "7b-instruct" in complete_pullable("7B")
    assert "demo" not in complete_pullable("")


@pytest.mark.parametrize(
    ("environ", "command"),
    [
        ({"COMP_WORDS": "qmath solve -m "}, ["solve"]),
        ({"COMP_WORDS": "qmath so"}, []),
        ({"_TYPER_COMPLETE_ARGS": "qmath pull 7b"}, ["pull"]),
        ({"COMP_WORDS": "solve"}, []),
        ({}, []),
    ],
)
def test_the_line_names_the_command(environ: dict[str, str], command: list[str]) -> None:
    """In the variables of every shell; the program's own name is none."""
    assert completed_command(environ) == command


@pytest.mark.parametrize(
    ("line", "offered", "spared"),
    [
        (
            "qmath solve -m de",
            "demo",
            {"qmath_cli.runtime.tools", "qmath_cli.terminal.export", "qmath_cli.commands.eval"},
        ),
        ("qmath pull 72b-", "72b-instruct", {"qmath_cli.commands.solve", "qmath_cli.engine.batch"}),
        ("qmath re", "repl", {"qmath_cli.commands.repl", "qmath_cli.models.store"}),
    ],
)
def test_completion_imports_no_more_than_it_needs(tmp_path: Path, line: str, offered: str, spared: set[str]) -> None:
    """Neither other commands, nor what solves a problem."""
    completing = {"_QMATH_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    environ = {**os.environ, **completing, "QMATH_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", OFFER], env=environ, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert offered in done.stdout.split()
    assert not spared & set(done.stderr.split())

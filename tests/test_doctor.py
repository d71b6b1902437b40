"""`qmath doctor`: it finds what is wrong, says what helps, and never breaks on what it finds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.doctor import (
    CHECKS,
    CheckResult,
    Installation,
    Screen,
    Status,
    check_model,
    check_models,
    check_terminal,
)
from qmath_cli.doctor import examine as examined
from qmath_cli.models import store
from qmath_cli.paths import find
from qmath_cli.settings import Settings
from qmath_cli.terminal.reports.doctor import findings
from qmath_cli.terminal.style import Style

SCREEN = Screen(tty=True, encoding="utf-8", unicode=True, colour=True, columns=80)


def patient(home: Path, **settings: str) -> Installation:
    """An installation with a home of its own."""
    return Installation(replace(Settings(), **settings), find({"QMATH_HOME": str(home)}), SCREEN)


def doctor(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command."""
    return subprocess.run(
        [sys.executable, "-m", "qmath_cli", "doctor", *arguments],
        env={**os.environ, "QMATH_HOME": str(home), **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_sound_installation_has_no_problem(tmp_path: Path) -> None:
    """Every check reports, in order, and none is a problem."""
    results = list(examined(patient(tmp_path)))
    assert len(results) == len(CHECKS)
    assert [result for result in results if result.status is Status.PROBLEM] == []
    assert {"python", "llama cpp", "preflight", "devices", "memory", "executor", "terminal"} <= {
        result.name for result in results
    }


def test_a_model_that_is_not_here_is_a_problem_with_its_cure(tmp_path: Path) -> None:
    """`examine` turns what a room raises into a finding with the command that helps."""
    results = {result.name: result for result in examined(patient(tmp_path, model="7b-instruct"))}
    assert results["model"].status is Status.PROBLEM
    assert "qmath pull 7b-instruct" in results["model"].fix


def test_a_bare_installation_is_told_how_to_get_a_model(tmp_path: Path) -> None:
    """Only the demo: a warning, and the pull."""
    result = check_models(patient(tmp_path))
    assert (result.status, result.fix) == (Status.WARNING, "qmath pull 1.5b-instruct")
    assert check_model(patient(tmp_path)).status is Status.OK


def test_a_truncated_model_file_is_a_problem(tmp_path: Path) -> None:
    """Named by its path in the settings."""
    demo = store.locate("demo", find({"QMATH_HOME": str(tmp_path)})).path
    broken = tmp_path / "broken.gguf"
    shutil.copyfile(demo, broken)
    os.truncate(broken, demo.stat().st_size // 2)
    results = {result.name: result for result in examined(patient(tmp_path, model=str(broken)))}
    assert results["model"].status is Status.PROBLEM


@pytest.mark.parametrize(
    ("screen", "status", "word"),
    [
        (SCREEN, Status.OK, "80 columns"),
        (replace(SCREEN, tty=False), Status.OK, "not a terminal"),
        (replace(SCREEN, unicode=False), Status.WARNING, "ASCII"),
        (replace(SCREEN, columns=40), Status.WARNING, "broken"),
    ],
)
def test_the_terminal_is_judged_by_what_it_can_show(tmp_path: Path, screen: Screen, status: Status, word: str) -> None:
    """Width, alphabet, and whether it is one."""
    result = check_terminal(replace(patient(tmp_path), screen=screen))
    assert result.status is status
    assert word in result.detail


def test_findings_are_readable_without_colours() -> None:
    """A mark, a name, what was found, and the cure on a line of its own; no control characters."""
    shown = findings([CheckResult("disk", Status.WARNING, "low\x1b[2J", "rm x")], Style(drawn=True))
    assert shown.splitlines() == ["!  disk       low[2J", "              fix: rm x"]
    assert findings([CheckResult("disk", Status.PROBLEM, "x")], Style(unicode=False)).isascii()


def test_json_is_one_object_and_the_code_says_whether_all_is_well(tmp_path: Path) -> None:
    """0 for no problem, 1 for one."""
    done = doctor(tmp_path, "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)
    done = doctor(tmp_path, "--json", "--model", "7b-instruct")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (1, False)


def test_a_broken_config_file_is_a_finding(tmp_path: Path) -> None:
    """The one command that must work when the settings do not."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("k = many\n")
    done = doctor(tmp_path)
    assert done.returncode == 1
    assert "config.toml" in done.stdout
    assert "Traceback" not in done.stderr


def test_config_shows_every_setting_and_where_it_came_from(tmp_path: Path) -> None:
    """Default, file, environment and flag, each named."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("k = 4\nseed = 9\n")
    done = doctor(tmp_path, "--config", "--json", "--model", "demo", QMATH_SEED="11")
    found = {entry["name"]: (entry["value"], entry["source"]) for entry in json.loads(done.stdout)["settings"]}
    assert set(found) == set(Settings.__dataclass_fields__)
    assert found["k"] == (4, str(tmp_path / "config" / "config.toml"))
    assert found["seed"] == (11, "QMATH_SEED")
    assert found["model"] == ("demo", "flag")
    assert found["mode"] == ("tir", "default")
    assert "QMATH_SEED" in doctor(tmp_path, "--config", QMATH_SEED="11").stdout

"""`qmath doctor`: the checks, their report, and `--config`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.benchmark.tuning import store
from qmath_cli.doctor.installation import (
    CHECKS,
    Installation,
    Screen,
    check_model,
    check_models,
    check_network,
    check_speed,
    check_terminal,
)
from qmath_cli.doctor.installation import examine as examined
from qmath_cli.doctor.results import CheckResult, Status
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.paths import find
from qmath_cli.runtime import tuning
from qmath_cli.settings import Settings
from qmath_cli.terminal.reports.doctor import findings
from qmath_cli.terminal.style import Style
from tests.benchmark.tuning import scripted

SCREEN = Screen(tty=True, encoding="utf-8", unicode=True, colour=True, columns=80)


def installation(home: Path, **settings: str) -> Installation:
    """An installation without pulled models."""
    return Installation(replace(Settings(), **settings), find({"QMATH_HOME": str(home)}), lockfile.load(), SCREEN)


def doctor(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "qmath_cli", "doctor", *arguments],
        env={**os.environ, "QMATH_HOME": str(home), **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_sound_installation_has_no_problem(tmp_path: Path) -> None:
    """Every check has a result, and none is a problem."""
    results = list(examined(installation(tmp_path)))
    assert len(results) == len(CHECKS)
    assert [result for result in results if result.status is Status.PROBLEM] == []
    assert {"python", "llama cpp", "preflight", "devices", "memory", "executor", "terminal"} <= {
        result.name for result in results
    }


def test_a_missing_model_is_a_problem_with_a_fix(tmp_path: Path) -> None:
    """`examine` turns an error into a result whose fix is the hint."""
    results = {result.name: result for result in examined(installation(tmp_path, model="7b-instruct"))}
    assert results["model"].status is Status.PROBLEM
    assert "qmath pull 7b-instruct" in results["model"].fix


def test_an_installation_without_models_gets_a_warning(tmp_path: Path) -> None:
    """With the demo only, the fix is the command that pulls a model."""
    result = check_models(installation(tmp_path))
    assert (result.status, result.fix) == (Status.WARNING, "qmath pull 1.5b-instruct")
    assert check_model(installation(tmp_path)).status is Status.OK


def test_a_truncated_model_file_is_a_problem(tmp_path: Path) -> None:
    """The settings have its path."""
    demo = describe("demo", find({"QMATH_HOME": str(tmp_path)}), lockfile.load()).path
    broken = tmp_path / "broken.gguf"
    shutil.copyfile(demo, broken)
    os.truncate(broken, demo.stat().st_size // 2)
    results = {result.name: result for result in examined(installation(tmp_path, model=str(broken)))}
    assert results["model"].status is Status.PROBLEM


def test_the_speed_is_what_was_measured_or_the_command_that_measures(tmp_path: Path) -> None:
    """Nothing is measured by the check itself; a damaged file is as good as none."""
    here = installation(tmp_path)
    assert "qmath bench" in check_speed(here).detail
    assert not list(tmp_path.rglob("tuning"))
    key, folder = tuning.key_of(describe("", here.paths, here.lock), here.settings), tuning.folder(here.paths)
    store.write(key, scripted.tuning(scripted.AVX2), folder)
    assert "fastest 16 at once on 2 threads, 35.0 tokens/s; v(2) 1.60, v(4) 2.13" in check_speed(here).detail
    assert "other programs" not in check_speed(here).detail
    store.write(key, replace(scripted.tuning(scripted.AVX2), processor=0.3), folder)
    assert "other programs" in check_speed(here).detail
    key.file(folder).write_text("{", encoding="utf-8")
    assert "qmath bench" in check_speed(here).detail


@pytest.mark.parametrize(
    ("screen", "status", "word"),
    [
        (SCREEN, Status.OK, "80 columns"),
        (replace(SCREEN, tty=False), Status.OK, "not a terminal"),
        (replace(SCREEN, unicode=False), Status.WARNING, "ASCII"),
        (replace(SCREEN, columns=40), Status.WARNING, "broken"),
    ],
)
def test_the_terminal_s_result_depends_on_what_it_can_show(
    tmp_path: Path, screen: Screen, status: Status, word: str
) -> None:
    """A narrow terminal and one without Unicode give a warning."""
    result = check_terminal(replace(installation(tmp_path), screen=screen))
    assert result.status is status
    assert word in result.detail


def test_findings_are_readable_without_colours() -> None:
    """A result has a mark, its name and detail, and the fix on a second line; control characters are removed."""
    shown = findings([CheckResult("disk", Status.WARNING, "low\x1b[2J", "rm x")], Style(drawn=True))
    assert shown.splitlines() == ["!  disk        low[2J", "               fix: rm x"]
    assert findings([CheckResult("disk", Status.PROBLEM, "x")], Style(unicode=False)).isascii()


def test_json_is_one_object_and_a_problem_exits_with_1(tmp_path: Path) -> None:
    """`ok` and the exit code agree."""
    done = doctor(tmp_path, "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)
    done = doctor(tmp_path, "--json", "--model", "7b-instruct")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (1, False)


def test_a_broken_config_file_is_a_problem(tmp_path: Path) -> None:
    """The command works if the settings cannot be read."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("k = many\n")
    done = doctor(tmp_path)
    assert done.returncode == 1
    assert "config.toml" in done.stdout
    assert "Traceback" not in done.stderr


def test_config_shows_every_setting_and_where_it_came_from(tmp_path: Path) -> None:
    """The sources are: default, file, environment, flag."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("k = 4\nseed = 9\n")
    done = doctor(tmp_path, "--config", "--json", "--model", "demo", QMATH_SEED="11")
    found = {entry["name"]: (entry["value"], entry["source"]) for entry in json.loads(done.stdout)["settings"]}
    assert set(found) == set(Settings.__dataclass_fields__)
    assert found["k"] == (4, str(tmp_path / "config" / "config.toml"))
    assert found["seed"] == (11, "QMATH_SEED")
    assert found["model"] == ("demo", "flag")
    assert found["mode"] == (None, "default")
    assert "QMATH_SEED" in doctor(tmp_path, "--config", QMATH_SEED="11").stdout


def test_the_network_check_says_when_every_run_uses_servers(tmp_path: Path) -> None:
    """Whoever has QMATH_SERVER set does not compute here."""
    assert "except by" in check_network(installation(tmp_path)).detail
    for name in ("server", "reward_server"):
        assert "every run" in check_network(installation(tmp_path, **{name: "http://gpu-machine:8000"})).detail

"""What is started before the program is imported: for which command lines, and that nothing of it is left."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from qmath_cli.runtime import ahead, executors
from qmath_cli.runtime.ahead import Ahead
from qmath_cli.sandbox.limits import Limits
from qmath_cli.settings import Grade, Settings
from tests.bench.many_solves import levels


class Executor:
    """An executor that starts nothing."""

    def __init__(self, settings: Settings) -> None:
        self.limits: Limits = executors.limits_of(settings)
        self.allow_basic = settings.allow_basic_executor
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Executor]:
    """All executors that were opened."""
    made: list[Executor] = []

    def open_executor(settings: Settings) -> Executor:
        made.append(Executor(settings))
        return made[-1]

    monkeypatch.setattr(executors, "open_executor", open_executor)
    monkeypatch.setattr("qmath_cli.grading.grader.Grader.warm", lambda _self: None)
    return made


def home(tmp_path: Path, config: str = "") -> dict[str, str]:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text(config)
    return {"QMATH_HOME": str(tmp_path)}


@pytest.mark.parametrize(
    "line",
    [[], ["solve", "x = 1"], ["x = 1"], ["-x = 1"], ["-a", "x = 1"], ["repl"], ["-m", "demo"], ["求根"]],
    ids=str,
)
def test_an_executor_is_started_for_what_may_run_programs(
    opened: list[Executor], tmp_path: Path, line: list[str]
) -> None:
    """Before anybody knows which model it is and in which language the problem."""
    ahead.start(line, home(tmp_path))
    assert len(opened) == 1


@pytest.mark.parametrize(
    "line",
    [
        ["list"],
        ["--help"],
        ["-h"],
        ["solve", "x = 1", "--help"],
        ["solve", "x = 1", "--show-prompt"],
        ["x = 1", "--mode", "cot"],
        ["x = 1", "--mode=cot"],
        ["x = 1", "--exec-timeout", "1"],
        ["--allow-basic-executor", "x = 1"],
        ["check", "1", "1"],
        ["slove"],
    ],
    ids=str,
)
def test_none_is_started_for_what_runs_none(opened: list[Executor], tmp_path: Path, line: list[str]) -> None:
    """Or for what asks for one of its own."""
    ahead.start(line, home(tmp_path))
    assert opened == []


@pytest.mark.parametrize("config", ["mode = cot", "k = 'many'", "= ="])
def test_the_settings_decide_too(opened: list[Executor], tmp_path: Path, config: str) -> None:
    """Words only; and settings that are wrong, about which the command will complain."""
    ahead.start(["x = 1"], home(tmp_path, config))
    assert opened == []


def test_it_is_handed_out_once(opened: list[Executor], tmp_path: Path) -> None:
    """With the limits of the settings file; who comes later gets another one."""
    started = ahead.start(["x = 1"], home(tmp_path, "exec_timeout = 3.0"))
    settings = Settings(exec_timeout=3.0)
    assert started.executor(settings) is opened[0]
    assert started.executor(settings) is opened[1]
    started.close()
    assert [one.closed for one in opened] == [False, False]


@pytest.mark.parametrize("settings", [Settings(exec_timeout=3.0), Settings(allow_basic_executor=True)])
def test_one_with_other_limits_is_not_used(opened: list[Executor], tmp_path: Path, settings: Settings) -> None:
    """It is closed, and the right one opened."""
    assert ahead.start(["x = 1"], home(tmp_path)).executor(settings) is opened[1]
    assert [one.closed for one in opened] == [True, False]


def test_what_nobody_took_is_closed(opened: list[Executor], tmp_path: Path) -> None:
    """By whoever started it."""
    ahead.start(["x = 1"], home(tmp_path)).close()
    assert opened[0].closed


def test_a_grader_is_started_for_check_and_used_under_its_own_rules(opened: list[Executor]) -> None:
    """Other rules get another grader."""
    started = ahead.start(["check", "1", "1"], {})
    first = started._grader
    assert first is not None
    assert started.grader(Grade.STRICT) is first
    assert ahead.start(["check", "1", "1"], {}).grader(Grade.STRICT, exact=True).follows(Grade.STRICT, exact=True)
    assert ahead.start(["check", "1", "1", "--grade", "official"], {})._grader is None
    assert Ahead().grader(Grade.OFFICIAL).follows(Grade.OFFICIAL, exact=False)


@pytest.mark.skipif(sys.platform != "linux", reason="counts files and memory in /proc")
def test_solving_on_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory, files and threads after 24 problems are those after 12; `tests.bench.many_solves` solves a thousand."""
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    middle, end = levels(24, 12)
    assert end.memory < middle.memory + 4
    assert (end.files, end.threads) == (middle.files, middle.threads)

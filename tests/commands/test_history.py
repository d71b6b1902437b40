"""`qmath history`: what `solve` and the REPL keep is listed, found, shown, exported and removed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.app import run
from qmath_cli.commands.argv import arrange
from qmath_cli.history.store import History
from tests.e2e.run import answer_record, environment, qmath
from tests.history.solved import solved
from tests.terminal.schemas import validate

PERCENT = "What is 12% of 450?"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a problem was solved by `solve`, and two in a conversation of the REPL."""
    home = tmp_path_factory.mktemp("home")
    kept = environment(home, QMATH_HISTORY="on")
    assert qmath(home, "solve", PERCENT, "-q", "--json", env=kept).returncode == 0
    done = qmath(home, "repl", stdin=f"/follow on\n求方程 x^2 - 5x + 6 = 0 的根。\n{PERCENT}\n", env=kept)
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """Three problems in the history of this process."""
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    history = History(tmp_path / "data" / "history.sqlite")
    for name in ("alpha", "beta $x^2$", "gamma\tx\ny"):
        history.keep(solved(name, r"Text \(\frac{1}{2}\)."))
    return history


def test_solve_and_the_repl_keep_their_problems(home: Path) -> None:
    """With their answers, whatever the output was."""
    record = answer_record(qmath(home, "history", "--json"))
    validate(record)
    assert [(one["number"], one["answer"]) for one in record["problems"]][:2] == [(1, "54"), (2, "2, 3")]
    assert [one["problem"] for one in record["problems"]][::2] == [PERCENT, PERCENT]
    assert [one["language"] for one in record["problems"]] == ["en", "zh", "en"]


def test_a_shown_problem_is_what_solve_printed(home: Path) -> None:
    """As text with the answer in its last line, and as the same JSON object."""
    assert qmath(home, "history", "show", "1").stdout.splitlines()[-1] == "54"
    record = answer_record(qmath(home, "history", "show", "1", "--json"))
    validate(record)
    assert record["problem"] == PERCENT
    assert record["timing"]["total_s"] > 0
    assert record["model"]["name"] == "demo:q8_0"


def test_a_chinese_word_is_found(home: Path) -> None:
    """Of two characters, inside a sentence."""
    record = answer_record(qmath(home, "history", "search", "方程", "--json"))
    assert [one["number"] for one in record["problems"]] == [2]


def test_an_exported_conversation_has_all_its_problems(home: Path, tmp_path: Path) -> None:
    """A problem that followed others stands after them; each stands there once."""
    path = tmp_path / "set.md"
    done = qmath(home, "history", "export", "3", "1-2", str(path))
    assert done.returncode == 0
    assert f"wrote {path}" in done.stderr
    text = path.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("# ")] == ["# 题目 1", "# Problem 2", "# Problem 3"]


@pytest.mark.parametrize("arguments", [["--no-history"], ["-a", "--no-history"]])
def test_nothing_is_kept_where_that_is_said(home: Path, tmp_path: Path, arguments: list[str]) -> None:
    """By an option; the data folder is not even made."""
    on = environment(tmp_path, QMATH_HISTORY="on")
    assert qmath(tmp_path, "solve", PERCENT, *arguments, env=on).returncode == 0
    assert not (tmp_path / "data").exists()


def test_nothing_is_kept_where_the_config_says_so(tmp_path: Path) -> None:
    """As it is written in the README."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("history = off\n", encoding="utf-8")
    own = {name: value for name, value in environment(tmp_path).items() if name != "QMATH_HISTORY"}
    assert qmath(tmp_path, "solve", PERCENT, env=own).returncode == 0
    assert qmath(tmp_path, "repl", stdin=PERCENT, env=own).returncode == 0
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("quiet", [False, True])
def test_a_history_that_cannot_be_written_costs_one_line(tmp_path: Path, quiet: bool) -> None:
    """And the problem is solved; with -q, not even that."""
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    done = qmath(tmp_path, "solve", PERCENT, *["-q"] * quiet, env=environment(tmp_path, QMATH_HISTORY="on"))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "54")
    assert done.stderr.count("the history is not kept") == (0 if quiet else 1)
    done = qmath(tmp_path, "repl", stdin=f"{PERCENT}\n{PERCENT}\n", env=environment(tmp_path, QMATH_HISTORY="on"))
    assert done.stderr.count("the history is not kept") == 1


# ---------------------------------------------------------------- in this process


def test_a_pipe_gets_cells_between_tabs(kept: History, capsys: pytest.CaptureFixture[str]) -> None:
    """One line per problem, whatever is in its text; all of them, or as many as are asked for."""
    assert run(["history"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert [row[2] for row in rows] == ["alpha", "beta $x^2$", "gamma x y"]
    assert {len(row) for row in rows} == {6}
    assert run(["history", "--limit", "2"]) == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == ["2", "3"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sho"], "did you mean show?"),
        (["show"], "needs one number"),
        (["show", "one"], "needs one number"),
        (["show", "1", "2"], "needs one number"),
        (["show", "9"], "no problem 9"),
        (["show", "٣"], "needs one number"),
        (["search"], "needs a text"),
        (["search", " "], "needs a text"),
        (["list", "3"], "takes no argument"),
        (["clear", "3"], "takes no argument"),
        (["export", "1"], "needs numbers and a file"),
        (["export", "x.md"], "needs numbers and a file"),
        (["export", "one", "x.md"], "neither a number nor a range"),
        (["export", "3-1", "x.md"], "is no range"),
        (["export", "1-999999999", "x.md"], "is no range"),
        (["export", "1-9", "x.md"], "no problem 4"),
        (["export", "1", "x.docx"], "cannot export"),
        (["clear"], "--yes removes them"),
    ],
)
def test_a_mistake_is_a_usage_error(
    kept: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: list[str], message: str,
) -> None:  # fmt: skip
    """With its hint; nothing is written or removed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", None)
    assert run(["history", *words]) == 2
    assert message in capsys.readouterr().err
    assert len(kept.newest()) == 3
    assert not list(tmp_path.glob("x.*"))


def test_a_file_that_exists_is_replaced_only_where_that_is_said(kept: History, tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text("mine", encoding="utf-8")
    assert run(["history", "export", "1", str(path)]) == 2
    assert path.read_text(encoding="utf-8") == "mine"
    assert run(["history", "export", "1", str(path), "--overwrite"]) == 0
    assert "alpha" in path.read_text(encoding="utf-8")


def test_clear_removes_problems_and_what_was_typed(
    kept: History, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of messages keeps its mode."""
    typed = tmp_path / "state" / "history"
    typed.parent.mkdir()
    typed.write_text("+alpha", encoding="utf-8")
    typed.chmod(0o600)
    assert run(["history", "clear", "--yes"]) == 0
    assert "removed 3 problem(s)" in capsys.readouterr().err
    assert (kept.newest(), typed.read_bytes(), typed.stat().st_mode & 0o777) == ([], b"", 0o600)


def test_an_empty_history_is_said_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 0, and nothing is created."""
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    for words in ([], ["search", "x"], ["clear", "-y"]):
        assert run(["history", *words]) == 0
    printed = capsys.readouterr()
    assert (printed.out, list(tmp_path.iterdir())) == ("", [])
    assert "nothing found" in printed.err


@pytest.mark.parametrize(
    ("given", "arranged"),
    [
        (["-x^2"], ["--", "-x^2"]),
        (["-5"], ["--", "-5"]),
        (["a", "-5x", "--json"], ["a", "--json", "--", "-5x"]),
        (["a", "--limit", "3"], ["a", "--limit", "3"]),
        (["--", "-y"], ["--", "-y"]),
    ],
)
def test_a_searched_word_may_start_with_a_minus_sign(given: list[str], arranged: list[str]) -> None:
    """Options of the command stay options."""
    assert arrange(["history", "search", *given], ["history"], interactive=False) == ["history", "search", *arranged]


def test_tests_keep_nothing_by_themselves() -> None:
    """What a test starts inherits it, unless it chooses its own environment."""
    assert os.environ["QMATH_HISTORY"] == "off"


def test_a_damaged_history_is_an_integrity_error(
    kept: History, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Exit code 7, as an object where that is asked for."""
    kept.path.write_bytes(b"not a database" * 1000)
    assert run(["history", "--json"]) == 7
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    validate(record)
    assert "history.sqlite is damaged" in record["error"]["message"]

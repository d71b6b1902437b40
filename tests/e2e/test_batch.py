"""`qmath batch` as a user's shell runs it: kills, signals, exit codes, and where results go."""

from __future__ import annotations

import csv
import io
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.commands.batch import exit_code
from qmath_cli.evaluation.datasets import EMBEDDED
from qmath_cli.history.store import History
from qmath_cli.paths import find
from qmath_cli.problem_set.result_file import ResultOutcome
from qmath_cli.records import Finish
from tests.e2e.run import COMMAND, environment, qmath
from tests.e2e.watched import lines_of, nothing_is_left, started

if sys.platform == "win32":
    pytest.skip("signals as POSIX has them", allow_module_level=True)

TWO = "Compute 3/4 + 5/6\nWhat is 12% of 450?\n"
PROBLEMS = 500  # so many of the demo's held-out problems


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all tests, so that the preflight runs once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def own(home: Path, tmp_path: Path) -> Path:
    """A home of its own, whose processes and temporary files are those of one run."""
    assert qmath(home, "solve", "-a", "What is 1+1?").returncode == 0
    path = tmp_path / "home"
    path.mkdir()
    (path / "cache").symlink_to(home / "cache")
    return path


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file with problems that take some seconds together."""
    path = tmp_path / "many.jsonl"
    path.write_bytes(b"\n".join(EMBEDDED.read_bytes().splitlines()[:PROBLEMS]))
    return path


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A file with two problems."""
    path = tmp_path / "two.txt"
    path.write_text(TWO)
    return path


def results_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# ---------------------------------------------------------------- kills and signals


def test_three_kills_cost_nothing_and_repeat_nothing(home: Path, many: Path, tmp_path: Path) -> None:
    """Every problem has one result, in the order of the problems; a second process is refused meanwhile."""
    out = tmp_path / "answers.csv"
    for kept in (50, 150, 300):
        with started(home, [*COMMAND, "batch", str(many), "-o", str(out)]) as run:
            run.wait_for_lines(out, kept)
            if kept == 50:
                second = qmath(home, "batch", str(many), "-o", str(out))
                assert second.returncode == 2
                assert "another process" in second.stderr
            run.signal(signal.SIGKILL)
        assert lines_of(out) >= kept
    last = qmath(home, "batch", str(many), "-o", str(out))
    assert last.returncode in {0, 3, 4}, last.stderr
    with out.open(encoding="utf-8", newline="") as file:
        assert [int(row["id"]) for row in csv.DictReader(file)] == list(range(1, PROBLEMS + 1))


@pytest.mark.parametrize(("what", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"])
def test_a_signal_keeps_what_is_finished(
    own: Path, many: Path, tmp_path: Path, what: signal.Signals, code: int
) -> None:
    """The sheet has it, no process is left, and the same command goes on with the rest."""
    out, kept = tmp_path / "sheet.html", tmp_path / "sheet.html.jsonl"
    with started(own, [*COMMAND, "batch", str(many), "-o", str(out)]) as run:
        run.wait_for_lines(kept, 20)
        run.signal(what)
        ended = run.end()
        assert ended.code == code
        assert "Traceback" not in ended.err
        nothing_is_left(own)
    found = results_of(kept)
    assert out.read_text().count("<section") == len(found) < PROBLEMS
    assert {result["finish_reason"] for result in found} == {"answered"}
    again = qmath(own, "batch", str(many), "-o", str(out))
    assert f"{len(found)} of them are in" in again.stderr
    assert out.read_text().count("<section") == PROBLEMS


def test_a_finished_batch_is_not_computed_again(home: Path, two: Path, tmp_path: Path) -> None:
    """Its exit code is the same, and no model is loaded."""
    out = tmp_path / "a.jsonl"
    assert qmath(home, "batch", str(two), "-o", str(out)).returncode == 0
    before = out.read_bytes()
    again = qmath(home, "batch", str(two), "-o", str(out))
    assert again.returncode == 0
    assert "demo model" not in again.stderr
    assert out.read_bytes() == before


def test_problems_are_kept_in_the_history(own: Path, two: Path) -> None:
    """Each with its solution; with `--no-history` none is."""
    history = History(find({"QMATH_HOME": str(own)}).history)
    before = len(history.newest())
    on = environment(own, QMATH_HISTORY="on")
    qmath(own, "batch", str(two), "--no-history", env=on)
    assert len(history.newest()) == before
    qmath(own, "batch", str(two), env=on)
    kept = {one.problem: one.answer for one in history.newest(2)}
    assert kept == {"Compute 3/4 + 5/6": r"\frac{19}{12}", "What is 12% of 450?": "54"}


def test_a_time_limit_is_each_problems_own(home: Path, two: Path) -> None:
    """Its result says so, and so does the exit code."""
    done = qmath(home, "batch", str(two), "-k", "64", "--stop-at", "off", "--timeout", "0.1")
    assert done.returncode == 124
    assert {json.loads(line)["finish_reason"] for line in done.stdout.splitlines()} == {"timeout"}


# ---------------------------------------------------------------- in and out


def test_results_come_in_each_format(home: Path, two: Path, tmp_path: Path) -> None:
    """The answer as LaTeX and as plain characters, and in a sheet as mathematics."""
    done = qmath(home, "batch", str(two))
    first = min(map(json.loads, done.stdout.splitlines()), key=lambda result: result["id"])
    assert (first["answer"], first["plain"]) == (r"\frac{19}{12}", "19/12")
    rows = list(csv.DictReader(io.StringIO(qmath(home, "batch", "-", "--format", "csv", stdin=TWO).stdout)))
    assert sorted(row["plain"] for row in rows) == ["19/12", "54"]
    assert qmath(home, "batch", str(two), "-o", str(tmp_path / "s.html"), "-q").stderr == ""
    assert "<mfrac><mn>19</mn><mn>12</mn></mfrac>" in (tmp_path / "s.html").read_text()


def test_it_is_said_how_a_file_was_read(home: Path, two: Path) -> None:
    """On stderr, with the count."""
    assert "2 problems, one a line" in qmath(home, "batch", str(two)).stderr
    assert "1 problem, in blocks" in qmath(home, "batch", str(two), "--split", "blocks", "--max-tokens", "1").stderr


def test_expected_answers_are_compared(home: Path) -> None:
    """An answer that differs gives exit code 4, one that is equal in another form does not."""
    rows = "problem,answer\nCompute 3/4 + 5/6,{}\n"
    assert qmath(home, "batch", "-", stdin=rows.format("38/24")).returncode == 0
    assert qmath(home, "batch", "-", stdin=rows.format("1")).returncode == 4


def test_a_file_in_another_encoding_is_read(home: Path, tmp_path: Path) -> None:
    """As a problem of its own is, with a warning where it was guessed."""
    path = tmp_path / "zh.txt"
    path.write_bytes("求方程 x^2 - 5x + 6 = 0 的根。\n计算 7 + 5 的值\n".encode("gb18030"))
    done = qmath(home, "batch", str(path))
    assert "GB18030" in done.stderr
    assert {json.loads(line)["language"] for line in done.stdout.splitlines()} == {"zh"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{two}", "-o", "{two}"], "file of the problems"),
        (["{two}", "-o", "{two}", "--format", "csv", "--overwrite"], "file of the problems"),
        (["{two}", "-o", "{home}/a.docx"], "no format of results"),
        (["{two}", "-o", "{home}/none/a.csv"], "no folder"),
        (["{two}", "-o", "{home}", "--format", "csv"], "is no file"),
        (["{two}", "--format", "html"], "needs a file"),
        (["{two}", "--split", "lines", "--input", "csv"], "--split is for plain text"),
        (["{home}/none.txt"], "cannot read"),
        (["/dev/null"], "no problems"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_loaded(
    home: Path, two: Path, arguments: list[str], message: str
) -> None:
    """As a usage error, and the problems stay as they are."""
    done = qmath(home, "batch", *(one.format(two=two, home=home) for one in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert two.read_text() == TWO


def test_rows_that_are_no_problems_are_refused_or_skipped(home: Path) -> None:
    """As the user wants it."""
    rows = '{"problem": "What is 1+1?"}\n{"other": 1}\n'
    assert "line 2" in qmath(home, "batch", "-", stdin=rows).stderr
    skipped = qmath(home, "batch", "-", "--skip-bad", stdin=rows)
    assert skipped.returncode == 0
    assert "skipped" in skipped.stderr


@pytest.mark.parametrize(
    ("outcomes", "complete", "code"),
    [
        ([ResultOutcome(Finish.ANSWERED, answered=True, expected=False, equal=None)], True, 0),
        ([ResultOutcome(Finish.ANSWERED, answered=True, expected=True, equal=True)], True, 0),
        ([ResultOutcome(Finish.TIMEOUT, answered=False, expected=False, equal=None)], True, 124),
        ([ResultOutcome(Finish.ANSWERED, answered=True, expected=True, equal=None)], True, 3),
        ([ResultOutcome(Finish.OUT_OF_TOKENS, answered=False, expected=True, equal=False)], True, 3),
        ([ResultOutcome(Finish.ANSWERED, answered=True, expected=True, equal=False)], True, 4),
        ([ResultOutcome(Finish.ANSWERED, answered=True, expected=True, equal=False)], False, 130),
    ],
)
def test_the_exit_code_is_that_of_the_worst(outcomes: list[ResultOutcome], complete: bool, code: int) -> None:
    """Among any number of good ones, and of milder faults."""
    good = ResultOutcome(Finish.ANSWERED, answered=True, expected=False, equal=None)
    late = ResultOutcome(Finish.TIMEOUT, answered=False, expected=False, equal=None)
    assert exit_code([good, *outcomes, good], complete=complete) == code
    assert exit_code([late, *outcomes], complete=complete) == (code or 124)


# ---------------------------------------------------------------- solve


def test_solve_says_where_a_file_looks_like_many_problems(home: Path, two: Path) -> None:
    """From a file and from a pipe, not from arguments, and not with `-q`."""
    assert f"looks like 2 problems (one a line) and is solved as one; `qmath batch {two}`" in solved(
        home, "-f", str(two)
    )
    assert "`qmath batch -`" in solved(home, "-", stdin=TWO)
    assert "batch" not in solved(home, "-q", "-f", str(two))
    assert "batch" not in solved(home, *TWO.splitlines())


def solved(home: Path, *arguments: str, stdin: str | None = None) -> str:
    """What `solve` writes to stderr, without solving."""
    return qmath(home, "solve", "--show-prompt", *arguments, stdin=stdin).stderr


@pytest.mark.parametrize(("environ", "answer"), [("C.UTF-8", "10√35"), ("C", "10 sqrt(35)")])
def test_plain_answers_have_no_latex(home: Path, monkeypatch: pytest.MonkeyPatch, environ: str, answer: str) -> None:
    """One line, in what the locale can show; JSON has LaTeX, and both together are refused."""
    monkeypatch.setenv("LC_ALL", environ)
    problem = "What is sqrt(3500) in simplest form?"
    assert qmath(home, "solve", "--plain", problem).stdout == f"{answer}\n"
    assert qmath(home, "solve", "--plain", "--json", problem).returncode == 2


def test_problems_of_unknown_kinds_are_results_without_an_answer(home: Path, tmp_path: Path) -> None:
    """The others are solved, the summary counts them, and the exit code is that of no answer."""
    file, out = tmp_path / "some.txt", tmp_path / "out.jsonl"
    file.write_text(f"hello\n{TWO}", encoding="utf-8")
    done = qmath(home, "batch", str(file), "-o", str(out))
    assert done.returncode == 3
    finished = [json.loads(line)["finish_reason"] for line in out.read_text(encoding="utf-8").splitlines()]
    assert sorted(finished) == ["answered", "answered", "unknown_kind"]
    assert "1 of a kind that the demo does not know (--force tries anyway)" in done.stderr

"""The main job with the embedded demo model: a problem in, a computed answer out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qmath_cli.grading.grader import Grader
from qmath_cli.records import Mark
from qmath_cli.settings import Grade
from tests.e2e.run import answer_record, qmath

ROOTS = "Find the roots of x^2 - 5x + 6 = 0."


@pytest.mark.parametrize("problem", [ROOTS, "求方程 x^2 - 5x + 6 = 0 的根。"])
def test_a_program_computes_the_answer(tmp_path: Path, problem: str) -> None:
    """In both languages: the right answer, at least one program, and its output."""
    done = qmath(tmp_path, "solve", problem, "--json")
    assert done.returncode == 0, done.stderr
    record = answer_record(done)
    with Grader(Grade.STRICT) as grader:
        assert grader(record["answer"], r"\{2, 3\}").mark is Mark.CORRECT
    assert (record["schema"], record["finish_reason"], record["mode"]) == ("qmath.solve/1", "answered", "tir")
    programs = record["samples"][0]["programs"]
    assert programs
    assert programs[0]["status"] == "ok"
    assert "2" in programs[0]["output"]


def test_cot_runs_no_program(tmp_path: Path) -> None:
    """`--mode cot` answers in words."""
    record = answer_record(qmath(tmp_path, "solve", "What is 17 + 25?", "--mode", "cot", "--json"))
    assert record["mode"] == "cot"
    assert record["samples"][0]["programs"] == []


def test_a_pipe_gets_the_answer_as_its_last_line(tmp_path: Path) -> None:
    """The answer ends stdout; the note about the demo is on stderr."""
    done = qmath(tmp_path, ROOTS)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "2, 3"
    assert "demo model" in done.stderr
    assert "demo model" not in done.stdout


def test_only_the_answer(tmp_path: Path) -> None:
    """`-a` prints one line."""
    assert qmath(tmp_path, "solve", ROOTS, "-a").stdout == "2, 3\n"


def test_a_problem_comes_from_stdin_or_a_file(tmp_path: Path) -> None:
    """All give the same answer."""
    file = tmp_path / "problem.txt"
    file.write_text(ROOTS + "\n", encoding="utf-8")
    assert qmath(tmp_path, "solve", "-a", "-f", str(file)).stdout == "2, 3\n"
    assert qmath(tmp_path, "solve", "-a", stdin=ROOTS).stdout == "2, 3\n"
    assert qmath(tmp_path, "solve", "-a", "-", stdin=ROOTS).stdout == "2, 3\n"


@pytest.mark.parametrize(("expected", "code"), [("3, 2", 0), (r"\{2,3\}", 0), ("2, 4", 4)])
def test_the_expected_answer_decides_the_exit_code(tmp_path: Path, expected: str, code: int) -> None:
    """0 where it is equal, 4 where it is not."""
    assert qmath(tmp_path, "solve", ROOTS, "--expect", expected).returncode == code


def test_the_same_seed_gives_the_same_samples(tmp_path: Path) -> None:
    """Eight sampled texts, twice."""
    arguments = ("solve", "What is 12% of 450?", "-k", "8", "--stop-at", "off", "--seed", "5", "--json")
    first, second = (answer_record(qmath(tmp_path, *arguments)) for _ in range(2))
    assert len(first["samples"]) == 8
    assert [s["text"] for s in first["samples"]] == [s["text"] for s in second["samples"]]


def test_tokens_run_out_with_exit_3(tmp_path: Path) -> None:
    """The finish reason names the limit."""
    done = qmath(tmp_path, "solve", ROOTS, "--max-tokens", "5", "--json")
    assert done.returncode == 3
    assert answer_record(done)["finish_reason"] == "out_of_tokens"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["solve", ""], 2, "empty"),
        (["solve", "2+2", "-m", "missing.gguf"], 6, "no file"),
        (["solve", "2+2", "-m", "7b-instruct"], 6, "qmath pull 7b-instruct"),
        (["solve", "2+2", "-m", "8b"], 6, "8b"),
        (["solve", "2+2", "--mode", "pot"], 2, "pot"),
        (["solve", "word " * 5000, "--force"], 3, "tokens"),
        (["solve", "2+2", "-f", "nowhere.txt"], 2, "twice"),
        (["solve", "-f", "nowhere.txt"], 2, "nowhere.txt"),
        (["slove", "2+2"], 2, "solve"),
    ],
)
def test_bad_input_gets_one_clear_line(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    """The right exit code, a message that names the thing, no traceback."""
    done = qmath(tmp_path, *arguments)
    assert done.returncode == code, done.stderr
    assert "error: " in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_damaged_models_are_refused(tmp_path: Path, root: Path) -> None:
    """A truncated file, a file that is no GGUF, an empty one: exit 7, one line."""
    good = root / "qmath_cli" / "demo" / "demo-q8_0.gguf"
    bad = {
        "truncated.gguf": good.read_bytes()[:-1000],
        "header.gguf": good.read_bytes()[:100],
        "text.gguf": b"hello, world\n" * 100,
        "empty.gguf": b"",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        done = qmath(tmp_path, "solve", "2+2", "-m", str(tmp_path / name))
        assert done.returncode == 7, name + done.stderr
        assert "error: " in done.stderr
        assert "Traceback" not in done.stderr


def test_a_model_by_path_works(tmp_path: Path, root: Path) -> None:
    """Any complete GGUF of the right kind can be given by its path."""
    copy = tmp_path / "mine.gguf"
    shutil.copy(root / "qmath_cli" / "demo" / "demo-q8_0.gguf", copy)
    record = answer_record(qmath(tmp_path, "solve", ROOTS, "-m", str(copy), "--json"))
    assert record["answer"] == "2, 3"
    assert record["model"]["file"] == str(copy)


def test_a_minimum_of_votes_is_reached_where_all_agree(tmp_path: Path) -> None:
    """Three equal answers do not end a vote that needs five; a minimum above the number of samples is a usage error."""
    done = qmath(tmp_path, "solve", "What is 17 + 25?", "-k", "6", "--min-votes", "5", "--json")
    assert done.returncode == 0, done.stderr
    assert answer_record(done)["votes"]["groups"][0]["count"] >= 5
    refused = qmath(tmp_path, "solve", "What is 17 + 25?", "-k", "2", "--min-votes", "3")
    assert refused.returncode == 2
    assert "--min-votes 3 cannot be reached with 2 samples" in refused.stderr
    assert "-k 3" in refused.stderr


def test_an_unknown_kind_of_problem_ends_with_exit_3(tmp_path: Path) -> None:
    """One line on stderr, one object without an answer on stdout; nothing is kept."""
    done = qmath(tmp_path, "solve", "What is the capital of France?", "--json")
    assert done.returncode == 3
    record = answer_record(done)
    assert (record["answer"], record["finish_reason"], record["samples"]) == (None, "unknown_kind", [])
    (line,) = done.stderr.splitlines()
    assert "does not know this kind of problem" in line
    assert "qmath pull 1.5b-instruct" in line
    assert "--force" in line
    assert qmath(tmp_path, "history").stdout == ""


def test_force_tries_an_unknown_kind(tmp_path: Path) -> None:
    """Whatever comes of it."""
    done = qmath(tmp_path, "solve", "What is the capital of France?", "--force", "--max-tokens", "20", "--json")
    assert answer_record(done)["samples"][0]["text"]

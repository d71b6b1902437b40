"""`qmath compare` with the two embedded quantizations of the demo model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.run import COMMAND, TIMEOUT_S, environment, qmath
from tests.terminal.schemas import validate

TEXT = "We solve the equation with sympy. The roots are 2 and 3, and their sum is 5. " * 60


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the text, and the base's predictions in `base`."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "text.txt").write_text(TEXT)
    done = run(folder, "demo", "--save-base", str(folder / "base"))
    assert done.returncode == 0, done.stderr
    return folder


def run(home: Path, *arguments: str) -> Any:
    """On chunks of 128 tokens of the text, unless the base is stored."""
    text = [] if str(home / "base") in arguments[:1] else ["--text", str(home / "text.txt"), "--chunk", "128"]
    return qmath(home, "compare", *arguments, *text)


def test_another_quantization_differs_and_the_same_one_does_not(home: Path) -> None:
    """With the base's predictions from a file: the record names both, and fits its schema."""
    done = run(home, str(home / "base"), "demo", "demo:q4_k_m", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    validate(record)
    same, other = record["models"]
    assert same["kld"]["value"] < 1e-4
    assert same["same_top"]["value"] == 1
    assert other["kld"]["value"] > 10 * abs(same["kld"]["value"])
    assert other["model"] == "demo:q4_k_m"
    assert other["kld_less_first"]["value"] == pytest.approx(other["kld"]["value"] - same["kld"]["value"])
    assert same["kld_less_first"] is None


def test_a_stored_base_gives_the_figures_of_a_loaded_one(home: Path) -> None:
    """To the last digit: the precision is the same."""
    stored, loaded = run(home, str(home / "base"), "demo:q4_k_m"), run(home, "demo", "demo:q4_k_m")
    assert stored.stdout == loaded.stdout
    assert not [path for path in home.rglob("*") if path.name.startswith("tmp") and path.name != "tmp"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "demo", "--text", "text.txt", "--solutions", "text.txt"], "two texts"),
        (["demo", "--text", "text.txt"], "no model"),
        (["base", "demo", "--problems", "3"], "no model that solves"),
        (["demo", "demo", "--data", "demo"], "none are wanted"),
        (["demo", "demo", "--text", "short.txt"], "two chunks"),
        (["base", "demo", "--text", "text.txt"], "holds its text"),
        (["base", "demo", "--chunks", "2"], "holds its text"),
        (["base", "--save-base", "other"], "stored already"),
        (["demo", "--text", "text.txt", "--save-base", "base"], "already there"),
        (["demo", "demo-rm"], "reward model"),
        (["demo", "demo", "--problems", "3", "--data", "nosuch"], "no file for the data set"),
    ],
)
def test_what_cannot_be_compared_is_said_before_a_model_is_loaded(
    home: Path, arguments: list[str], message: str
) -> None:
    """As an error of use, with a hint."""
    (home / "short.txt").write_text("Two and two are four.")
    files = {"text.txt", "short.txt", "base", "other"}
    done = qmath(home, "compare", *(str(home / word) if word in files else word for word in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert "reading" not in done.stderr
    assert "hint:" in done.stderr


def test_solutions_are_compared_on_what_the_model_wrote(home: Path, tmp_path: Path) -> None:
    """The prompt is not scored, nor what a program printed: another output changes the number of no position."""
    counts = []
    for output in ("5", "5, or so it is printed here at some length"):
        text = f"We add.\n```python\nprint(2 + 3)\n```\n```output\n{output}\n```\nThe sum is $\\boxed{{5}}$."
        row = {"problem": "Compute 2 + 3.", "answer": "5", "code": [text]}
        (tmp_path / "solutions.jsonl").write_text(json.dumps(row) + "\n")
        done = qmath(home, "compare", "demo", "demo:q4_k_m", "--solutions", str(tmp_path / "solutions.jsonl"), "--json")
        assert done.returncode == 0, done.stderr
        counts.append(json.loads(done.stdout)["models"][0]["positions"])
    assert counts[0] == counts[1]
    assert 20 < counts[0] < 60


def test_a_damaged_base_is_refused(home: Path, tmp_path: Path) -> None:
    """A file that was cut while it was copied."""
    data = (home / "base").read_bytes()
    (tmp_path / "base").write_bytes(data[: len(data) // 2])
    done = qmath(home, "compare", str(tmp_path / "base"), "demo")
    assert done.returncode == 7
    assert "not a complete file" in done.stderr


def test_without_a_text_held_out_solutions_are_read_and_problems_are_solved(home: Path, tmp_path: Path) -> None:
    """The second call finds all answers in the runs of the first one, and says the same."""
    line = ["compare", "demo", "demo:q4_k_m", "--chunks", "3", "--problems", "4", "--data", "demo", "--json"]
    first, second = qmath(home, *line, "--html", str(tmp_path / "page.html")), qmath(home, *line)
    assert first.returncode == 0, first.stderr
    record = json.loads(first.stdout)
    validate(record)
    assert record["text"] == "held-out mathematical text of qmath's, 3 solutions"
    assert record["models"][0]["kld_clustered"]["value"] == pytest.approx(record["models"][0]["kld"]["value"])
    assert record["models"][0]["answers"]["problems"] == 4
    assert second.stdout == first.stdout
    assert "<polyline" in (tmp_path / "page.html").read_text(encoding="utf-8")
    runs = list((home / "state" / "comparisons").glob("*.jsonl"))
    assert sorted(len(run.read_text().splitlines()) for run in runs) == [5, 5]


def test_ctrl_c_keeps_what_is_finished(home: Path) -> None:
    """The divergences are shown at once, then the answers so far; the exit code says that more was wanted."""
    pexpect = pytest.importorskip("pexpect")
    line = ["compare", "demo", "demo:q4_k_m", "--chunks", "2", "--problems", "400", "--data", "demo"]
    child = pexpect.spawn(COMMAND[0], [*COMMAND[1:], *line], env=environment(home), encoding="utf-8", timeout=TIMEOUT_S)
    child.expect("Same top p")
    child.expect(r"\d+/400")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "the same command goes on" in child.before
    assert "mean KLD" in child.before.splitlines()[-1]

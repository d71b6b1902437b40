"""`qmath score`: random reward models, so that only the scores' number, form and consequences can be foreseen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from qmath_cli.app import run
from qmath_cli.errors import ExitCode
from qmath_cli.history.store import History
from qmath_cli.models import lockfile, memory
from qmath_cli.models.describe import describe
from qmath_cli.paths import find
from qmath_cli.prompting.solution_steps import steps_of
from qmath_cli.records import Mode
from qmath_cli.runtime.need import taken
from qmath_cli.settings import Settings
from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf
from tests.history.solved import solved
from tests.terminal.schemas import validate

PROCESS = Recipe(layers=2, reward=True, form="Qwen2ForProcessRewardModel", epsilon=1e-05)
PROGRAM = "```python\nprint(1)\n\nprint(2)\n```\n```output\n1\n2\n```"
SOLUTION = f"First $1 + 1 = 2$.\n\n{PROGRAM}\nSo it is $\\boxed{{2}}$."
Score = Callable[..., tuple[int, str, str]]


class Models(NamedTuple):
    """A process reward model, one that scores the whole, and one without the mark in its vocabulary."""

    process: Path
    outcome: Path
    unmarked: Path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = tmp_path_factory.mktemp("models")
    made = Models(folder / "process.gguf", folder / "outcome.gguf", folder / "unmarked.gguf")
    to_gguf(checkpoints.add_mark(checkpoints.write(folder / "p", PROCESS), PROCESS), made.process, Quant.F16)
    to_gguf(checkpoints.write(folder / "o", PROCESS.but(form="Qwen2ForRewardModel")), made.outcome, Quant.F16)
    to_gguf(checkpoints.write(folder / "u", PROCESS), made.unmarked, Quant.F16)
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home for all tests, so that the preflight runs once."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("QMATH_HOME", str(home))
        yield home


@pytest.fixture
def score(home: Path, models: Models, capsys: pytest.CaptureFixture[str]) -> Score:
    def run_it(*arguments: str, model: Path | None = None) -> tuple[int, str, str]:
        code = run(["score", *arguments, "-m", str(model or models.process)])
        out, err = capsys.readouterr()
        return code, out, err

    return run_it


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "solution.md"
    path.write_text(f"# Problem\n\nWhat is 1 + 1?\n\n# Solution\n\n{SOLUTION}\n", encoding="utf-8")
    return path


def test_every_step_has_a_score_and_the_first_doubtful_one_a_mark(score: Score, written: Path) -> None:
    """Above a threshold of one every step is doubtful, and the first is marked; the text stays as it is."""
    code, out, _ = score(str(written), "--threshold", "1.1")
    steps, numbers = out.rstrip("\n").rsplit("\n\n", 1)
    assert code == ExitCode.DIFFERENT
    assert [line[:2] for line in steps.splitlines() if line[:6].strip()] == ["> ", "  ", "  "]
    assert "\n".join(line[8:] for line in steps.splitlines()) == "\n".join(steps_of(SOLUTION))
    assert numbers.startswith("3 steps, step 1 is the first under 1.1 (product ")


def test_without_a_doubtful_step_the_exit_code_is_zero(score: Score, written: Path) -> None:
    code, out, _ = score(str(written), "--threshold", "0")
    assert code == ExitCode.OK
    assert ">" not in out
    assert "none under 0" in out


@pytest.mark.parametrize(
    "text",
    [
        f"What is 1 + 1?\n\n{SOLUTION}",
        f"Problem: What is 1 + 1?\n\nSolution:\n{SOLUTION}",
        f"## Question 7\nWhat is 1 + 1?\n## Working\n{SOLUTION}\n## Remarks\nnone",
        f"题目：What is 1 + 1?\n\n解答：{SOLUTION}",
        f"**Problem:** What is 1 + 1?\n\n**Solution:**\n\n{SOLUTION}\n\n",
        json.dumps({"problem": "What is 1 + 1?", "solution": SOLUTION}),
        json.dumps({"question": "What is 1 + 1?", "response": SOLUTION}),
        json.dumps(
            {
                "problem": "What is 1 + 1?",
                "answer": "2",
                "samples": [{"answer": "3", "text": "no"}, {"answer": "2", "text": SOLUTION}],
            }
        ),
    ],
)
def test_a_solution_is_read_in_any_form(score: Score, tmp_path: Path, text: str) -> None:
    """Text, Markdown and JSON give the same problem and the same steps, and so the same scores."""
    path = tmp_path / "any"
    path.write_text(text, encoding="utf-8")
    _, out, _ = score(str(path), "--json")
    record = json.loads(out)
    validate(record)
    assert record["problem"] == "What is 1 + 1?"
    assert [step["text"] for step in record["steps"]] == list(steps_of(SOLUTION))
    assert record["mode"] == Mode.TIR
    scores = [step["score"] for step in record["steps"]]
    assert record["aggregates"]["min"] == min(scores)
    assert record["score"] == record["aggregates"]["product"] == pytest.approx(scores[0] * scores[1] * scores[2])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no problem"),
        ("only a problem", "no solution"),
        ("# Problem\n\nx\n\n# Solution\n\n \n", "no solution"),
        ('{"problem": "x"}', "no solution"),
        ('{"solution": "x"}', "no problem"),
        ('{"problem": 3, "solution": ["x"]}', "no problem"),
        ('{"problem": ', "not valid JSON"),
        ('{"problem": "x", "samples": [1, {"text": 5}]}', "no solution"),
    ],
)
def test_what_is_missing_is_said(score: Score, tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "any"
    path.write_text(text, encoding="utf-8")
    code, out, err = score(str(path))
    assert code == ExitCode.USAGE
    assert says in err
    assert not out


def test_the_problem_can_stand_apart(score: Score, tmp_path: Path) -> None:
    """With `--problem` the whole file is the solution."""
    path = tmp_path / "solution.txt"
    path.write_text(SOLUTION, encoding="utf-8")
    _, out, _ = score(str(path), "--problem", "What is 1 + 1?", "--json")
    assert len(json.loads(out)["steps"]) == 3


def test_a_model_that_scores_the_whole_gives_one_number(score: Score, written: Path, models: Models) -> None:
    """Without a threshold it judges nothing; with one it does."""
    code, out, _ = score(str(written), "--json", model=models.outcome)
    record = json.loads(out)
    validate(record)
    assert (code, record["steps"], record["aggregates"], record["threshold"]) == (ExitCode.OK, None, None, None)
    value = record["score"]
    assert score(str(written), "--threshold", str(value + 1), model=models.outcome)[0] == ExitCode.DIFFERENT
    assert score(str(written), model=models.outcome)[1] == f"score {value:.3f}\n"


def test_a_model_that_cannot_score_is_refused(score: Score, written: Path, models: Models, root: Path) -> None:
    """One that solves, and one whose vocabulary lacks the mark."""
    assert "no reward model" in score(str(written), model=root / "qmath_cli" / "demo" / "demo-q8_0.gguf")[2]
    code, _, err = score(str(written), model=models.unmarked)
    assert code == ExitCode.INTEGRITY
    assert "<extra_0>" in err


def test_a_problem_of_the_history_is_scored(score: Score, home: Path) -> None:
    history = History(home / "data" / "history.sqlite")
    number = history.keep(solved("alpha", "One.\n\nTwo."))
    _, out, _ = score("--history", str(number), "--json")
    record = json.loads(out)
    assert (record["problem"], [step["text"] for step in record["steps"]]) == ("alpha", ["One.", "Two."])


def test_an_exported_page_shows_the_scores(score: Score, written: Path, tmp_path: Path) -> None:
    """One number beside every step, the doubtful one marked."""
    page = tmp_path / "out.html"
    score(str(written), "--threshold", "0", "--export", str(page))
    text = page.read_text(encoding="utf-8")
    assert text.count('class="score"') == 3


def test_the_wrong_kind_of_reward_model_is_refused_before_anything_is_sampled(
    models: Models, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names the kinds; so is a model that is not here."""
    for pick, model, says in (
        ("rm", str(models.process), "scores the steps of solutions"),
        ("prm", str(models.outcome), "scores whole solutions"),
        ("prm", "prm-7b", "prm-7b is not on this machine"),
        ("prm", str(models.unmarked), "<extra_0>"),
    ):
        code = run(["solve", "1+1", "-m", "demo", "-k", "2", "--pick", pick, "--reward-model", model])
        out, err = capsys.readouterr()
        assert code != ExitCode.OK
        assert says in err
        assert not out


def test_solutions_are_chosen_by_their_steps(models: Models, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every sample has the scores of its steps, and their product as its reward; the choice is the best one's."""
    arguments: list[Any] = [
        "solve",
        "What is 12% of 450?",
        "-m",
        "demo",
        "--mode",
        "cot",
        "-k",
        "3",
        "--temperature",
        "1.5",
    ]
    run([*arguments, "--max-tokens", "60", "--pick", "prm", "--reward-model", str(models.process), "--json"])
    record = json.loads(capsys.readouterr().out)
    validate(record)
    for sample in record["samples"]:
        assert len(sample["steps"]) == len(steps_of(sample["text"]))
    answered = [sample for sample in record["samples"] if sample["answer"] is not None]
    assert record["answer"] == (max(answered, key=lambda one: one["reward"])["answer"] if answered else None)


def test_a_reward_model_that_does_not_fit_beside_the_solver_is_refused_before_anything_is_sampled(
    models: Models, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either fits alone; both together do not. The line names the reward model."""
    paths, lock, settings = find({"QMATH_HOME": str(home)}), lockfile.load(), Settings(k=2)
    wanted = [taken(describe(name, paths, lock), settings, paths, lock) for name in ("demo", str(models.process))]
    monkeypatch.setattr(memory, "memory", lambda: memory.Memory(1 << 40, sum(wanted) - (64 << 20)))
    arguments = ["-m", "demo", "-k", "2", "--pick", "prm", "--reward-model", str(models.process)]
    code = run(["solve", "What is 12% of 450?", *arguments])
    out, err = capsys.readouterr()
    assert code == ExitCode.DOES_NOT_FIT, err
    assert "process.gguf" in err
    assert not out

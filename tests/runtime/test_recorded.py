"""`eval --from`: runs of this program, whole, interrupted or moved, are scored as when they were run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qmath_cli.errors import DataError
from qmath_cli.evaluation import datasets
from qmath_cli.evaluation.records import ItemSample, Setup
from qmath_cli.evaluation.run_file import RunFile
from qmath_cli.evaluation.score import ScoredRun
from qmath_cli.models import lockfile
from qmath_cli.paths import find
from qmath_cli.records import Finish, Mode, Sample, Sampling
from qmath_cli.runtime.evaluation import open_graders
from qmath_cli.runtime.recorded import RecordedSamples, score_recorded
from qmath_cli.settings import Grade, Settings

ANSWERS = ("2", "4", "5")  # the last one is wrong


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of three problems, `own.jsonl`, and a run on it with two samples each, `run.jsonl`."""
    folder = tmp_path_factory.mktemp("recorded")
    source = folder / "own.jsonl"
    rows = [{"problem": f"{n}+{n}?", "answer": str(2 * n), "subject": f"s{n % 2}"} for n in (1, 2, 3)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = datasets.load_file(source)
    setup = Setup("own", data.sha256, "demo:q8_0", "b" * 64, 10, "q8_0", Mode.COT, Sampling(), 4, "c" * 64)
    with open_graders("own") as graders, RunFile(folder, setup, source) as file:
        for item, answer in zip(data.items, ANSWERS, strict=True):
            for index in range(2):
                sample = Sample(rf"So \boxed{{{answer}}}", answer, Finish.ANSWERED, index=index)
                file.add(graders.grade(ItemSample(item.id, sample), item))
    file.path.rename(folder / "run.jsonl")
    return folder


def scored(path: Path, data: Path | None = None, k: int | None = None) -> tuple[ScoredRun, list[str]]:
    """The score of a run, and what was said."""
    said: list[str] = []
    recorded = RecordedSamples(path, data, Settings(), Grade.STRICT, k)
    _, run = score_recorded(recorded, find({"QMATH_HOME": str(path.parent / "home")}), lockfile.load(), said.append)
    return run, said


def test_a_run_is_scored_with_its_problems(folder: Path) -> None:
    """With model, subjects, all samples or fewer, and the file that has them."""
    run, said = scored(folder / "run.jsonl")
    assert (run.score.items, run.score.k, run.score.headline, said) == (3, 2, 2 / 3, [])
    assert run.score.setup is not None
    assert run.score.setup.model == "demo:q8_0"
    assert [part.items for part in run.score.subjects] == [1, 2]
    assert run.records == folder / "run.jsonl"
    assert scored(folder / "run.jsonl", k=1)[0].score.k == 1


def test_an_interrupted_run_is_scored_as_far_as_it_is(folder: Path, tmp_path: Path) -> None:
    """Problems with all samples count, and a line that was cut is none."""
    lines = (folder / "run.jsonl").read_bytes().splitlines(keepends=True)
    path = tmp_path / "cut.jsonl"
    path.write_bytes(b"".join(lines[:6]) + lines[6][:40])
    run, _ = scored(path)
    assert (run.score.items, run.score.k) == (2, 2)
    path.write_bytes(lines[0])
    with pytest.raises(DataError, match="no sample yet"):
        scored(path)


@pytest.mark.parametrize("source", [None, "changed"])
def test_without_its_problems_a_runs_own_verdicts_count(folder: Path, tmp_path: Path, source: str | None) -> None:
    """Their file is not named, as in earlier versions, or has changed since; `--data` names it."""
    first, _, rest = (folder / "run.jsonl").read_text(encoding="utf-8").partition("\n")
    record = json.loads(first)
    record["source"] = source and str(tmp_path / "own.jsonl")
    (tmp_path / "own.jsonl").write_text('{"problem": "7?", "answer": "7"}\n', encoding="utf-8")
    path = tmp_path / "run.jsonl"
    path.write_text(json.dumps(record) + "\n" + rest, encoding="utf-8")
    run, said = scored(path)
    assert (run.score.items, run.score.headline, run.score.subjects) == (3, 2 / 3, ())
    assert "--data" in said[0]
    run, said = scored(path, folder / "own.jsonl")
    assert (len(run.score.subjects), said) == (2, [])
    with pytest.raises(DataError, match="not the file of this run"):
        scored(path, tmp_path / "own.jsonl")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"schema": "qmath.eval-run/2", "setup": {}}\n', "line 1: not the setup"),
        ('{"schema": "qmath.eval-run/2"}\n', "line 1: not the setup"),
        ('{"schema": "qmath.eval-run/2", \n', "line 1: not the setup"),
        ('{"problem": "1+1?", "answer": "2"}\n', "problem 1 is without responses"),
        ("", "no problems"),
    ],
)
def test_what_is_no_run_is_an_error_in_words(tmp_path: Path, content: str, says: str) -> None:
    """A damaged first line, a file of problems, an empty one."""
    path = tmp_path / "x.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=says):
        scored(path)

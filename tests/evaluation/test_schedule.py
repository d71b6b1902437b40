"""Evaluation runs: stored sample by sample, resumed after a kill, never mixed with another run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.errors import DataError, UsageError
from qmath_cli.evaluation.datasets import Dataset, Item
from qmath_cli.evaluation.records import GradedSample, Grades, Group, ItemSample, Setup
from qmath_cli.evaluation.run_file import RunFile
from qmath_cli.evaluation.schedule import EvaluationPlan
from qmath_cli.records import (
    Finish,
    Language,
    Mark,
    Mode,
    Output,
    ProgramRun,
    RunStatus,
    Sample,
    Sampling,
    Usage,
    Verdict,
)
from tests.prompts import chat

SETUP = Setup("mine", "a" * 64, "demo:q8_0", "b" * 64, 10, "q8_0", Mode.TIR, Sampling(), 4, "c" * 64)


def stored(item: str, index: int = 0) -> GradedSample:
    """A sample in which no field has its default."""
    run = ProgramRun("print(2)", Output("2\n", RunStatus.OK, 0.5))
    sample = Sample("数 \\boxed{2}\u2028", "2", Finish.ANSWERED, (run,), Usage(3, 4, 5), 1.5, index, unrun_programs=2)
    grades = Grades("2", Verdict(Mark.CORRECT, "official"), Verdict(Mark.WRONG, "value", "w"))
    return GradedSample(ItemSample(item, sample, 0.25, 3.5), grades)


def test_a_stored_sample_comes_back_whole(tmp_path: Path) -> None:
    """Programs, verdicts, usage and unusual characters are read as they were written."""
    with RunFile(tmp_path, SETUP) as run:
        run.add(stored("0", 3))
    with RunFile(tmp_path, SETUP) as run:
        assert run.stored == {("0", 3): stored("0", 3)}


def test_a_file_of_the_first_schema_version_is_read(tmp_path: Path) -> None:
    """Its lines have other keys and no `unrun_programs`."""
    with RunFile(tmp_path, SETUP) as run:
        run.start(Group((("0", 3),), 1))
        run.add(stored("0", 3))
    first, group, sample = (json.loads(line) for line in run.path.read_text(encoding="utf-8").splitlines())
    old_group = {"leg": group["group"], "parallel": group["parallel"]}
    old_sample = {**{key: sample[key] for key in sample.keys() - {"index", "unrun_programs"}}, "sample": 3}
    run.path.write_text("".join(json.dumps(line) + "\n" for line in (first, old_group, old_sample)), encoding="utf-8")
    with RunFile(tmp_path, SETUP) as again:
        assert again.groups == [Group((("0", 3),), 1)]
        assert again.stored["0", 3].sample == replace(stored("0", 3).sample, unrun_programs=0)


def test_a_sample_is_stored_once(tmp_path: Path) -> None:
    """Storing a second one with the same key raises."""
    with RunFile(tmp_path, SETUP) as run:
        run.add(stored("0"))
        with pytest.raises(ValueError, match="already"):
            run.add(stored("0"))


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_line_cut_short_is_dropped(tmp_path: Path, cut: int) -> None:
    """A kill during a write loses that sample only."""
    with RunFile(tmp_path, SETUP) as run:
        run.add(stored("0"))
        run.add(stored("1"))
    run.path.write_bytes(run.path.read_bytes()[:-cut])
    with RunFile(tmp_path, SETUP) as again:
        assert set(again.stored) == {("0", 0)}
        again.add(stored("1"))
    with RunFile(tmp_path, SETUP) as last:
        assert len(last.stored) == 2


def test_a_file_cut_inside_its_first_line_starts_anew(tmp_path: Path) -> None:
    """A file without a whole setup is started again."""
    with RunFile(tmp_path, SETUP) as run:
        pass
    run.path.write_bytes(run.path.read_bytes()[:20])
    with RunFile(tmp_path, SETUP) as again:
        again.add(stored("0"))
    assert json.loads(run.path.read_text(encoding="utf-8").splitlines()[0]) == SETUP.record()


def test_a_damaged_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    """It cannot be the result of a kill; the error has the number of the line."""
    with RunFile(tmp_path, SETUP) as run:
        run.add(stored("0"))
    lines = run.path.read_bytes().splitlines(keepends=True)
    run.path.write_bytes(lines[0] + b"garbage\n" + lines[1])
    with pytest.raises(DataError, match="line 2"):
        RunFile(tmp_path, SETUP)


@pytest.mark.parametrize(
    "change",
    [{"model_sha256": "d" * 64}, {"mode": Mode.COT}, {"prompt_sha256": "e" * 64}, {"data_sha256": "f" * 64},
     {"sampling": Sampling(temperature=0.7)}, {"max_programs": 2}],
)  # fmt: skip
def test_another_setup_is_another_run(tmp_path: Path, change: dict[str, Any]) -> None:
    """A changed model, mode, prompt, data set or setting starts another file."""
    with RunFile(tmp_path, SETUP) as run:
        run.add(stored("0"))
    with RunFile(tmp_path, replace(SETUP, **change)) as other:
        assert other.stored == {}


@pytest.mark.skipif(sys.platform == "win32", reason="files are locked in another way there")
def test_two_processes_cannot_write_one_run(tmp_path: Path) -> None:
    """The second one gets a usage error."""
    with RunFile(tmp_path, SETUP), pytest.raises(UsageError, match="another process"):
        RunFile(tmp_path, SETUP)


# ---------------------------------------------------------------- groups


def plan(k: int = 1, problems: int = 10, parallel: int = 1) -> EvaluationPlan:
    """Samples of problems 0, 1, ..."""
    items = tuple(Item(str(i), f"problem {i}", "1", "1", Language.EN) for i in range(problems))
    return EvaluationPlan(
        Dataset("mine", items, "a" * 64),
        Mode.COT,
        Sampling(),
        lambda item: chat(item.problem, Mode.COT),
        k,
        parallel,
    )


def test_an_interrupted_group_is_computed_again(tmp_path: Path) -> None:
    """Complete groups are not computed again; a group with a missing sample is first, unchanged; new groups follow."""
    with RunFile(tmp_path, SETUP) as run:
        groups = plan().groups(run)
        first, second = next(groups), next(groups)
        assert [item for item, _ in (*first.samples, *second.samples)] == list("01234567")
        for item in "012345":
            run.add(stored(item))
    with RunFile(tmp_path, SETUP) as again:
        assert again.groups == [first, second]
        rest = list(plan().groups(again))
    assert rest == [second, Group((("8", 0), ("9", 0)), 1)]


def test_more_samples_and_another_width_leave_finished_groups_alone(tmp_path: Path) -> None:
    """A run with k = 1 that is continued with k = 2 computes the second samples only."""
    with RunFile(tmp_path, SETUP) as run:
        for group in plan().groups(run):
            for item, index in group.samples:
                run.add(stored(item, index))
        more = list(plan(k=2, parallel=4).groups(run))
    assert [key for group in more for key in group.samples] == [(str(i), 1) for i in range(10)]
    assert {group.parallel for group in more} == {4}


def test_an_interrupted_group_with_samples_outside_the_limit_is_dropped(tmp_path: Path) -> None:
    """With a smaller limit, only the missing samples of the smaller run are computed."""
    with RunFile(tmp_path, SETUP) as run:
        next(plan().groups(run))
        run.add(stored("0"))
        (group,) = plan(problems=3).groups(run)
    assert group.samples == (("1", 0), ("2", 0))


# ---------------------------------------------------------------- the real command, with the demo model

PROGRAM = (
    "import sys; from qmath_cli.commands import eval as e; import typer; "
    "app = typer.Typer(); app.command()(e.command); sys.exit(app(standalone_mode=False))"
)
EVAL = [sys.executable, "-c", PROGRAM, "demo", "-m", "demo:q8_0", "--limit", "12", "-k", "2", "--parallel", "2"]


def start(home: Path, *more: str, pipe: bool = False) -> subprocess.Popen[str]:
    """Start the command, with its state in `home`."""
    environ = {**os.environ, "QMATH_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    stream = subprocess.PIPE if pipe else subprocess.DEVNULL
    return subprocess.Popen([*EVAL, *more], env=environ, stdout=stream, stderr=stream, text=True)


def records(home: Path) -> list[dict[str, Any]]:
    """The stored lines, without times and the count of prefilled tokens."""
    (path,) = (home / "state" / "evaluations").glob("*.jsonl")
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for one in found[1:]:
        del one["seconds"], one["joules"]
        del one["usage"]["prefilled_tokens"]
        for program in one["programs"]:
            del program["seconds"]
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The records of a run without an interruption."""
    home = tmp_path_factory.mktemp("undisturbed")
    assert start(home).wait() == 0
    return records(home)


@pytest.mark.slow
def test_a_run_killed_five_times_ends_as_if_nothing_had_happened(
    tmp_path: Path, undisturbed: list[dict[str, Any]]
) -> None:
    """It has the same records in the same order, including sampled texts."""
    dice = random.Random(7)
    for _ in range(5):
        process = start(tmp_path)
        wait_for_records(process, tmp_path, more=dice.randint(0, 2))
        time.sleep(dice.random() / 5)
        process.kill()
        process.wait()
    assert start(tmp_path).wait() == 0
    assert records(tmp_path) == undisturbed


@pytest.mark.slow
def test_ctrl_c_prints_what_is_done_and_exits_130(tmp_path: Path) -> None:
    """The report is marked as partial."""
    process = start(tmp_path, "--json", pipe=True)
    wait_for_records(process, tmp_path, more=3)
    process.send_signal(signal.SIGINT)
    output, said = process.communicate()
    report = json.loads(output)
    assert "the same command goes on" in said
    assert process.returncode == 130
    assert report["partial"] is True
    assert report["items"] < 12


@pytest.mark.slow
def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    """A second call and `--regrade` change no sample and report the same figures."""
    reports = []
    for more in ((), (), ("--regrade",)):
        process = start(tmp_path, "--json", *more, pipe=True)
        output, _ = process.communicate()
        assert process.returncode == 0
        reports.append(json.loads(output))
    assert reports[0].pop("shape")["why"] == "asked"
    assert [report.pop("shape") for report in reports[1:]] == [None, None]  # nothing was computed
    assert reports[0] == reports[1] == reports[2]
    assert len(records(tmp_path)) == 25


def wait_for_records(process: subprocess.Popen[str], home: Path, more: int) -> None:
    """Wait until the run has stored `more` samples in addition, or has ended."""
    folder = home / "state" / "evaluations"
    had = lines(folder)
    while process.poll() is None and lines(folder) < max(had, 1) + more:
        time.sleep(0.02)


def lines(folder: Path) -> int:
    """The number of stored lines."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))

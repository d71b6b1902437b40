"""A run of `eval` in the shape that was measured: what it says, and that it goes on in it after it was interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qmath_cli.benchmark.tuning import store
from qmath_cli.evaluation import datasets
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.records import GradedSample
from qmath_cli.evaluation.score import ScoredRun
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.paths import Paths, find
from qmath_cli.records import Event, Mode, Shape, ShapeReason
from qmath_cli.records.activity import Activity
from qmath_cli.runtime import tuning
from qmath_cli.runtime.evaluation import Evaluation, open_graders
from qmath_cli.runtime.evaluation_request import EvaluationRequest
from qmath_cli.settings import Grade, Settings
from tests.benchmark.tuning import scripted

LOCK = lockfile.load()
#: Three at once in each of two batches are far the fastest.
SIX = scripted.tuning({1: 10.0, 3: 12.0, 6: 13.0}, {1: 8.0, 3: 30.0})


class Interrupting:
    """An observer that interrupts the run once so many samples are stored; 0: never."""

    def __init__(self, after: int = 0) -> None:
        self._after = after

    def begin(self, done: int, total: int) -> None:
        pass

    def activity(self, activity: Activity) -> None:
        pass

    def event(self, event: Event) -> None:
        pass

    def stored(self, one: GradedSample, done: int, total: int) -> None:
        if self._after and done >= self._after:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def graders() -> Iterator[SampleGrader]:
    with open_graders("demo") as opened:
        yield opened


@contextmanager
def kept(paths: Paths) -> Iterator[None]:
    """What was measured of the demo, as long as the block lasts."""
    key = tuning.key_of(describe("demo", paths, LOCK), Settings(k=2))
    store.write(key, SIX, tuning.folder(paths))
    yield
    key.file(tuning.folder(paths)).unlink()


def evaluation(
    home: Path, graders: SampleGrader, said: list[str], parallel: int = 0, *, tuned: bool = True
) -> Evaluation:
    """Twelve problems, two samples of each, as few tokens as make a text."""
    data = datasets.select(datasets.load("demo", datasets.EMBEDDED), 12, (1, 1))
    settings = Settings(k=2, mode=Mode.COT, max_tokens=20)
    request = EvaluationRequest(
        data, settings, Grade.STRICT, parallel, home / "runs", on_shape=said.append, tuned=tuned
    )
    return Evaluation(request, "demo", find({"QMATH_HOME": str(home)}), LOCK, graders)


def texts(run: ScoredRun) -> list[str]:
    return [one.sample.text for one in run.samples]


def test_a_run_says_its_shape_and_goes_on_in_it_when_the_measurement_is_gone(
    tmp_path: Path, graders: SampleGrader
) -> None:
    """With the texts of a run that was not interrupted."""
    said: list[str] = []
    paths = find({"QMATH_HOME": str(tmp_path / "whole")})
    with kept(paths):
        whole = evaluation(tmp_path / "whole", graders, said).run(Interrupting())
    assert whole.shape is not None
    assert (whole.shape.shape, whole.shape.reason) == (Shape(6, 2, 1), ShapeReason.MEASURED)
    assert said[0].startswith("6 at once in 2 batches of 1 thread: about ")
    with kept(find({"QMATH_HOME": str(tmp_path / "cut")})), pytest.raises(KeyboardInterrupt):
        evaluation(tmp_path / "cut", graders, said).run(Interrupting(3))
    resumed = evaluation(tmp_path / "cut", graders, said).run(Interrupting())
    assert resumed.shape is not None
    assert (resumed.shape.shape, resumed.shape.reason) == (Shape(6, 2, 1), ShapeReason.RESUMED)
    assert said[-1] == "6 at once in 2 batches of 1 thread, as the run began"
    assert texts(resumed) == texts(whole)
    assert len(texts(whole)) == 24


def test_the_number_that_the_user_gives_starts_no_other_run(tmp_path: Path, graders: SampleGrader) -> None:
    """How many decode at once is no part of a run's identity."""
    said: list[str] = []
    with kept(find({"QMATH_HOME": str(tmp_path)})), pytest.raises(KeyboardInterrupt):
        evaluation(tmp_path, graders, said).run(Interrupting(2))
    resumed = evaluation(tmp_path, graders, said, parallel=4).run(Interrupting())
    assert resumed.shape is not None
    assert resumed.shape.shape.width == 4
    assert len(texts(resumed)) == 24
    assert len(list((tmp_path / "runs").glob("*.jsonl"))) == 1


def test_models_that_are_compared_run_in_one_shape(tmp_path: Path, graders: SampleGrader) -> None:
    """Whatever was measured of either: another shape rounds differently."""
    with kept(find({"QMATH_HOME": str(tmp_path)})):
        run = evaluation(tmp_path, graders, [], tuned=False).run(Interrupting())
    assert run.shape is not None
    assert run.shape.shape == Shape(32)

"""In which shape a model computes: what overrules what, and when is measured. The demo stands for any model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli import gguf_file
from qmath_cli.benchmark.tuning import store
from qmath_cli.benchmark.tuning.table import Tuning
from qmath_cli.evaluation.records import Group
from qmath_cli.evaluation.schedule import begun, group_size
from qmath_cli.models import lockfile, memory
from qmath_cli.models.describe import describe
from qmath_cli.paths import Paths, find
from qmath_cli.prompting.select import select
from qmath_cli.records import Language, Mode, ModelInfo, Shape, ShapeDecision, ShapeReason, Work
from qmath_cli.runtime import need, shapes, tuning
from qmath_cli.runtime.need import fitting
from qmath_cli.runtime.shapes import ShapeRequest, decide, open_shaped, sentence
from qmath_cli.runtime.tools import open_many, open_tools, several_at_once
from qmath_cli.settings import KVType, Settings
from tests.benchmark.tuning import scripted

LOCK = lockfile.load()
MEASURED = scripted.tuning(scripted.AVX2, scripted.AVX2_HALF)
LARGE = ModelInfo("large", Path("large.gguf"), size=1 << 30)
ANY: Callable[[], Callable[[Shape], bool]] = lambda: lambda _shape: True  # noqa: E731
EVALUATION = Work(512, group=group_size)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return find({"QMATH_HOME": str(tmp_path_factory.mktemp("home"))})


@pytest.fixture(scope="module")
def demo(paths: Paths) -> ModelInfo:
    return describe("demo", paths, LOCK)


@pytest.fixture
def kept(tmp_path: Path, demo: ModelInfo) -> Paths:
    """Folders in which a measurement of the demo is kept."""
    paths = find({"QMATH_HOME": str(tmp_path)})
    store.write(tuning.key_of(demo, Settings()), MEASURED, tuning.folder(paths))
    return paths


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The demo counts as a large model; measuring gives the scripted machine and notes the most rows."""
    calls: list[int] = []

    def measured(*_model: object, most: int, **_more: object) -> Tuning:
        calls.append(most)
        return MEASURED

    monkeypatch.setattr(shapes, "SMALL", 0)
    monkeypatch.setattr(tuning, "measured", measured)
    return calls


def decided(paths: Paths, demo: ModelInfo, request: ShapeRequest, settings: Settings | None = None) -> ShapeDecision:
    """The shape in which the demo would be opened."""
    with ExitStack() as stack:
        return open_shaped(demo, settings or Settings(), paths, LOCK, request, stack)[1]


def test_without_a_measurement_the_default_is_taken() -> None:
    """Sixteen, or as many as there are samples."""
    assert decide(LARGE, ShapeRequest(EVALUATION), None, ANY) == ShapeDecision(Shape(16))
    assert decide(LARGE, ShapeRequest(Work(3)), None, ANY) == ShapeDecision(Shape(3))
    assert decide(replace(LARGE, size=1), ShapeRequest(EVALUATION), None, ANY).shape == Shape(32)


def test_what_was_measured_decides_and_says_what_it_gains() -> None:
    found = decide(LARGE, ShapeRequest(Work(8, each=8), default=Shape(8, batches=1)), MEASURED, ANY)
    assert (found.shape, found.reason) == (Shape(4, 1, 2), ShapeReason.MEASURED)
    assert found.rate is not None
    assert found.default_rate is not None
    assert found.rate / found.default_rate == pytest.approx(1.27, abs=0.1)
    said = sentence(LARGE, found)
    assert said.startswith("4 at once on 2 threads: about 2")
    assert "1.2" in said
    assert found.record()["why"] == "measured"


def test_the_number_that_the_user_gives_overrules_what_was_measured() -> None:
    """Measured or not; the batches may still be chosen."""
    assert decide(LARGE, ShapeRequest(EVALUATION, parallel=5), None, ANY).shape == Shape(5)
    found = decide(LARGE, ShapeRequest(EVALUATION, parallel=5), MEASURED, ANY)
    assert (found.shape.width, found.reason) == (5, ShapeReason.ASKED)
    assert decide(LARGE, ShapeRequest(EVALUATION, parallel=5, begun=Shape(4)), None, ANY).shape == Shape(5)


def test_a_run_that_was_begun_goes_on_in_its_shape() -> None:
    """Whatever was measured meanwhile."""
    found = decide(LARGE, ShapeRequest(EVALUATION, begun=Shape(16)), MEASURED, ANY)
    assert (found.shape, found.reason) == (Shape(16), ShapeReason.RESUMED)


def test_where_no_shape_fits_the_default_is_left_for_the_refusal_to_say_why() -> None:
    found = decide(LARGE, ShapeRequest(EVALUATION), MEASURED, lambda: lambda _shape: False)
    assert found == ShapeDecision(Shape(16))


def test_memory_limits_the_shapes(paths: Paths, demo: ModelInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """More batches need more compute buffers: with room for one batch of four, two batches do not fit."""
    header = gguf_file.read(demo.path)
    one = need.need(header, Settings(), (), 4, 1).total
    two = need.need(header, Settings(), (), 4, 2).total
    assert two > one
    available = memory.Memory(total=1 << 40, available=(one + two) // 2)
    monkeypatch.setattr(memory, "memory", lambda: available)
    monkeypatch.setattr(need, "repacked_types", lambda *_settings: ())
    fits = fitting(demo, Settings(), paths, LOCK, loaded=False)
    assert fits(Shape(4, 1, 2))
    assert not fits(Shape(4, 2, 1))


def test_long_work_that_nobody_waits_for_begins_with_a_measurement(
    paths: Paths, demo: ModelInfo, measuring: list[int]
) -> None:
    found = decided(paths, demo, ShapeRequest(EVALUATION, unhurried=True))
    assert (found.shape, found.reason) == (Shape(16, 1, 2), ShapeReason.MEASURED)
    assert measuring == [32]


@pytest.mark.parametrize(
    "request_",
    [
        ShapeRequest(Work(8, each=8)),
        ShapeRequest(Work(31), unhurried=True),
        ShapeRequest(EVALUATION, parallel=4, unhurried=True),
        ShapeRequest(EVALUATION, begun=Shape(4), unhurried=True),
    ],
)
def test_nothing_is_measured_where_it_would_delay_an_answer_or_decide_nothing(
    paths: Paths, demo: ModelInfo, measuring: list[int], request_: ShapeRequest
) -> None:
    """One problem, a few of them, a number that the user gave, a run that goes on."""
    decided(paths, demo, request_)
    assert measuring == []


def test_what_was_measured_while_others_computed_is_measured_again_where_there_is_time(
    kept: Paths, demo: ModelInfo, measuring: list[int]
) -> None:
    """Until then it is used, and the run says so."""
    store.write(tuning.key_of(demo, Settings()), replace(MEASURED, processor=0.5), tuning.folder(kept))
    found = decided(kept, demo, ShapeRequest(Work(8, each=8)))
    assert found.shape == Shape(4, 1, 2)
    assert "other programs" in sentence(demo, found)
    assert measuring == []
    again = decided(kept, demo, ShapeRequest(EVALUATION, unhurried=True))
    assert measuring == [32]
    assert "other programs" not in sentence(demo, again)


@pytest.mark.parametrize(
    ("begun_shape", "settings", "goes_on"),
    [
        (Shape(4), Settings(threads=1), True),
        (Shape(4, 1, 1), Settings(), True),
        (Shape(4, 1, 1), Settings(threads=1), True),
        (Shape(4, 1, 2), Settings(threads=1), False),
        (Shape(4, 2, 64), Settings(), False),
    ],
)
def test_a_run_goes_on_in_its_shape_where_the_threads_are_here_and_not_overruled(
    paths: Paths, demo: ModelInfo, begun_shape: Shape, settings: Settings, goes_on: bool
) -> None:
    """A run that was begun on a machine with more cores, or with other `--threads`, takes another shape."""
    found = decided(paths, demo, ShapeRequest(EVALUATION, begun=begun_shape), settings)
    assert (found.reason is ShapeReason.RESUMED) is goes_on


def test_nothing_is_measured_of_a_small_model(paths: Paths, demo: ModelInfo, measuring: list[int]) -> None:
    """Its default is the fastest wherever it was tried."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "SMALL", 64 << 20)
        found = decided(paths, demo, ShapeRequest(EVALUATION, unhurried=True))
        assert sentence(demo, found) == ""
        assert decide(demo, ShapeRequest(EVALUATION), replace(MEASURED, processor=0.5), ANY) == found
    assert found.reason is ShapeReason.DEFAULT
    assert measuring == []


def test_a_kept_measurement_is_used_until_something_changes_that_it_depends_on(
    kept: Paths, demo: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found again by the same settings; not with other threads or another type of the KV cache."""
    found = tuning.known(demo, Settings(), kept)
    assert found is not None
    assert found.record() == MEASURED.record()
    for changed in (Settings(threads=1), Settings(kv_type=KVType.Q8_0), Settings(repack=False), Settings(device="cpu")):
        assert tuning.known(demo, changed, kept) is None
    monkeypatch.setattr(tuning, "physical_cores", lambda: 64)
    assert tuning.known(demo, Settings(), kept) is None


@pytest.mark.parametrize(("stop_at", "width"), [(0, 4), (3, 3)])
def test_the_samples_of_a_problem_run_in_the_shape_that_was_measured(
    kept: Paths, demo: ModelInfo, stop_at: int, width: int
) -> None:
    """`solve -k 8`: four at a time in one batch; where three equal answers decide, three."""
    with open_tools(demo, Settings(k=8, stop_at=stop_at), kept, LOCK, mode=Mode.COT) as opened:
        assert opened.shape is not None
        assert opened.shape.shape == Shape(width, 1, 2)
        assert opened.tools.width == width


def test_the_python_api_takes_the_width_that_is_fastest_in_one_batch(
    kept: Paths, paths: Paths, demo: ModelInfo
) -> None:
    """For as many samples as there are; by default where nothing was measured."""
    assert [several_at_once(demo, Settings(), kept, samples) for samples in (0, 1, 4, 500)] == [1, 1, 4, 16]
    assert [several_at_once(demo, Settings(), paths, samples) for samples in (0, 1, 8, 500)] == [1, 1, 8, 32]


def test_many_problems_are_opened_in_the_shape_that_was_decided(
    paths: Paths, demo: ModelInfo, measuring: list[int]
) -> None:
    request = ShapeRequest(Work(100), unhurried=True)
    with open_many(demo, Settings(), paths, LOCK, select(demo, Language.EN, Mode.COT), request) as opened:
        assert opened.shape is not None
        assert opened.tools.width == opened.shape.shape.width == 16
    assert measuring == [32]


@pytest.mark.parametrize(
    ("groups", "missing", "expected"),
    [
        ([], 10, None),
        ([Group((("a", 0),) * 64, 16, 1, 2)], 100, Shape(16, 1, 2)),
        ([Group((("a", 0),) * 64, 16)], 100, Shape(16)),
        ([Group((("a", 0),) * 64, 16), Group((("a", 0),) * 32, 4, 2, 1)], 100, Shape(4, 2, 1)),
        ([Group((("a", 0),) * 5, 5)], 100, None),
        ([Group((("a", 0),) * 5, 5)], 5, Shape(5)),
    ],
)
def test_a_run_goes_on_in_the_shape_of_its_last_group_unless_that_had_too_few_samples(
    groups: list[Group], missing: int, expected: Shape | None
) -> None:
    """A first run of five problems does not make the next hundred run five at a time."""
    assert begun(groups, missing) == expected

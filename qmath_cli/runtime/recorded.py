"""Samples that were recorded before, graded again without a model: runs of this program, and files of others.

A run of this program has its problems in a file of its own, which it names. Where that file is gone or has changed, the
run's own verdicts are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qmath_cli.errors import DataError
from qmath_cli.evaluation import datasets, responses
from qmath_cli.evaluation.comparison import remarks
from qmath_cli.evaluation.datasets import Dataset, Item
from qmath_cli.evaluation.published import published
from qmath_cli.evaluation.run_file import StoredRun, stored_run
from qmath_cli.evaluation.score import ScoredRun
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.names import ModelName
from qmath_cli.paths import Paths
from qmath_cli.records import Language
from qmath_cli.runtime.data_sets import find
from qmath_cli.runtime.evaluation import open_graders, scored
from qmath_cli.runtime.evaluation_request import EvaluationRequest
from qmath_cli.settings import Grade, Settings

Note = Callable[[str], None]
"""Called with a sentence for people."""


@dataclass(frozen=True, slots=True)
class RecordedSamples:
    """What is to be graded.

    Attributes:
        path: The recorded samples.
        data: The file of the problems of a run of this program; None: the one that the run names.
        settings: For `pick`.
        grade: Whose verdict counts.
        k: So many samples of each problem at most; None: as many as there are.
        skip_bad: Skip damaged lines.
    """

    path: Path
    data: Path | None
    settings: Settings
    grade: Grade
    k: int | None = None
    skip_bad: bool = False

    def request(self, data: Dataset, samples: int) -> EvaluationRequest:
        """What is to be scored."""
        settings = replace(self.settings, k=min(self.k or samples, samples))
        return EvaluationRequest(data, settings, self.grade, 1, self.path.parent)


def score_recorded(recorded: RecordedSamples, paths: Paths, lock: Lock, note: Note) -> tuple[Dataset, ScoredRun]:
    """The problems, and the score of the samples.

    Raises:
        DataError: the file is neither a run nor a file of responses, or it is damaged; or `data` is not the file of
            the run's problems.
    """
    run = stored_run(recorded.path)
    if run is not None:
        return _of_run(recorded, run, paths, lock, note)
    data, samples, fewest = responses.read(recorded.path, skip_bad=recorded.skip_bad)
    items = {item.id: item for item in data.items}
    with open_graders("math") as graders:
        graded = [graders.grade(one, items[one.item]) for one in samples]
        return data, ScoredRun(scored(recorded.request(data, fewest), graded, graders), graded)


def _of_run(
    recorded: RecordedSamples, run: StoredRun, paths: Paths, lock: Lock, note: Note
) -> tuple[Dataset, ScoredRun]:
    setup = run.setup
    data = _problems(recorded, run, paths, lock)
    if data is None:
        note("the problems of this run are not found: its stored verdicts are counted; --data FILE says where they are")
    items = {} if data is None else {item.id: item for item in data.items}
    data = data or _unknown(run)
    (samples, _), *_ = Counter(Counter(one.item for one in run.samples).values()).most_common(1)
    with open_graders(setup.data) as graders:
        graded = [graders.grade(one.made, items[one.item]) if one.item in items else one for one in run.samples]
        found = scored(recorded.request(data, samples), graded, graders)
    base = ModelName.parse(setup.model).base
    found = replace(found, setup=setup, published=published(base, setup.mode, setup.data))
    return data, ScoredRun(replace(found, remarks=remarks(found, setup.quantization)), graded, recorded.path.absolute())


def _problems(recorded: RecordedSamples, run: StoredRun, paths: Paths, lock: Lock) -> Dataset | None:
    """The problems of a run: in the file that was given, in the one that the run names, or where its data set is."""
    if recorded.data is not None:
        data = datasets.load(run.setup.data, recorded.data, skip_bad=True)
        if data.sha256 != run.setup.data_sha256:
            raise DataError(f"{recorded.data} is not the file of this run's problems", "its content is another")
        return data
    for path in _places(run, paths, lock):
        try:
            data = datasets.load(run.setup.data, path, skip_bad=True)
        except DataError:  # changed since: then it is not the one
            continue
        if data.sha256 == run.setup.data_sha256:
            return data
    return None


def _places(run: StoredRun, paths: Paths, lock: Lock) -> Sequence[Path]:
    """Where the problems may be."""
    places = [run.source] if run.source is not None and run.source.is_file() else []
    try:
        return [*places, find(run.setup.data, None, paths, lock).path]
    except DataError:
        return places


def _unknown(run: StoredRun) -> Dataset:
    """The problems of a run by their ids, which is all that the run has of them."""
    ids = dict.fromkeys(one.item for one in run.samples)
    items = tuple(Item(name, "(not known)", "", "", Language.EN, label=name) for name in ids)
    return Dataset(run.setup.data, items, run.setup.data_sha256)

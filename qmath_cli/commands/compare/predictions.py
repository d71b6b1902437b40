"""The passes of a comparison: the base's predictions into a file, and each model's against them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from qmath_cli.benchmark.divergence.base_file import is_base_file, reading
from qmath_cli.benchmark.divergence.passage import Passage, chunks
from qmath_cli.benchmark.divergence.passes import positions_against, write_base
from qmath_cli.benchmark.divergence.statistics import Position, clustered, divergence, nearer
from qmath_cli.commands.compare.wanted import CompareOptions
from qmath_cli.commands.invocation import Invocation
from qmath_cli.commands.problem import read_text
from qmath_cli.engine.llama.model import Model
from qmath_cli.evaluation import responses
from qmath_cli.evaluation.changed import ModelComparison
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.prompting.select import select
from qmath_cli.records import Language, Mode, ModelInfo
from qmath_cli.runtime import held_out
from qmath_cli.runtime.solution_passages import solution_passages
from qmath_cli.runtime.weights import notes, open_model
from qmath_cli.settings import Settings
from qmath_cli.terminal.counted import counted_progress
from qmath_cli.terminal.solving_status import SolvingStatus


def require_solvers(here: Invocation, wanted: CompareOptions) -> None:
    """Raise for a model that is not here, or that only scores; before the first one is loaded."""
    lock = lockfile.load()
    base = () if is_base_file(Path(wanted.base)) else (wanted.base,)
    for name in (*base, *wanted.models):
        select(describe(name, here.paths, lock), Language.EN, Mode.COT)


@contextmanager
def base_file(here: Invocation, settings: Settings, wanted: CompareOptions) -> Iterator[Path]:
    """The file with the base's predictions: the one given, the one to keep, or one that is deleted afterwards."""
    given = Path(wanted.base)
    if is_base_file(given):
        yield given
        return
    with tempfile.TemporaryDirectory(dir=_scratch(here)) as scratch:
        path = wanted.save_base or Path(scratch) / "base"
        with _opened(here, settings, wanted, wanted.base) as (model, info, name):
            passages, source = _passages(wanted, model, info)
            with counted_progress(here.terminal, "reading", _unit(wanted), _with(name)) as progress:
                write_base(path, model, name, passages, source, progress)
        if wanted.save_base is not None:
            here.terminal.note(f"the predictions of {name} are in {path}: {path.stat().st_size / 1e6:,.0f} MB")
        yield path


class Comparisons:
    """Compares models with the base, one after the other; what the first one predicted is kept for the others."""

    def __init__(self, here: Invocation, settings: Settings, wanted: CompareOptions, path: Path) -> None:
        self._here, self._settings, self._wanted, self._path = here, settings, wanted, path
        self._first: list[list[Position]] = []

    def compared(self, name: str) -> ModelComparison:
        """A model's predictions against those in the file."""
        with (
            _opened(self._here, self._settings, self._wanted, name) as (model, _info, shown),
            reading(self._path) as reader,
            counted_progress(self._here.terminal, "reading", _unit(self._wanted), _with(shown)) as progress,
        ):
            found = positions_against(reader, model, progress)
        several = len(found) > 1
        between = nearer(self._first, found) if self._first and several else None
        self._first = self._first or found
        return ModelComparison(
            name,
            divergence([position for passage in found for position in passage]),
            clustered(found) if several else None,
            between,
        )


def _with(name: str) -> str:
    return f"with {PurePath(name).name}"


def _unit(wanted: CompareOptions) -> str:
    return "chunks" if wanted.text is not None else "passages" if is_base_file(Path(wanted.base)) else "solutions"


def _scratch(here: Invocation) -> Path:
    folder = here.paths.cache
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _passages(wanted: CompareOptions, model: Model, info: ModelInfo) -> tuple[list[Passage], str]:
    """What the models read, and what it is in words."""
    if wanted.text is not None:
        text, _ = read_text(wanted.text, str(wanted.text))
        found = chunks(model.tokenize_plain(text.encode()), wanted.chunk, wanted.chunks)
        return found, f"{wanted.text}, {len(found)} chunks of {wanted.chunk} tokens"
    if wanted.solutions is None:
        drawn = held_out.written_solutions(wanted.chunks or held_out.SOLUTIONS)
        found = solution_passages(drawn, model, info)
        return found, f"held-out mathematical text of qmath's, {len(found)} solutions"
    data, samples, _ = responses.read(wanted.solutions)
    first = {one.item: one.sample.text for one in reversed(samples)}
    pairs = [(item, first[item.id]) for item in data.items][: wanted.chunks]
    found = solution_passages(pairs, model, info)
    return found, f"{wanted.solutions}, {len(found)} solutions"


@contextmanager
def _opened(
    here: Invocation, settings: Settings, wanted: CompareOptions, name: str
) -> Iterator[tuple[Model, ModelInfo, str]]:
    lock = lockfile.load()
    info = describe(name, here.paths, lock)
    status = SolvingStatus()
    with here.terminal.status.during(status.waiting):
        model = open_model(info, settings, here.paths, lock, force=wanted.force, on_activity=status.activity)
    with model:
        here.notes(*notes(info, model))
        yield model, info, _name(info)


def _name(info: ModelInfo) -> str:
    """A model's name with its quantization."""
    known = not info.quantization or info.name.endswith(f":{info.quantization}")
    return info.name if known else f"{info.name}:{info.quantization}"

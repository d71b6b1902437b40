"""How tokens are drafted by these settings: looked up, by a smaller model, or not at all.

Drafts need to know what steps cost on this machine. That is measured by `qmath bench` and by runs that take long
enough; where nothing was measured, nothing is drafted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from qmath_cli.benchmark.tuning.table import Arrangement
from qmath_cli.engine.drafts.opening import NO_DRAFTS, DraftOptions
from qmath_cli.engine.drafts.vocabulary import difference
from qmath_cli.engine.llama.model import Model, load_vocabulary
from qmath_cli.engine.llama.placement import SMALL
from qmath_cli.errors import ModelMissing, UsageError
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.records import ModelInfo, Shape, StepCost
from qmath_cli.records.activity import OnActivity, unobserved
from qmath_cli.runtime import tuning
from qmath_cli.runtime.weights import open_model
from qmath_cli.settings import Draft, Settings

_SMALLER = "a smaller model of the same family, such as 1.5b-instruct for 7b-instruct"
_ON_SERVERS = "--draft {} does nothing where servers compute: vLLM, SGLang and llama-server have drafts of their own"


def draft_model(settings: Settings, paths: Paths, lock: Lock) -> ModelInfo | None:
    """The model that drafts; None where none does. Asked before the other model is loaded.

    Raises:
        ModelMissing, IntegrityError, UsageError: as `describe` raises them.
    """
    if _word(settings) in tuple(Draft):
        return None
    try:
        found = describe(settings.draft, paths, lock)
    except ModelMissing as exc:
        words = f"{', '.join(Draft)}, or a model; " if exc.hint.startswith("known:") else ""
        raise ModelMissing(f"--draft {settings.draft}: {exc}", words + exc.hint) from exc
    if found.kind.scores:
        raise UsageError(f"--draft {settings.draft}: a reward model writes nothing", _SMALLER)
    return found


@contextmanager
def open_drafts(
    info: ModelInfo,
    model: Model,
    settings: Settings,
    paths: Paths,
    lock: Lock,
    *,
    shape: Shape,
    force: bool = False,
    on_activity: OnActivity = unobserved,
) -> Iterator[tuple[DraftOptions, tuple[str, ...]]]:
    """How a loaded model's tokens are drafted while the block lasts, and what the user has to know of it.

    Args:
        info: The model.
        model: The same, loaded.
        settings: Which drafts are wanted.
        paths: Where measurements are kept.
        lock: models.lock.
        shape: In which the model computes.
        force: Load the model that drafts even if it does not seem to fit.
        on_activity: Told how far that has come.

    Raises:
        UsageError: The model that drafts has another vocabulary.
        ModelMissing, IntegrityError, DoesNotFit: as for any model.
    """
    small = draft_model(settings, paths, lock)
    if small is not None:
        _require_same_vocabulary(info, model, small)
    why = why_not(info, settings, paths, shape)
    cost = None if why else _cost(info, settings, paths, shape)
    if cost is None:
        asked = _word(settings) not in {Draft.AUTO, Draft.OFF}
        yield NO_DRAFTS, (f"nothing is drafted: {why}",) if asked else ()
    elif small is None:
        yield DraftOptions(cost), ()
    else:
        own = replace(settings, model=settings.draft)
        with open_model(
            small, own, paths, lock, shape=Shape(shape.width), force=force, on_activity=on_activity
        ) as opened:
            yield DraftOptions(cost, opened, _cost(small, own, paths, shape)), ()


@contextmanager
def open_with_drafts(
    info: ModelInfo, settings: Settings, paths: Paths, lock: Lock, *, force: bool = False
) -> Iterator[tuple[Model, DraftOptions]]:
    """A model in memory, for the samples of one problem at once, and how its tokens are drafted.

    Raises:
        UsageError, ModelMissing, IntegrityError, DoesNotFit, EngineUnusable: as `open_model` and `open_drafts`.
    """
    draft_model(settings, paths, lock)  # if it is missing, this is known before the other one is loaded
    with (
        open_model(info, settings, paths, lock, shape=Shape(settings.k), force=force) as model,
        open_drafts(info, model, settings, paths, lock, shape=Shape(settings.k), force=force) as (options, _),
    ):
        yield model, options


def why_not(info: ModelInfo, settings: Settings, paths: Paths, shape: Shape) -> str:
    """Why nothing is drafted; empty where something may be."""
    if _word(settings) == Draft.OFF:
        return "it is switched off"
    if info.size < SMALL:
        return f"steps of {info.name} are too short for drafts to gain"
    if shape.batches > 1:
        return "several batches compute side by side"
    found = tuning.known(info, settings, paths)
    if found is not None and found.disturbed:
        return f"steps of {info.name} were measured beside other programs; `qmath bench -m {info.name}` does it again"
    if _cost(info, settings, paths, shape) is None:
        return f"what steps of {info.name} cost is not known; `qmath bench -m {info.name}` measures it"
    return ""


def _word(settings: Settings) -> str:
    """What drafts, in the words of `Draft`, or the name of a model."""
    return settings.draft.strip().lower() or Draft.AUTO


def note_on_servers(settings: Settings) -> tuple[str, ...]:
    """What the user has to know where servers compute and drafts were asked for."""
    if _word(settings) in {Draft.AUTO, Draft.OFF}:
        return ()
    return (_ON_SERVERS.format(settings.draft),)


def _cost(info: ModelInfo, settings: Settings, paths: Paths, shape: Shape) -> StepCost | None:
    """What steps of one batch cost on the threads of a shape; None if that was not measured."""
    found = tuning.known(info, settings, paths)
    if found is None:
        return None
    threads = shape.threads or found.arrangements[0].arrangement.threads
    return next((one.cost for one in found.arrangements if one.arrangement == Arrangement(1, threads)), None)


def _require_same_vocabulary(info: ModelInfo, model: Model, small: ModelInfo) -> None:
    vocabulary = load_vocabulary(small.path)
    try:
        found = difference(model.tokenizer, vocabulary.tokenizer)
    finally:
        vocabulary.close()
    if found:
        raise UsageError(
            f"--draft {small.name}: its vocabulary is not that of {info.name}: {found}",
            _SMALLER,
        )

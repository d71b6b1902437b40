"""How tokens are drafted by these settings: looked up, by a smaller model, or not at all.

Drafts need to know what steps cost on this machine. That is measured by `qmath bench` and by runs that take long
enough; where nothing was measured, nothing is drafted.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from qmath_cli.engine.drafts.opening import NO_DRAFTS, DraftOptions
from qmath_cli.engine.drafts.vocabulary import difference
from qmath_cli.engine.llama.model import Model, load_vocabulary
from qmath_cli.errors import UsageError
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.records import ModelInfo, StepCost
from qmath_cli.records.activity import OnActivity, unobserved
from qmath_cli.runtime import tuning
from qmath_cli.runtime.weights import open_model
from qmath_cli.settings import Draft, Settings

_UNMEASURED = "nothing is drafted: what steps cost is not known for {}; `qmath bench -m {}` measures it"
_ON_SERVERS = "--draft {} does nothing where servers compute: vLLM, SGLang and llama-server have drafts of their own"


def draft_model(settings: Settings, paths: Paths, lock: Lock) -> ModelInfo | None:
    """The model that drafts; None where none does. Asked before the other model is loaded.

    Raises:
        ModelMissing, IntegrityError, UsageError: as `describe` raises them.
    """
    if settings.draft.lower() in tuple(Draft):
        return None
    return describe(settings.draft, paths, lock)


def open_drafts(
    info: ModelInfo,
    model: Model,
    settings: Settings,
    paths: Paths,
    lock: Lock,
    stack: ExitStack,
    *,
    width: int = 1,
    force: bool = False,
    on_activity: OnActivity = unobserved,
) -> tuple[DraftOptions, tuple[str, ...]]:
    """How a loaded model's tokens are drafted, and what the user has to know of it.

    Args:
        info: The model.
        model: The same, loaded.
        settings: Which drafts are wanted.
        paths: Where measurements are kept.
        lock: models.lock.
        stack: Closes the model that drafts.
        width: Sequences at once.
        force: Load the model that drafts even if it does not seem to fit.
        on_activity: Told how far that has come.

    Raises:
        UsageError: The model that drafts has another vocabulary.
        ModelMissing, IntegrityError, DoesNotFit: as for any model.
    """
    if settings.draft.lower() == Draft.OFF:
        return NO_DRAFTS, ()
    small = draft_model(settings, paths, lock)
    if small is not None:
        _require_same_vocabulary(info, model, small)
    cost = _cost(info, settings, paths)
    if cost is None:
        asked = settings.draft.lower() != Draft.AUTO
        return NO_DRAFTS, (_UNMEASURED.format(info.name, info.name),) if asked else ()
    if small is None:
        return DraftOptions(cost), ()
    own = replace(settings, model=settings.draft)
    opened = stack.enter_context(
        open_model(small, own, paths, lock, sequences=width, force=force, on_activity=on_activity)
    )
    return DraftOptions(cost, opened, _cost(small, own, paths)), ()


def note_on_servers(settings: Settings) -> tuple[str, ...]:
    """What the user has to know where servers compute and drafts were asked for."""
    if settings.draft.lower() in {Draft.AUTO, Draft.OFF}:
        return ()
    return (_ON_SERVERS.format(settings.draft),)


def _cost(info: ModelInfo, settings: Settings, paths: Paths) -> StepCost | None:
    found = tuning.known(info, settings, paths)
    return None if found is None else found.steps


def _require_same_vocabulary(info: ModelInfo, model: Model, small: ModelInfo) -> None:
    vocabulary = load_vocabulary(small.path)
    try:
        found = difference(model.tokenizer, vocabulary.tokenizer)
    finally:
        vocabulary.close()
    if found:
        raise UsageError(
            f"--draft {small.name}: its vocabulary is not that of {info.name}: {found}",
            "a smaller model of the same family, such as 1.5b-instruct for 7b-instruct",
        )

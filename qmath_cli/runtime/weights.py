"""The weights of a described model in memory."""

from __future__ import annotations

from qmath_cli import gguf_file
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.errors import UsageError
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.records import ONE_SEQUENCE, ModelInfo, Shape
from qmath_cli.records.activity import Idle, Loading, OnActivity, unobserved
from qmath_cli.runtime.need import cells, preflight, require_memory
from qmath_cli.runtime.offload import footprint
from qmath_cli.settings import Settings

_MOST_LOCAL = 256  # sequences of one context of llama.cpp


def open_model(
    info: ModelInfo,
    settings: Settings,
    paths: Paths,
    lock: Lock,
    *,
    shape: Shape = ONE_SEQUENCE,
    force: bool = False,
    writable: bool = False,
    on_activity: OnActivity = unobserved,
) -> Model:
    """The weights in memory. Close the model, or use it as a context manager.

    Args:
        info: the model.
        settings: device, threads, context and KV cache.
        paths: where the preflight's verdict is kept.
        lock: models.lock, for advice on what would fit.
        shape: how many sequences will decode at once, and in how many batches.
        force: load it even if it does not seem to fit.
        writable: whether its weights will be written to: see `engine.weights`.
        on_activity: told how far loading has come.

    Raises:
        DoesNotFit: with the numbers, and what would fit.
        EngineUnusable, IntegrityError, UsageError: as `engine.llama.model.load` raises them.
    """
    if not force:
        require_memory(info, settings, paths, lock, shape.width, batches=max(shape.batches, 1))
    options = Options(
        device=settings.device,
        gpu_layers=settings.gpu_layers,
        threads=settings.threads,
        ctx=settings.ctx,
        kv_type=settings.kv_type,
        mlock=settings.mlock,
        repack=settings.repack,
        writable=writable,
        footprint=lambda: footprint(gguf_file.read(info.path), cells(settings, shape.width), settings.kv_type),
    )
    found = preflight(settings, paths, lock)
    on_activity(Loading(info.name))
    try:
        return load(info.path, options, found, lambda share: on_activity(Loading(info.name, share)))
    finally:
        on_activity(Idle())


def notes(info: ModelInfo, model: Model) -> tuple[str, ...]:
    """What a user has to know of a model and of where it runs, one sentence each."""
    return tuple(filter(None, (*info.warnings, model.placement.note)))


def require_local(sequences: int) -> None:
    """Raise `UsageError` for more sequences at once than a model on this machine can have."""
    if sequences > _MOST_LOCAL:
        raise UsageError(
            f"--parallel {sequences}: at most {_MOST_LOCAL} sequences decode at once on this machine",
            f"--parallel {_MOST_LOCAL}, or --server URL",
        )

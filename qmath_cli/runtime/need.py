"""The memory that a model needs as these settings run it: what `list` and `doctor` show and a refusal is decided by."""

from __future__ import annotations

from collections.abc import Callable

from qmath_cli import gguf_file
from qmath_cli.engine.llama.preflight import Preflight, check
from qmath_cli.errors import EngineUnusable, ModelMissing, UsageError
from qmath_cli.gguf_file import Header
from qmath_cli.models import fit, memory
from qmath_cli.models.describe import describe
from qmath_cli.models.fit import Fit, FitVerdict, Need
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.records import ModelInfo, Shape
from qmath_cli.settings import Settings

_MOST_CONTEXTS = 4  # whole contexts whose KV cells are reserved at most, however many sequences there are


def preflight(settings: Settings, paths: Paths, lock: Lock) -> Preflight:
    """The way in which this build of llama.cpp runs here, found out once with the demo model and kept in the cache.

    Raises:
        EngineUnusable: it does not run in any way.
    """
    verdict = check(describe("demo", paths, lock).path, paths.cache, settings.device)
    verdict.require()
    return verdict


def repacked_types(settings: Settings, paths: Paths, lock: Lock) -> tuple[str, ...]:
    """The types of weights that take memory twice under these settings; none where llama.cpp does not run."""
    if not settings.repack:
        return ()
    try:
        return preflight(settings, paths, lock).repacked
    except (EngineUnusable, UsageError, ModelMissing):
        return ()


def cells(settings: Settings, sequences: int, header: Header | None = None) -> int:
    """KV cells that are reserved, in tokens; a header shortens the context to the one the model was trained on."""
    trained = header.number("context_length") if header is not None else 0
    context = min(settings.ctx, trained) if trained > 0 else settings.ctx
    return context * min(sequences, _MOST_CONTEXTS)


def need(header: Header, settings: Settings, repacked: tuple[str, ...], sequences: int = 1, batches: int = 1) -> Need:
    """The need of a model whose samples decode at once, from its header: see `fit.need`."""
    reserved = cells(settings, sequences, header)
    return fit.need(header, reserved, settings.kv_type, repacked=repacked, sequences=sequences, batches=batches)


def taken(info: ModelInfo | None, settings: Settings, paths: Paths, lock: Lock) -> int:
    """Bytes that a model will take beside another one; 0 for none."""
    if info is None:
        return 0
    return need(gguf_file.read(info.path), settings, repacked_types(settings, paths, lock), settings.k).total


def judge(header: Header, settings: Settings, repacked: tuple[str, ...], available: int | None) -> Fit:
    """The need of one sequence, compared with `available` bytes of memory."""
    cell = fit.kv_per_cell(header, settings.kv_type)
    return fit.judge(need(header, settings, repacked), available, cell)


def require_memory(
    info: ModelInfo,
    settings: Settings,
    paths: Paths,
    lock: Lock,
    sequences: int,
    *,
    batches: int = 1,
    loaded: bool = False,
    held: int = 0,
) -> None:
    """Refuse what does not fit.

    Args:
        info: the model.
        settings: context and KV cache, and whether weights may be repacked.
        paths: where the preflight's verdict is kept.
        lock: models.lock, for advice on what would fit.
        sequences: how many sequences will decode at once.
        batches: in how many batches.
        loaded: whether this process has the weights already.
        held: bytes that another model has allocated and gives back; negative: that it will take.

    Raises:
        DoesNotFit: with the numbers, and what would fit.
    """
    header = gguf_file.read(info.path)
    wanted = need(header, settings, repacked_types(settings, paths, lock), sequences, batches)
    found = memory.memory()
    held += wanted.weights + wanted.repacked if loaded else 0
    available = found.available + held if found is not None else None
    fit.require(fit.judge(wanted, available, fit.kv_per_cell(header, settings.kv_type)), info.name, lock)


def fitting(info: ModelInfo, settings: Settings, paths: Paths, lock: Lock, *, loaded: bool) -> Callable[[Shape], bool]:
    """Whether there is memory for shapes; `loaded`: whether this process has the weights already."""
    header = gguf_file.read(info.path)
    repacked = repacked_types(settings, paths, lock)
    found = memory.memory()

    def fits(shape: Shape) -> bool:
        wanted = need(header, settings, repacked, shape.width, max(shape.batches, 1))
        held = wanted.weights + wanted.repacked if loaded else 0
        available = None if found is None else found.available + held
        return fit.judge(wanted, available).verdict is not FitVerdict.NO

    return fits

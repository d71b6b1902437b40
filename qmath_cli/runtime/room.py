"""Whether a model fits: the memory that it takes with its KV cells, against what is free."""

from __future__ import annotations

from qmath_cli import gguf_file
from qmath_cli.models import fit, memory
from qmath_cli.models.lockfile import Lock
from qmath_cli.records import ModelInfo
from qmath_cli.settings import Settings

_MOST_CONTEXTS = 4  # whole contexts whose KV cells are reserved at most, however many sequences there are


def require_memory(info: ModelInfo, settings: Settings, lock: Lock, sequences: int, *, held: int = 0) -> None:
    """Refuse what does not fit.

    Args:
        info: the model.
        settings: context and KV cache.
        lock: models.lock, for advice on what would fit.
        sequences: how many sequences will decode at once.
        held: bytes of the need that this process has already allocated; negative: that another model will take.

    Raises:
        DoesNotFit: with the numbers, and what would fit.
    """
    header, wanted = gguf_file.read(info.path), need(info, settings, sequences)
    found = memory.memory()
    available = found.available + held if found is not None else None
    fit.require(fit.judge(wanted, available, fit.kv_per_cell(header, settings.kv_type)), info.name, lock)


def need(info: ModelInfo, settings: Settings, sequences: int) -> fit.Need:
    """The memory that a model takes, with the cells of so many sequences."""
    return fit.need(gguf_file.read(info.path), cells(settings, sequences), settings.kv_type)


def cells(settings: Settings, sequences: int) -> int:
    """KV cells that are reserved, in tokens."""
    return settings.ctx * min(sequences, _MOST_CONTEXTS)

"""What is known of this machine's speed with a model: measurements that are kept, and new ones.

A measurement belongs to the build of llama.cpp, the CPU, the device, the model's file and the settings that change the
speed; with any of them changed, it is measured again. What measures is imported where something is measured.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from qmath_cli.engine.llama import builds
from qmath_cli.engine.llama.devices import physical_cores
from qmath_cli.engine.llama.model import Model
from qmath_cli.paths import Paths
from qmath_cli.records import ModelInfo
from qmath_cli.records.activity import Idle, Measuring, OnActivity, unobserved
from qmath_cli.settings import Settings

if TYPE_CHECKING:
    from qmath_cli.benchmark.tuning.store import TuningKey
    from qmath_cli.benchmark.tuning.table import Tuning


def folder(paths: Paths) -> Path:
    """Where measurements are kept."""
    return paths.cache / "tuning"


def known(info: ModelInfo, settings: Settings, paths: Paths) -> Tuning | None:
    """What was measured of a model as these settings run it; None if nothing was, or servers compute it.

    Raises:
        EngineUnusable: llama.cpp is not installed.
    """
    if info.servers or not folder(paths).is_dir():
        return None
    from qmath_cli.benchmark.tuning import store

    return store.read(key_of(info, settings), folder(paths))


def measured(
    model: Model,
    info: ModelInfo,
    settings: Settings,
    paths: Paths,
    *,
    most: int = 0,
    briefly: bool = False,
    on_activity: OnActivity = unobserved,
) -> Tuning:
    """Measure a loaded model, and keep the result.

    Args:
        model: The model. Nothing else computes meanwhile.
        info: Its description.
        settings: How it was loaded.
        paths: Where the result is kept.
        most: Sequences at once for which there is memory; 0: there is for all that are measured.
        briefly: Whether a run waits for it, which it must not delay by much.
        on_activity: Told how far it has come.

    Raises:
        DoesNotFit: There is no memory for the contexts.
    """
    from qmath_cli.benchmark.tuning import store
    from qmath_cli.benchmark.tuning.measure import BRIEF, MOST_ROWS, THOROUGH, arrangements, measure
    from qmath_cli.benchmark.tuning.rigs import Rigs

    placement = model.placement
    wanted = arrangements(
        max(placement.threads, placement.batches),
        fixed=settings.threads > 0,
        side_by_side=placement.device is None,
    )
    on_activity(Measuring(0.0))
    try:
        found = measure(
            wanted,
            Rigs(model, most or MOST_ROWS),
            BRIEF if briefly else THOROUGH,
            processor=time.process_time if placement.device is None else None,
            on_share=lambda share: on_activity(Measuring(share)),
        )
    finally:
        on_activity(Idle())
    store.write(key_of(info, settings), found, folder(paths))
    return found


def key_of(info: ModelInfo, settings: Settings) -> TuningKey:
    """What a measurement of a model depends on, as these settings run it."""
    from qmath_cli.benchmark.tuning.store import TuningKey

    run = {
        "device": settings.device.lower(),
        "gpu_layers": settings.gpu_layers.lower(),
        "cores": str(physical_cores()),
        "threads": str(settings.threads),
        "kv_type": str(settings.kv_type),
        "repack": str(settings.repack),
    }
    return TuningKey(builds.installed().key, _identity(info.path), run)


def _identity(path: Path) -> str:
    """A file: its place, its size and when it was written. A hash is not always known."""
    stat = path.stat()
    return f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"

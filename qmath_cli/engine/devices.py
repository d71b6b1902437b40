"""Where a model runs: the device, the layers on it, the threads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmath_cli.engine.preflight import Preflight


@dataclass(frozen=True, slots=True)
class Placement:
    """What was decided. `devices` is a NULL-terminated C array, or None for llama.cpp's own choice."""

    name: str
    gpu_layers: int
    threads: int
    extra_buffers: bool
    devices: Any = None


def place(path: Path, device: str, gpu_layers: str, threads: int, verdict: Preflight) -> Placement:
    """Decide where the model in `path` runs."""
    del path, device, gpu_layers
    return Placement("cpu", 0, threads or os.cpu_count() or 1, verdict.extra_buffers)

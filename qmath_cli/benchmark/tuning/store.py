"""Measurements that are kept: one small file for each model in each way of running it.

A file is written whole or not at all. One that is damaged, of another version or of another key is as good as none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.benchmark.tuning.table import Tuning
from qmath_cli.files import write_json

_FORMAT = 1  # of the files, and of how is measured: a new number measures everything again
_LARGEST = 1 << 20  # bytes; ours have some thousand


@dataclass(frozen=True, slots=True)
class TuningKey:
    """What a measurement belongs to: it holds for nothing else.

    Attributes:
        build: The build of llama.cpp and the CPU: `builds.Build.key`.
        model: The hash of the model's file, or what identifies it instead.
        run: Device, layers on it, threads, type of the KV cache, copies of weights: whatever changes the speed.
    """

    build: str
    model: str
    run: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Thirty-two hexadecimal digits."""
        text = json.dumps([_FORMAT, self.build, self.model, sorted(self.run.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def file(self, folder: Path) -> Path:
        """Where it is kept."""
        return folder / f"{self.digest}.json"


def read(key: TuningKey, folder: Path) -> Tuning | None:
    """What was measured; None if nothing was, or the file is damaged."""
    file = key.file(folder)
    try:
        if file.stat().st_size > _LARGEST:
            return None
        found = json.loads(file.read_text(encoding="utf-8"))
        return Tuning.of(found["tuning"]) if found["key"] == key.digest else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write(key: TuningKey, tuning: Tuning, folder: Path) -> None:
    """Keep it, if the disk allows; without a file it is measured again."""
    record = {"key": key.digest, "build": key.build, "model": key.model, "run": dict(key.run)}
    with suppress(OSError):
        write_json(key.file(folder), {**record, "tuning": tuning.record()})

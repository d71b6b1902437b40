"""What qmath tells a worker at its start: limits, readable places, what to import, which layers tests switch off.

Travels as one JSON argument on the command line; holds nothing secret, since a program can read it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Sizes in bytes, times in seconds; `readable` are the folders that Python itself needs."""

    root: str  # the folder that holds the package qmath_cli
    paths: tuple[str, ...]  # appended to sys.path: where the mathematical libraries are
    readable: tuple[str, ...]
    scratch: str  # the empty working directory
    parent: int  # qmath's process id
    seconds: float
    memory: int
    preload: tuple[str, ...] = ()
    without: tuple[str, ...] = ()  # names of `limits.Switch`

    def dump(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> WorkerConfig:
        """What `dump` wrote."""
        record = json.loads(text)
        for name in ("paths", "readable", "preload", "without"):
            record[name] = tuple(record[name])
        return cls(**record)

"""The configuration of a worker: limits, readable folders, libraries to import, layers that a test switches off.

It is passed as one JSON argument on the command line. A program can read it, so it holds no secret.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

#: Set to 1, they keep numerical libraries from starting threads, which a fork would lose.
THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Sizes in bytes, times in seconds; `readable` are the folders that Python itself needs."""

    root: str  # the folder that holds the package qmath_cli
    paths: tuple[str, ...]  # appended to sys.path: where the mathematical libraries are installed
    readable: tuple[str, ...]
    scratch: str  # the empty working directory
    parent: int  # qmath's process id
    seconds: float
    memory: int
    preload: tuple[str, ...] = ()  # imported before the first worker is confined
    later: tuple[str, ...] = ()  # imported by the zygote once several workers are forked
    without: tuple[str, ...] = ()  # values of `limits.Switch`

    def dump(self) -> str:
        """Return the configuration as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> WorkerConfig:
        """Read what `dump` wrote."""
        record = json.loads(text)
        for name in ("paths", "readable", "preload", "later", "without"):
            record[name] = tuple(record[name])
        return cls(**record)

"""What a program may use, and what was shown to hold it back: the records of this room.

Sizes are bytes, times seconds. A `Layer` is a finding, never an intention: it comes from a probe that a real worker
ran on itself after its restrictions were on (see `probes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Limits:
    """One worker's limits. `seconds` is wall-clock time for one program; `memory` is address space."""

    seconds: float = 10.0
    memory: int = 1536 << 20
    output: int = 1 << 20  # bytes a program may write before it is stopped
    text: int = 1500  # characters of output that are handed on
    source: int = 200_000  # characters of program text


class Guard(StrEnum):
    """The things a program must not do, each of which one or more layers refuse."""

    PROCESS = "process"
    TIME = "time"
    OUTPUT = "output"
    MEMORY = "memory"
    WRITES = "file writes"
    READS = "file reads outside Python"
    NETWORK = "network"
    PROCESSES = "new processes, signals"


class Hold(StrEnum):
    """Who refuses: the kernel, qmath's own process from outside, code inside the worker's Python, or nobody."""

    KERNEL = "kernel"
    OUTSIDE = "outside"
    PYTHON = "python"
    NONE = "none"


class Switch(StrEnum):
    """Layers that a test may leave out, to see what each is worth."""

    LANDLOCK = "landlock"
    SECCOMP = "seccomp"
    AUDIT = "audit"
    POLICY = "policy"
    OLD_KERNEL = "old-kernel"  # behave as on a kernel that has no Landlock


@dataclass(frozen=True, slots=True)
class Layer:
    """One guard, who was seen to hold it, and by what means."""

    guard: Guard
    hold: Hold
    detail: str = ""

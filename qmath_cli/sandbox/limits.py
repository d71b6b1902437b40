"""What a program may use, and which layer was found to refuse what it must not do: the records of this room.

A `Layer` is a finding, never an intention: it comes from a probe that a real worker ran on itself after its
restrictions were applied (see `confinement.probes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one worker.

    Attributes:
        seconds: Wall-clock time of one program.
        memory: Address space of the worker, in bytes.
        output: Bytes that a program may write before it is stopped.
        text: Characters of output that are returned; longer output is cut in the middle.
        source: Characters of program text; a longer program is not run.
    """

    seconds: float = 10.0
    memory: int = 1536 << 20
    output: int = 1 << 20
    text: int = 1500
    source: int = 200_000


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
    """What refuses: the kernel, qmath's own process from outside, Python code inside the worker, or nothing."""

    KERNEL = "kernel"
    OUTSIDE = "outside"
    PYTHON = "python"
    NONE = "none"


class Switch(StrEnum):
    """Layers that a test may leave out to measure the others."""

    LANDLOCK = "landlock"
    SECCOMP = "seccomp"
    AUDIT = "audit"
    POLICY = "policy"
    OLD_KERNEL = "old-kernel"  # behave as on a kernel without Landlock


@dataclass(frozen=True, slots=True)
class Layer:
    """One guard, what was found to hold it, and a few words on the means."""

    guard: Guard
    hold: Hold
    detail: str = ""

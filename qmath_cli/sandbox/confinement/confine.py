"""Applies the restrictions of this process and probes them. This module alone defines the order of the layers.

    limits (POSIX)  ->  the kernel's own sandbox (Linux, macOS, Windows)  ->  probes  ->  audit hook  ->  probes

The report lists what the probes found, not what was applied.
"""

from __future__ import annotations

import os
import sys

from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.confinement import audit, probes
from qmath_cli.sandbox.limits import Guard, Hold, Switch


def confine(config: WorkerConfig, parent: int) -> list[dict[str, str]]:
    """Apply every layer that this system has.

    A layer that cannot be applied is no error: the probes then find that it does not hold.

    Args:
        config: The limits, the readable folders, and the layers to leave out.
        parent: The process id of the parent: the process ends when that one does.

    Returns:
        One record per guard, for the first frame that the worker sends.
    """
    detail = apply(config, parent)
    found = probes.run(config, probes.PROBES, Hold.KERNEL, detail)
    memory = probes.memory_limit_holds(config)
    if Switch.AUDIT not in config.without:
        audit.install(_readable(config))
        found |= probes.run(config, probes.PROBES.keys() - found.keys(), Hold.PYTHON, "audit hook")
    not_held = {guard: probes.record(guard, Hold.NONE, "not refused") for guard in probes.PROBES}
    return [*held_outside(config, memory=memory), *(not_held | found).values()]  # in the order of the probes


def precompute(config: WorkerConfig) -> tuple[int, ...]:
    """Compute in the zygote what every forked worker needs; return the descriptors that workers inherit (Linux)."""
    from qmath_cli.sandbox.confinement import linux

    audit.path_prefixes(_readable(config))
    return linux.precompute(config)


def _readable(config: WorkerConfig) -> tuple[str, ...]:
    return (*config.readable, "/dev/urandom", "/usr/share/zoneinfo")


def apply(config: WorkerConfig, parent: int) -> str:
    """Apply the limits and the kernel's sandbox, where there is one; return a few words on what was applied."""
    if sys.platform != "win32":
        from qmath_cli.sandbox.confinement import posix

        posix.limit(config)
    if sys.platform == "linux":
        from qmath_cli.sandbox.confinement import linux

        return linux.restrict(config, parent)
    if sys.platform == "darwin":
        from qmath_cli.sandbox.confinement import macos

        return macos.restrict(config, parent)
    if sys.platform == "win32":
        from qmath_cli.sandbox.confinement import windows

        return windows.restrict()
    return ""


def held_outside(config: WorkerConfig, *, memory: bool) -> list[dict[str, str]]:
    """The records of what the parent enforces, and of the memory limit."""
    size = f"{config.memory >> 20} MiB"
    process = "separate process, clean environment, empty folder"
    if sys.platform != "win32" and os.geteuid() == 0:
        process += "; root with file capabilities only"
    return [
        probes.record(Guard.PROCESS, Hold.OUTSIDE, process),
        probes.record(Guard.TIME, Hold.OUTSIDE, f"{config.seconds:g} s, then the process group is killed and reaped"),
        probes.record(Guard.OUTPUT, Hold.OUTSIDE, "limited, with type and length checked"),
        probes.record(Guard.MEMORY, Hold.KERNEL if memory else Hold.OUTSIDE, size),
    ]

"""Puts this process's restrictions on and probes them: the one place that knows the order of the layers.

    limits (POSIX)  ->  the kernel's own sandbox (Linux, macOS, Windows)  ->  probes  ->  audit hook  ->  probes

Returns the findings as plain records, for the first frame a worker sends.
"""

from __future__ import annotations

import os
import sys

from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.confinement import audit, probes
from qmath_cli.sandbox.limits import Guard, Hold, Switch


def confine(config: WorkerConfig, parent: int) -> list[dict[str, str]]:
    """Apply every layer this system has; what could not be applied shows in what the probes find."""
    detail = apply(config, parent)
    found = probes.find(config, probes.PROBES, Hold.KERNEL, detail)
    memory = probes.memory_held(config)
    if Switch.AUDIT not in config.without:
        audit.install(_open_to_python(config))
        found |= probes.find(config, probes.PROBES.keys() - found.keys(), Hold.PYTHON, "audit hook")
    unheld = {guard: probes.record(guard, Hold.NONE, "not refused") for guard in probes.PROBES}
    return [*outside(config, memory=memory), *(unheld | found).values()]  # in the order of the probes


def rehearse(config: WorkerConfig) -> tuple[int, ...]:
    """Work out beforehand what every forked worker would otherwise work out for itself (Linux).

    Returns descriptors that the workers are to inherit.
    """
    from qmath_cli.sandbox.confinement import linux

    audit.beneath(_open_to_python(config))
    return linux.rehearse(config)


def _open_to_python(config: WorkerConfig) -> tuple[str, ...]:
    return (*config.readable, "/dev/urandom", "/usr/share/zoneinfo")


def apply(config: WorkerConfig, parent: int) -> str:
    """Limits and the kernel's sandbox, where there is one; a few words on what it is."""
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


def outside(config: WorkerConfig, *, memory: bool) -> list[dict[str, str]]:
    """What the parent holds by itself, and the memory limit."""
    size = f"{config.memory >> 20} MiB"
    own = "a process of its own, clean environment, empty folder"
    if sys.platform != "win32" and os.geteuid() == 0:
        own += "; as root, without its powers"
    return [
        probes.record(Guard.PROCESS, Hold.OUTSIDE, own),
        probes.record(Guard.TIME, Hold.OUTSIDE, f"{config.seconds:g} s, then the whole group is killed and reaped"),
        probes.record(Guard.OUTPUT, Hold.OUTSIDE, "bounded, and checked before it is believed"),
        probes.record(Guard.MEMORY, Hold.KERNEL if memory else Hold.OUTSIDE, size),
    ]

"""Limits that POSIX systems share: address space, processor time, file size, descriptors, core dumps.

macOS refuses or ignores the limit on address space; there the parent watches the worker's memory instead.
"""

from __future__ import annotations

import resource
import sys

from qmath_cli.sandbox.config import WorkerConfig

DESCRIPTORS = 64
STACK = 128 << 20  # deep recursion through C (comparison, repr, sympy) needs more than the usual 8 MiB
AMPLE = 1 << 30  # more than Python and its libraries ever take
ROOM = 64 << 20  # what a program has at least, beyond what Python and its libraries take
PROGRAMS = 32  # processor time is counted over a worker's life: the parent's clock is the limit that matters


def limit(config: WorkerConfig) -> None:
    """Lower every limit for good; one that this system refuses is left as it was."""
    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_FSIZE, 0)
    lower(resource.RLIMIT_NOFILE, DESCRIPTORS)
    lower(resource.RLIMIT_CPU, int(config.seconds * PROGRAMS) + 1)
    if sys.platform != "darwin":
        lower(resource.RLIMIT_AS, config.memory if config.memory > AMPLE else max(config.memory, in_use() + ROOM))


def in_use() -> int:
    """Bytes of address space that this process has now; 0 where that is not told."""
    try:
        with open("/proc/self/statm", "rb") as told:
            return int(told.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 0


def lower(which: int, value: int) -> bool:
    """Set soft and hard to `value`, or to what is already lower. False where the system refuses."""
    _soft, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(which, (value, value))
    except (ValueError, OSError):
        return False
    return True

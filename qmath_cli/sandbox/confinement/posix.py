"""The limits common to POSIX systems: address space, CPU time, file size, descriptors, core dumps.

macOS refuses or ignores the limit on address space; there the parent measures the worker's memory instead.
"""

from __future__ import annotations

import resource
import sys

from qmath_cli.sandbox.config import WorkerConfig

MAX_DESCRIPTORS = 64
STACK_BYTES = 128 << 20  # deep recursion through C (comparison, repr, sympy) needs more than the usual 8 MiB
LARGE_LIMIT_BYTES = 1 << 30  # more than Python and its libraries ever use
MIN_FREE_BYTES = 64 << 20  # left to a program beyond what Python and its libraries use
PROGRAMS = 32  # CPU time counts over a worker's life, so this limit is wide: the parent enforces the time of a program


def limit(config: WorkerConfig) -> None:
    """Lower every limit irrevocably; one that this system refuses to set stays as it was."""
    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_FSIZE, 0)
    lower(resource.RLIMIT_NOFILE, MAX_DESCRIPTORS)
    lower(resource.RLIMIT_CPU, int(config.seconds * PROGRAMS) + 1)
    if sys.platform != "darwin":
        large = config.memory > LARGE_LIMIT_BYTES
        lower(resource.RLIMIT_AS, config.memory if large else max(config.memory, in_use() + MIN_FREE_BYTES))


def in_use() -> int:
    """Bytes of address space that this process has now; 0 where the system does not report them."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 0


def lower(which: int, value: int) -> bool:
    """Set the soft and hard limit to `value`, or to the hard limit if that is lower. False if the system refuses."""
    _soft, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(which, (value, value))
    except (ValueError, OSError):
        return False
    return True

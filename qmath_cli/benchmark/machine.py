"""Measurements of the machine: memory bandwidth, and the peak memory of this process."""

from __future__ import annotations

import ctypes
import sys
import time
from concurrent.futures import ThreadPoolExecutor

_BUFFER_BYTES = 64 << 20  # larger than the caches
_ROUNDS = 4


def bandwidth(threads: int) -> float:
    """Memory bandwidth for reading, in bytes per second over all threads; the best of several rounds.

    Each thread compares two equal buffers with C's memcmp, which reads both to their ends and writes nothing. ctypes
    releases the GIL during the call.
    """
    library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
    library.memcmp.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    buffers = [(_filled(), _filled()) for _ in range(threads)]

    def read(pair: tuple[bytes, bytes]) -> None:
        library.memcmp(pair[0], pair[1], _BUFFER_BYTES)

    best = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            list(pool.map(read, buffers))
            best = max(best, threads * 2 * _BUFFER_BYTES / (time.perf_counter() - started))
    return best


def peak_rss() -> int | None:
    """The peak resident memory of this process in bytes; None where the system does not report it."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _filled() -> bytes:
    """A buffer with separate pages; the system may map pages of zeros to a single one."""
    return b"\1" * _BUFFER_BYTES

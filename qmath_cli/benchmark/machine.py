"""What the machine itself can do: the bandwidth of its memory, and the most memory this process has had."""

from __future__ import annotations

import ctypes
import sys
import time
from concurrent.futures import ThreadPoolExecutor

_BLOCK = 64 << 20  # bytes per buffer: well beyond any cache
_ROUNDS = 4


def bandwidth(threads: int) -> float:
    """Bytes per second that so many threads read from memory together; the best of several rounds.

    Two equal buffers per thread are compared by C's memcmp, which reads both to their ends, keeps nothing, and leaves
    the interpreter's lock alone while it does.
    """
    library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
    library.memcmp.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    buffers = [(_filled(), _filled()) for _ in range(threads)]

    def read(pair: tuple[bytes, bytes]) -> None:
        library.memcmp(pair[0], pair[1], _BLOCK)

    best = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            list(pool.map(read, buffers))
            best = max(best, threads * 2 * _BLOCK / (time.perf_counter() - started))
    return best


def peak_rss() -> int | None:
    """The most resident memory this process has had, in bytes; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _filled() -> bytes:
    """A buffer with pages of its own: of zeros, all pages would be the same one."""
    return b"\1" * _BLOCK

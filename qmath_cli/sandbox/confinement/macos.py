"""macOS: `sandbox_init(3)` with a profile of our own, and a memory limit kept from outside.

Written from Apple's documentation and the profiles of programs that rely on the same call; not run by its authors on a
Mac: what the probes of a worker find there is what counts. The call is marked deprecated and has no successor for
programs that are not apps; browsers and build systems use it still. The kernel has no limit on a process's memory that
works, so the parent watches the worker's footprint (`footprint`) and kills it above the limit.
"""

from __future__ import annotations

import ctypes
import os
import struct
import threading
import time
from collections.abc import Iterable

from qmath_cli.sandbox.config import WorkerConfig

SYSTEM_FILES = ("/usr/lib", "/System", "/usr/share/zoneinfo", "/private/var/db/timezone", "/dev/urandom", "/dev/null")
_RUSAGE_INFO_V0 = 0
_RUSAGE_SIZE = 96
_FOOTPRINT = 72  # offset of ri_phys_footprint in struct rusage_info_v0
_LOOK_UP = 0.5  # seconds


def profile(readable: Iterable[str]) -> str:
    """The profile, in the sandbox's own language. Denials first; every permission afterwards names its paths."""
    paths = dict.fromkeys(os.path.realpath(path) for path in readable)
    reads = "\n".join(f"  (subpath {_quoted(path)})" for path in paths)
    return "\n".join(
        [
            "(version 1)",
            "(deny default)",
            "(deny file-write*)",
            "(deny network*)",
            "(deny process-exec*)",
            "(deny process-fork)",
            "(deny mach-lookup)",
            "(allow file-read-metadata)",
            f"(allow file-read*\n{reads})",
            "(allow sysctl-read)",
            "(allow signal (target self))",
        ]
    )


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def restrict(config: WorkerConfig, parent: int) -> str:
    """Put the profile on this process for good; a few words on what came of it."""
    _end_with(parent)
    system = ctypes.CDLL("/usr/lib/libSystem.dylib", use_errno=True)
    message = ctypes.c_char_p()
    text = profile((*config.readable, *SYSTEM_FILES)).encode("utf-8")
    if system.sandbox_init(ctypes.c_char_p(text), ctypes.c_uint64(0), ctypes.byref(message)) != 0:
        return "sandbox_init refused the profile"
    return "sandbox_init"


def _end_with(parent: int) -> None:
    """End when qmath ends: there is no signal for that here. A computation that never lets go meets its CPU limit."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_UP)
        os._exit(1)

    threading.Thread(target=look, daemon=True, name="qmath-parent").start()


def footprint(pid: int) -> int:
    """Bytes of memory that a process uses, as Activity Monitor counts them; 0 where it cannot be told."""
    buffer = ctypes.create_string_buffer(_RUSAGE_SIZE)
    library = ctypes.CDLL("/usr/lib/libSystem.dylib", use_errno=True)
    if library.proc_pid_rusage(pid, _RUSAGE_INFO_V0, buffer) != 0:
        return 0
    found: int = struct.unpack_from("=Q", buffer.raw, _FOOTPRINT)[0]
    return found

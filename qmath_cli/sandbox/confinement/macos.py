"""macOS: `sandbox_init(3)` with a profile, and a memory limit enforced from outside.

Written from Apple's documentation and the profiles of programs that rely on the same call. The project has not run it
on a Mac: rely on what the probes of a worker report there. The call is marked deprecated and has no successor for
programs that are not apps; browsers and build systems still use it. The kernel has no working limit on a process's
memory, so the parent reads the worker's memory (`footprint`) and kills it above the limit.
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
_RUSAGE_BYTES = 96
_FOOTPRINT_OFFSET = 72  # of ri_phys_footprint in struct rusage_info_v0
_PARENT_CHECK_S = 0.5


def profile(readable: Iterable[str]) -> str:
    """The profile, in the sandbox's own language: denials first, then permissions for the given paths."""
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
    """Apply the profile to this process irrevocably; return a few words for the report."""
    _end_with_parent(parent)
    system = ctypes.CDLL("/usr/lib/libSystem.dylib", use_errno=True)
    message = ctypes.c_char_p()
    text = profile((*config.readable, *SYSTEM_FILES)).encode("utf-8")
    if system.sandbox_init(ctypes.c_char_p(text), ctypes.c_uint64(0), ctypes.byref(message)) != 0:
        return "sandbox_init refused the profile"
    return "sandbox_init"


def _end_with_parent(parent: int) -> None:
    """Exit when qmath ends; macOS has no signal for that.

    A computation in C that never releases the interpreter blocks this thread; the limit on CPU time ends it.
    """

    def poll() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_CHECK_S)
        os._exit(1)

    threading.Thread(target=poll, daemon=True, name="qmath-parent").start()


def footprint(pid: int) -> int:
    """Bytes of memory that a process uses, as Activity Monitor counts them; 0 where they cannot be read."""
    buffer = ctypes.create_string_buffer(_RUSAGE_BYTES)
    library = ctypes.CDLL("/usr/lib/libSystem.dylib", use_errno=True)
    if library.proc_pid_rusage(pid, _RUSAGE_INFO_V0, buffer) != 0:
        return 0
    found: int = struct.unpack_from("=Q", buffer.raw, _FOOTPRINT_OFFSET)[0]
    return found

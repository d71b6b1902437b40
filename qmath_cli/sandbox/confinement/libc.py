"""The calls that Python does not offer, `prctl` and `syscall`, through ctypes on the C library already loaded.

Only workers import this module, before they are confined.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CAP_VERSION_3 = 0x20080522
_CAP_DAC = 0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: root may need them to read Python's own files


def _load() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform != "win32" else None


_libc = _load()


def syscall(number: int, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make a system call and return its result. Raises `OSError` from errno."""
    if _libc is None:
        raise OSError("this system has no libc to make system calls through")
    converted = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    _libc.syscall.restype = ctypes.c_long
    result: int = _libc.syscall(ctypes.c_long(number), *converted)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl(option: int, value: int = 0) -> None:
    """Call `prctl(option, value, 0, 0, 0)`. Raises `OSError`."""
    if _libc is None or _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends; exit if it has ended already."""
    signal_at_parents_end(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def signal_at_parents_end(number: int) -> None:
    """Have the kernel send this signal when the thread that started this process ends; 0 for none."""
    prctl(_PR_SET_PDEATHSIG, number)


def no_new_privileges() -> None:
    """Set no_new_privs: set-user-ID programs give no privilege. Landlock and seccomp require it."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def not_dumpable() -> None:
    """Prevent core dumps, and other processes of the same user from reading this one's memory."""
    prctl(_PR_SET_DUMPABLE, 0)


def drop_capabilities(capset: int) -> None:
    """Drop all capabilities; as root, keep those for files of other users, which Landlock then restricts."""
    header = ctypes.create_string_buffer(_CAP_VERSION_3.to_bytes(4, sys.byteorder) + bytes(4), 8)
    keep = (_CAP_DAC if os.geteuid() == 0 else 0).to_bytes(4, sys.byteorder)
    data = ctypes.create_string_buffer((keep + keep + bytes(4)) + bytes(12), 24)
    syscall(capset, header, data)

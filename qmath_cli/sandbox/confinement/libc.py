"""The few calls that Python does not offer: `prctl`, `syscall`, by ctypes on the C library this process already has.

Imported by workers before they are confined, and by nothing else.
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
_CAP_DAC = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: a root's Python may live where only they can read


def _load() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform != "win32" else None


_libc = _load()


def syscall(number: int, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """A raw system call; its result, or an `OSError` from errno."""
    if _libc is None:
        raise OSError("no system calls here")
    converted = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    _libc.syscall.restype = ctypes.c_long
    result: int = _libc.syscall(ctypes.c_long(number), *converted)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl(option: int, value: int = 0) -> None:
    """`prctl(option, value, 0, 0, 0)`; raises `OSError`."""
    if _libc is None or _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def die_with_parent(parent: int) -> None:
    """Be killed when the thread that started us ends; if that has happened already, end now."""
    signal_at_parents_end(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def signal_at_parents_end(number: int) -> None:
    """Get this signal when the thread that started us ends; 0 for none."""
    prctl(_PR_SET_PDEATHSIG, number)


def no_new_privileges() -> None:
    """From here on no set-user-ID program gives anything; Landlock and seccomp ask for it."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def not_dumpable() -> None:
    """No core, and no reading of this process's memory by others of the same user."""
    prctl(_PR_SET_DUMPABLE, 0)


def drop_capabilities(capset: int) -> None:
    """Give up root's powers, except to read files whoever owns them (which Landlock then narrows)."""
    header = ctypes.create_string_buffer(_CAP_VERSION_3.to_bytes(4, sys.byteorder) + bytes(4), 8)
    keep = (_CAP_DAC if os.geteuid() == 0 else 0).to_bytes(4, sys.byteorder)
    data = ctypes.create_string_buffer((keep + keep + bytes(4)) + bytes(12), 24)
    syscall(capset, header, data)

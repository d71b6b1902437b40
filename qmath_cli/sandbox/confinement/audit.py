"""The audit hook: refuses the events that Python raises before an effect which mathematics does not need.

It covers effects (a file opened, a process started) whatever code leads to them, and works on every system. It is not
a boundary: C code that raises no audit event passes, and so does a program that corrupts its own memory. Where it
refuses, the call never reaches the kernel, and the model reads its message.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import cache

_REFUSED = (
    "os.",
    "subprocess.",
    "socket.",
    "ctypes.",
    "shutil.",
    "tempfile.",
    "mmap.",
    "pty.",
    "sqlite3.",
    "webbrowser.",
    "urllib.",
    "http.",
    "ftplib.",
    "smtplib.",
    "winreg.",
    "_winapi.",
    "msvcrt.",
    "signal.",
    "resource.",
    "fcntl.",
    "syslog.",
    "gc.",
    "pdb.",
    "code.interact",
    "setopencodehook",
)
_LISTING = ("os.listdir", "os.scandir", "os.walk", "os.fwalk")
_EXEMPT = ("os.putenv", "os.unsetenv", "ctypes.get_errno", "ctypes.set_errno")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_STREAM_PAIR = (1, 1)  # AF_UNIX, SOCK_STREAM: asyncio uses such a pair to wake its loop


@cache
def path_prefixes(readable: tuple[str, ...]) -> tuple[str, ...]:
    """The prefixes of all real paths below these folders."""
    return tuple(os.path.join(os.path.realpath(path), "") for path in readable)


def install(readable: Iterable[str]) -> None:
    """Install the hook; it cannot be removed.

    Args:
        readable: Files and folders below which files may be opened for reading and folders listed.
    """
    roots = path_prefixes(tuple(readable))
    realpath, fspath, writing = os.path.realpath, os.fsdecode, _WRITING
    refused, listing, exempt, pair = _REFUSED, _LISTING, _EXEMPT, _STREAM_PAIR
    resolving = False  # `realpath` itself raises events

    def inside(path: object) -> bool:
        nonlocal resolving
        if isinstance(path, int):
            return True
        if not isinstance(path, str | bytes):
            return False
        resolving = True
        try:
            return (realpath(fspath(path)) + "/").startswith(roots)
        finally:
            resolving = False

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if resolving:
            return
        if event == "open":
            path, _mode, flags = arguments
            if (isinstance(flags, int) and flags & writing and not isinstance(path, int)) or not inside(path):
                raise PermissionError("files cannot be opened here; put the data in the code")
        elif event in listing:
            if not inside(arguments[0]):
                raise PermissionError("folders cannot be listed here")
        elif event.startswith(refused) and event not in exempt:
            if event == "socket.__new__" and (arguments[1], int(arguments[2]) & 0xF) == pair:  # type: ignore[call-overload]
                return
            raise PermissionError(f"{event} is not available here")

    sys.addaudithook(hook)

"""The audit hook: Python tells us what it is about to do, and we refuse what mathematics does not do.

It sees effects (a file opened, a process started) however the code got there, and works on every system. It is not a
boundary: C code that raises no audit event passes, and so does a program that corrupts its own memory. Its messages
are what a model reads when the kernel is not asked at all.
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
_HARMLESS = ("os.putenv", "os.unsetenv", "ctypes.get_errno", "ctypes.set_errno")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_STREAM_PAIR = (1, 1)  # AF_UNIX, SOCK_STREAM: asyncio's own wake-up pair


@cache
def beneath(readable: tuple[str, ...]) -> tuple[str, ...]:
    """What the real paths of all that lies in these folders begin with."""
    return tuple(os.path.join(os.path.realpath(path), "") for path in readable)


def install(readable: Iterable[str]) -> None:
    """Refuse from here on; there is no way to take an audit hook off again."""
    roots = beneath(tuple(readable))
    realpath, fspath, writing = os.path.realpath, os.fsdecode, _WRITING
    refused, listing, harmless, pair = _REFUSED, _LISTING, _HARMLESS, _STREAM_PAIR
    busy = False  # realpath itself raises events

    def inside(path: object) -> bool:
        nonlocal busy
        if isinstance(path, int):
            return True
        if not isinstance(path, str | bytes):
            return False
        busy = True
        try:
            return (realpath(fspath(path)) + "/").startswith(roots)
        finally:
            busy = False

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if busy:
            return
        if event == "open":
            path, _mode, flags = arguments
            if (isinstance(flags, int) and flags & writing and not isinstance(path, int)) or not inside(path):
                raise PermissionError("files cannot be opened here; put the data in the code")
        elif event in listing:
            if not inside(arguments[0]):
                raise PermissionError("folders cannot be listed here")
        elif event.startswith(refused) and event not in harmless:
            if event == "socket.__new__" and (arguments[1], int(arguments[2]) & 0xF) == pair:  # type: ignore[call-overload]
                return
            raise PermissionError(f"{event} is not available here")

    sys.addaudithook(hook)

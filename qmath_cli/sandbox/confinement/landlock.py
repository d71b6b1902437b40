"""Landlock: this process reads Python's own files and nothing else, and writes nothing.

Unprivileged, since Linux 5.13 (kernel documentation, `userspace-api/landlock`). Each ABI adds rights; every right that
the running kernel knows is handled, that is refused unless a rule grants it.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from qmath_cli.sandbox.confinement.libc import syscall
from qmath_cli.sandbox.confinement.syscalls import Architecture

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_VERSION = 1  # flag: report the ABI
_PATH_BENEATH = 1  # rule type

# (ABI, file rights, network rights, scopes) from which on these exist: REFER, TRUNCATE, bind and connect of TCP,
# IOCTL_DEV, abstract unix sockets and signals.
_STEPS = ((1, 13, 0, 0), (2, 14, 0, 0), (3, 15, 0, 0), (4, 15, 2, 0), (5, 16, 2, 0), (6, 16, 2, 2))


def abi(machine: Architecture) -> int:
    """The ABI of the running kernel; 0 where Landlock is not there or not enabled."""
    try:
        return syscall(machine.numbers["landlock_create_ruleset"], None, 0, _VERSION)
    except OSError:
        return 0


def ruleset(version: int) -> bytes:
    """`struct landlock_ruleset_attr` that handles all that this ABI knows, in the size it expects."""
    _abi, files, network, scopes = next(step for step in reversed(_STEPS) if step[0] <= version)
    fields = [(1 << files) - 1]
    if version >= 4:
        fields.append((1 << network) - 1)
    if version >= 6:
        fields.append((1 << scopes) - 1)
    return struct.pack(f"={len(fields)}Q", *fields)


def make(machine: Architecture, version: int, readable: Iterable[str]) -> int:
    """A ruleset as a descriptor: reading beneath these paths and nothing else. Raises `OSError`."""
    attributes = ruleset(version)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    handle = syscall(machine.numbers["landlock_create_ruleset"], buffer, len(attributes), 0)
    try:
        for path in readable:
            _grant(machine, handle, path)
    except OSError:
        os.close(handle)
        raise
    return handle


def restrict(machine: Architecture, handle: int) -> None:
    """Restrict this thread and its children for good. Raises `OSError`; the caller has set no_new_privs."""
    try:
        syscall(machine.numbers["landlock_restrict_self"], handle, 0)
    finally:
        os.close(handle)


def _grant(machine: Architecture, handle: int, path: str) -> None:
    """Reading beneath `path`; what is not there needs no rule."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = _READ_FILE | (_READ_DIR if stat.S_ISDIR(os.fstat(descriptor).st_mode) else 0)
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor), 12)
        syscall(machine.numbers["landlock_add_rule"], handle, _PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)

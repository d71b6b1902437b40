"""Landlock: limits this process to reading Python's own files; it writes none.

It needs no privilege and exists since Linux 5.13 (kernel documentation, `userspace-api/landlock`). Each ABI adds
rights. Every right that the running kernel has is handled, that is, refused unless a rule grants it.
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
_CREATE_RULESET_VERSION = 1  # flag: return the ABI
_PATH_BENEATH = 1  # rule type

# (ABI, number of file rights, of network rights, of scopes). The ABIs after the first add REFER, TRUNCATE, bind and
# connect of TCP, IOCTL_DEV, and the scopes for abstract unix sockets and signals.
_RIGHTS = ((1, 13, 0, 0), (2, 14, 0, 0), (3, 15, 0, 0), (4, 15, 2, 0), (5, 16, 2, 0), (6, 16, 2, 2))


def abi(machine: Architecture) -> int:
    """The ABI of the running kernel; 0 where Landlock is missing or disabled."""
    try:
        return syscall(machine.numbers["landlock_create_ruleset"], None, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def ruleset_attributes(version: int) -> bytes:
    """`struct landlock_ruleset_attr` that handles every right of this ABI, in the size that it expects."""
    _abi, files, network, scopes = next(step for step in reversed(_RIGHTS) if step[0] <= version)
    fields = [(1 << files) - 1]
    if version >= 4:
        fields.append((1 << network) - 1)
    if version >= 6:
        fields.append((1 << scopes) - 1)
    return struct.pack(f"={len(fields)}Q", *fields)


def make_ruleset(machine: Architecture, version: int, readable: Iterable[str]) -> int:
    """Make a ruleset that permits reading beneath these paths; return its descriptor. Raises `OSError`."""
    attributes = ruleset_attributes(version)
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
    """Restrict this thread and its children irrevocably. no_new_privs must be set. Raises `OSError`."""
    try:
        syscall(machine.numbers["landlock_restrict_self"], handle, 0)
    finally:
        os.close(handle)


def _grant(machine: Architecture, handle: int, path: str) -> None:
    """Permit reading beneath `path`; a path that does not exist is skipped."""
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

"""seccomp: the system calls that computing needs, by allow-list; everything else is refused with EPERM.

A classic BPF program (kernel documentation, `userspace-api/seccomp_filter`) built here, instruction by instruction. It
is what keeps programs from sockets, from new processes, from signals to others, from file metadata and from every
corner of the kernel that mathematics has no use for. Arguments are checked where only a part of a call is wanted:
threads but not processes, reading but not writing, a stream pair between two ends of our own but no other socket.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from qmath_cli.sandbox.confinement.libc import syscall
from qmath_cli.sandbox.confinement.syscalls import Architecture

_LD, _JEQ, _JGE, _AND, _RET = 0x20, 0x15, 0x35, 0x54, 0x06
_ALLOW = 0x7FFF0000
_KILL = 0x80000000  # the whole process
_NR, _ARCH, _ARGS = 0, 4, 16  # offsets in struct seccomp_data
_SET_MODE_FILTER, _TSYNC = 1, 1

_EPERM, _EACCES, _ENOSYS = (0x00050000 | code for code in (errno.EPERM, errno.EACCES, errno.ENOSYS))

# What is allowed whatever its arguments; the first ones are the ones called most.
_PLAIN = """
read write futex munmap brk madvise mremap clock_gettime gettimeofday time close fstat newfstatat stat lstat
statx lseek pread64 readv writev getdents64 access faccessat faccessat2 readlink readlinkat getcwd dup dup2 dup3
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending sigaltstack restart_syscall nanosleep clock_nanosleep
clock_getres pause alarm setitimer getitimer poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait
epoll_pwait eventfd2 recvfrom shutdown getrandom sched_yield sched_getaffinity getcpu membarrier mincore
set_tid_address set_robust_list rseq getpid getppid gettid getpgid getpgrp getsid getuid geteuid getgid getegid
uname times getrusage sysinfo getrlimit fadvise64 exit exit_group
"""

_OWN_PID = 0x7FFFFFFE  # a mark: no process has this number
_THREAD = 0x00010000
_NOT_WITH_THREAD = 0x7E022000  # the CLONE_NEW* flags and CLONE_PTRACE
_WRITING = 0o3 | 0o100 | 0o1000 | 0o20000000  # access mode, O_CREAT, O_TRUNC, O_TMPFILE
_FCNTL = (0, 1, 2, 3, 4, 1030)  # duplicate, get and set flags; no owner, lease, lock or pipe size
_IOCTL = (0x5401, 0x5421, 0x5450, 0x5451, 0x5413, 0x541B)  # TCGETS, FIONBIO, FIONCLEX, FIOCLEX, TIOCGWINSZ, FIONREAD
_PRCTL = (15, 16)  # PR_SET_NAME, PR_GET_NAME
_WRITE_EXEC = 2 | 4  # PROT_WRITE, PROT_EXEC: never both, so that no program makes machine code of its own
_UNIX, _STREAM, _TYPE_FLAGS = 1, 1, 0o2004000  # AF_UNIX, SOCK_STREAM, SOCK_CLOEXEC | SOCK_NONBLOCK


@dataclass(frozen=True, slots=True)
class Op:
    """One BPF instruction."""

    code: int
    k: int
    yes: int = 0
    no: int = 0

    def pack(self) -> bytes:
        """`struct sock_filter`."""
        return struct.pack("=HBBI", self.code, self.yes, self.no, self.k)


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on 32 bits of an argument: after masking, it equals one of `values`."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    high: bool = False

    def ops(self) -> list[Op]:
        """Fall through where the condition holds; the last jump's `no` is left at 0 for `block` to fill in."""
        loads = [Op(_LD, _ARGS + 8 * self.argument + (4 if self.high else 0))]
        if self.mask != 0xFFFFFFFF:
            loads.append(Op(_AND, self.mask))
        count = len(self.values)
        return loads + [Op(_JEQ, value, yes=count - 1 - n) for n, value in enumerate(self.values)]


def null(argument: int) -> tuple[Test, Test]:
    """The argument is a null pointer or zero: both halves."""
    return Test(argument, (0,)), Test(argument, (0,), high=True)


def block(number: int, tests: Iterable[Test], otherwise: int) -> list[Op]:
    """If the call is `number`: allow it where all tests hold, else `otherwise`. Skipped for other calls."""
    groups = [test.ops() for test in tests]
    body: list[Op] = []
    total = sum(len(group) for group in groups)
    for group in groups:
        body += group[:-1]
        last = group[-1]
        body.append(Op(last.code, last.k, yes=0, no=total - len(body)))
    body += [Op(_RET, _ALLOW), Op(_RET, otherwise)]
    return [Op(_JEQ, number, no=len(body)), *body]


def program(machine: Architecture, pid: int, *, reading: bool = True) -> bytes:
    """The filter for process `pid`, a `struct sock_filter[]`; without `reading`, no file can be opened at all."""
    code, marks = _packed(machine, reading=reading)
    mine = bytearray(code)
    for mark in marks:
        mine[mark : mark + 4] = struct.pack("=I", pid)
    return bytes(mine)


@cache
def _packed(machine: Architecture, *, reading: bool) -> tuple[bytes, tuple[int, ...]]:
    """The filter and where in it the process's own number belongs: worked out once for many workers."""
    ops = template(machine, reading=reading)
    marks = tuple(8 * place + 4 for place, op in enumerate(ops) if op.k == _OWN_PID)
    return b"".join(op.pack() for op in ops), marks


def template(machine: Architecture, *, reading: bool) -> tuple[Op, ...]:
    """The filter with a mark in place of the process's own number."""
    number = machine.numbers
    ops = [Op(_LD, _ARCH), Op(_JEQ, machine.audit, yes=1), Op(_RET, _KILL), Op(_LD, _NR)]
    if machine.x32:
        ops += [Op(_JGE, 0x40000000, no=1), Op(_RET, _ENOSYS)]
    for name in _PLAIN.split():
        if name in number:
            ops += [Op(_JEQ, number[name], no=1), Op(_RET, _ALLOW)]
    for name, tests, otherwise in _conditional(reading=reading):
        if name in number:
            ops += block(number[name], tests, otherwise)
    return (*ops, Op(_RET, _EPERM))


def _conditional(*, reading: bool) -> list[tuple[str, tuple[Test, ...], int]]:
    """Calls that are allowed in part."""
    never = Test(0, (1,), mask=0)
    threads = Test(0, (_THREAD,), mask=_THREAD | _NOT_WITH_THREAD)
    return [
        ("mmap", (Test(2, (0, 2, 4), mask=_WRITE_EXEC),), _EACCES),
        ("mprotect", (Test(2, (0,), mask=4),), _EACCES),
        ("openat", (Test(2, (0,), mask=_WRITING),) if reading else (never,), _EACCES),
        ("open", (Test(1, (0,), mask=_WRITING),) if reading else (never,), _EACCES),
        ("clone", (threads,), _EPERM),
        ("clone3", (never,), _ENOSYS),  # its flags are in memory, which a filter cannot read: libc falls back to clone
        ("fcntl", (Test(1, _FCNTL),), _EPERM),
        ("ioctl", (Test(1, _IOCTL),), _EPERM),
        ("prctl", (Test(0, _PRCTL),), _EPERM),
        ("prlimit64", (Test(0, (0,)), *null(2)), _EPERM),
        ("tgkill", (Test(0, (_OWN_PID,)),), _EPERM),
        ("socketpair", (Test(0, (_UNIX,)), Test(1, (_STREAM,), mask=0xFFFFFFFF ^ _TYPE_FLAGS)), _EPERM),
        ("sendto", null(4), _EPERM),
    ]


def load(machine: Architecture, code: bytes) -> None:
    """Put the filter on every thread of this process for good. Raises `OSError`; no_new_privs is set."""
    buffer = ctypes.create_string_buffer(code, len(code))
    address = ctypes.addressof(buffer)
    header = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(code) // 8, address), 16)
    syscall(machine.numbers["seccomp"], _SET_MODE_FILTER, _TSYNC, header)

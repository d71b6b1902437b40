"""seccomp: an allow-list of the system calls that computing needs; all others are refused with EPERM.

The filter is a classic BPF program (kernel documentation, `userspace-api/seccomp_filter`), built here instruction by
instruction. It refuses sockets, new processes, signals to other processes, file metadata, and every part of the kernel
that mathematics does not need. Arguments are checked where only a part of a call is allowed: threads but not processes,
reading but not writing, a stream pair within the process but no other socket.
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

# Allowed whatever the arguments; the most frequent calls come first.
_ALLOWED = """
read write futex munmap brk madvise mremap clock_gettime gettimeofday time close fstat newfstatat stat lstat
statx lseek pread64 readv writev getdents64 access faccessat faccessat2 readlink readlinkat getcwd dup dup2 dup3
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending sigaltstack restart_syscall nanosleep clock_nanosleep
clock_getres pause alarm setitimer getitimer poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait
epoll_pwait eventfd2 recvfrom shutdown getrandom sched_yield sched_getaffinity getcpu membarrier mincore
set_tid_address set_robust_list rseq getpid getppid gettid getpgid getpgrp getsid getuid geteuid getgid getegid
uname times getrusage sysinfo getrlimit fadvise64 exit exit_group
"""

_PID_PLACEHOLDER = 0x7FFFFFFE  # no process has this number
_THREAD = 0x00010000
_NOT_WITH_THREAD = 0x7E022000  # the CLONE_NEW* flags and CLONE_PTRACE
_WRITING = 0o3 | 0o100 | 0o1000 | 0o20000000  # access mode, O_CREAT, O_TRUNC, O_TMPFILE
_FCNTL = (0, 1, 2, 3, 4, 1030)  # duplicate, get and set flags; no owner, lease, lock or pipe size
_IOCTL = (0x5401, 0x5421, 0x5450, 0x5451, 0x5413, 0x541B)  # TCGETS, FIONBIO, FIONCLEX, FIOCLEX, TIOCGWINSZ, FIONREAD
_PRCTL = (15, 16)  # PR_SET_NAME, PR_GET_NAME
_WRITE_EXEC = 2 | 4  # PROT_WRITE, PROT_EXEC: never both, so that no program can write machine code and run it
_UNIX, _STREAM, _TYPE_FLAGS = 1, 1, 0o2004000  # AF_UNIX, SOCK_STREAM, SOCK_CLOEXEC | SOCK_NONBLOCK


@dataclass(frozen=True, slots=True)
class Op:
    """One BPF instruction."""

    code: int
    k: int
    jt: int = 0  # instructions to skip if a comparison is true
    jf: int = 0  # and if it is false

    def pack(self) -> bytes:
        """`struct sock_filter`."""
        return struct.pack("=HBBI", self.code, self.jt, self.jf, self.k)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on 32 bits of an argument: after masking, it equals one of `values`."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    high: bool = False

    def ops(self) -> list[Op]:
        """Fall through where the condition holds; the `jf` of the last jump stays 0 until `block` sets it."""
        loads = [Op(_LD, _ARGS + 8 * self.argument + (4 if self.high else 0))]
        if self.mask != 0xFFFFFFFF:
            loads.append(Op(_AND, self.mask))
        count = len(self.values)
        return loads + [Op(_JEQ, value, jt=count - 1 - n) for n, value in enumerate(self.values)]


def is_null(argument: int) -> tuple[Condition, Condition]:
    """The argument is a null pointer or zero: both halves are 0."""
    return Condition(argument, (0,)), Condition(argument, (0,), high=True)


def block(number: int, conditions: Iterable[Condition], otherwise: int) -> list[Op]:
    """For the call `number`: allow it if all conditions hold, else return `otherwise`. Other calls skip the block."""
    groups = [condition.ops() for condition in conditions]
    body: list[Op] = []
    total = sum(len(group) for group in groups)
    for group in groups:
        body += group[:-1]
        last = group[-1]
        body.append(Op(last.code, last.k, jf=total - len(body)))
    body += [Op(_RET, _ALLOW), Op(_RET, otherwise)]
    return [Op(_JEQ, number, jf=len(body)), *body]


def program(machine: Architecture, pid: int, *, reading: bool = True) -> bytes:
    """The filter for process `pid`, a `struct sock_filter[]`.

    Args:
        machine: The system call numbers.
        pid: The process that may signal itself.
        reading: Whether files may be opened for reading; if not, no file can be opened.
    """
    template, offsets = _template(machine, reading=reading)
    code = bytearray(template)
    for offset in offsets:
        code[offset : offset + 4] = struct.pack("=I", pid)
    return bytes(code)


@cache
def _template(machine: Architecture, *, reading: bool) -> tuple[bytes, tuple[int, ...]]:
    """The filter with a placeholder for the process id, and the offsets of that placeholder; computed once."""
    ops = instructions(machine, reading=reading)
    offsets = tuple(8 * index + 4 for index, op in enumerate(ops) if op.k == _PID_PLACEHOLDER)
    return b"".join(op.pack() for op in ops), offsets


def instructions(machine: Architecture, *, reading: bool) -> tuple[Op, ...]:
    """The instructions of the filter, with a placeholder for the process id."""
    number = machine.numbers
    ops = [Op(_LD, _ARCH), Op(_JEQ, machine.audit, jt=1), Op(_RET, _KILL), Op(_LD, _NR)]
    if machine.x32:
        ops += [Op(_JGE, 0x40000000, jf=1), Op(_RET, _ENOSYS)]
    for name in _ALLOWED.split():
        if name in number:
            ops += [Op(_JEQ, number[name], jf=1), Op(_RET, _ALLOW)]
    for name, conditions, otherwise in _conditional(reading=reading):
        if name in number:
            ops += block(number[name], conditions, otherwise)
    return (*ops, Op(_RET, _EPERM))


def _conditional(*, reading: bool) -> list[tuple[str, tuple[Condition, ...], int]]:
    """The calls that are allowed under conditions, and the error of those that meet none."""
    never = Condition(0, (1,), mask=0)
    threads = Condition(0, (_THREAD,), mask=_THREAD | _NOT_WITH_THREAD)
    return [
        ("mmap", (Condition(2, (0, 2, 4), mask=_WRITE_EXEC),), _EACCES),
        ("mprotect", (Condition(2, (0,), mask=4),), _EACCES),
        ("openat", (Condition(2, (0,), mask=_WRITING),) if reading else (never,), _EACCES),
        ("open", (Condition(1, (0,), mask=_WRITING),) if reading else (never,), _EACCES),
        ("clone", (threads,), _EPERM),
        ("clone3", (never,), _ENOSYS),  # a filter cannot read its flags, which are in memory; libc falls back to clone
        ("fcntl", (Condition(1, _FCNTL),), _EPERM),
        ("ioctl", (Condition(1, _IOCTL),), _EPERM),
        ("prctl", (Condition(0, _PRCTL),), _EPERM),
        ("prlimit64", (Condition(0, (0,)), *is_null(2)), _EPERM),
        ("tgkill", (Condition(0, (_PID_PLACEHOLDER,)),), _EPERM),
        ("socketpair", (Condition(0, (_UNIX,)), Condition(1, (_STREAM,), mask=0xFFFFFFFF ^ _TYPE_FLAGS)), _EPERM),
        ("sendto", is_null(4), _EPERM),
    ]


def load(machine: Architecture, code: bytes) -> None:
    """Apply the filter to every thread of this process irrevocably. no_new_privs must be set. Raises `OSError`."""
    buffer = ctypes.create_string_buffer(code, len(code))
    address = ctypes.addressof(buffer)
    header = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(code) // 8, address), 16)
    syscall(machine.numbers["seccomp"], _SET_MODE_FILTER, _TSYNC, header)

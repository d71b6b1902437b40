"""The filter, run by a small interpreter of classic BPF: what it returns for calls on both architectures."""

from __future__ import annotations

import errno
import struct

import pytest

from qmath_cli.sandbox.confinement import landlock
from qmath_cli.sandbox.confinement.seccomp import Op, program
from qmath_cli.sandbox.confinement.syscalls import MACHINES, Architecture, machine

PID = 4242
ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, EACCES, ENOSYS = (0x00050000 | code for code in (errno.EPERM, errno.EACCES, errno.ENOSYS))
NUMBERS = {  # of the refused calls, which are not in the filter's own tables
    "x86_64": """
        socket 41 connect 42 bind 49 listen 50 accept4 288 sendmsg 46 sendmmsg 307 execve 59 execveat 322 kill 62
        tkill 200 ptrace 101 process_vm_readv 310 mount 165 unshare 272 setns 308 chroot 161 pivot_root 155
        init_module 175 bpf 321 perf_event_open 298 userfaultfd 323 keyctl 250 add_key 248 memfd_create 319 fchmod 91
        fchmodat 268 fchownat 260 utimensat 280 setxattr 188 unlinkat 263 renameat2 316 linkat 265 symlinkat 266
        mkdirat 258 mknodat 259 truncate 76 ftruncate 77 io_uring_setup 425 setsid 112 setpgid 109 setuid 105
        setgid 106 setresuid 117 setrlimit 160 setpriority 141 sched_setaffinity 203 pidfd_open 434
        pidfd_send_signal 424 openat2 437 shmget 29 msgget 68 semget 64 personality 135 reboot 169 swapon 167
        clock_settime 227 sethostname 170
    """,
    "aarch64": """
        socket 198 connect 203 bind 200 listen 201 accept4 242 sendmsg 211 sendmmsg 269 execve 221 execveat 281
        kill 129 tkill 130 ptrace 117 process_vm_readv 270 mount 40 unshare 97 setns 268 chroot 51 pivot_root 41
        init_module 105 bpf 280 perf_event_open 241 userfaultfd 282 keyctl 219 add_key 217 memfd_create 279 fchmod 52
        fchmodat 53 fchownat 54 utimensat 88 setxattr 5 unlinkat 35 renameat2 276 linkat 37 symlinkat 36 mkdirat 34
        mknodat 33 truncate 45 ftruncate 46 io_uring_setup 425 setsid 157 setpgid 154 setuid 146 setgid 144
        setresuid 147 setrlimit 164 setpriority 140 sched_setaffinity 122 pidfd_open 434 pidfd_send_signal 424
        openat2 437 shmget 194 msgget 186 semget 190 personality 92 reboot 142 swapon 224 clock_settime 112
        sethostname 161
    """,
}


def instructions(made: Architecture, *, reading: bool = True) -> list[Op]:
    """The filter as it is passed to the kernel, unpacked."""
    fields = struct.iter_unpack("=HBBI", program(made, PID, reading=reading))
    return [Op(code, k, jt, jf) for code, jt, jf, k in fields]


def verdict(name: str, number: int, *arguments: int, audit: int | None = None, reading: bool = True) -> int:
    """What the filter for `name` returns for a call: an interpreter of the five instructions that it consists of."""
    made = MACHINES[name]
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<iIQ6Q", number, made.audit if audit is None else audit, 0, *padded)
    ops, at, value = instructions(made, reading=reading), 0, 0
    while True:
        op = ops[at]
        at += 1
        if op.code == 0x20:
            value = struct.unpack_from("<I", data, op.k)[0]
        elif op.code == 0x54:
            value &= op.k
        elif op.code == 0x06:
            return op.k
        else:
            true = value == op.k if op.code == 0x15 else value >= op.k
            at += op.jt if true else op.jf


def call(name: str, which: str, *arguments: int) -> int:
    """The verdict on a call by its name."""
    return verdict(name, MACHINES[name].numbers[which], *arguments)


both = pytest.mark.parametrize("name", ["x86_64", "aarch64"])


@both
def test_calls_that_mathematics_does_not_need_are_refused(name: str) -> None:
    """Sockets, programs, signals, metadata, namespaces, and rarely used parts of the kernel."""
    words = NUMBERS[name].split()
    for which, number in zip(words[::2], words[1::2], strict=True):
        assert verdict(name, int(number)) == EPERM, which


@both
def test_calls_that_python_needs_are_allowed(name: str) -> None:
    """Whatever their arguments."""
    for which in ("read", "write", "close", "fstat", "munmap", "brk", "futex", "getrandom", "exit_group"):
        assert call(name, which, 1, 2, 3) == ALLOW, which


@both
@pytest.mark.parametrize("flags", [0o1, 0o2, 0o100, 0o1000, 0o20200000, 0o101, 0o1002])
def test_files_open_for_reading_only(name: str, flags: int) -> None:
    """Writing, creating, truncating and temporary files are refused; close-on-exec and the like are not."""
    assert call(name, "openat", 0, 0, flags) == EACCES
    assert call(name, "openat", 0, 0, 0o2000000) == ALLOW
    assert verdict(name, MACHINES[name].numbers["openat"], 0, 0, 0, reading=False) == EACCES


@both
def test_threads_but_no_processes(name: str) -> None:
    """`clone` only with CLONE_THREAD and no new namespace; `clone3` gives ENOSYS, so that libc falls back."""
    assert call(name, "clone", 0x003D0F00) == ALLOW  # the flags of pthread_create
    assert call(name, "clone", 17) == EPERM  # fork
    assert call(name, "clone", 0x003D0F00 | 0x10000000) == EPERM  # with a user namespace
    assert call(name, "clone3", 0, 88) == ENOSYS


@both
def test_a_process_signals_only_itself(name: str) -> None:
    """For `abort`."""
    assert call(name, "tgkill", PID, PID, 6) == ALLOW
    assert call(name, "tgkill", PID + 1, PID + 1, 9) == EPERM


@both
def test_a_stream_pair_is_the_only_socket(name: str) -> None:
    """AF_UNIX and SOCK_STREAM; a datagram pair could be sent from by name."""
    assert call(name, "socketpair", 1, 1 | 0o2004000) == ALLOW
    assert call(name, "socketpair", 1, 2) == EPERM
    assert call(name, "socketpair", 2, 1) == EPERM
    assert call(name, "sendto", 3, 0, 1, 0, 0, 0) == ALLOW
    assert call(name, "sendto", 3, 0, 1, 0, 0x7F0000000000, 110) == EPERM


@both
def test_memory_is_writable_or_executable_never_both(name: str) -> None:
    """So a program cannot write machine code and run it."""
    assert call(name, "mmap", 0, 4096, 1 | 2) == ALLOW
    assert call(name, "mmap", 0, 4096, 1 | 4) == ALLOW
    assert call(name, "mmap", 0, 4096, 1 | 2 | 4) == EACCES
    assert call(name, "mprotect", 0, 4096, 1 | 4) == EACCES


@both
def test_limits_are_read_not_set(name: str) -> None:
    """`prlimit64` on the process itself, with a null pointer as the new limit."""
    assert call(name, "prlimit64", 0, 7, 0, 0x7FFFFFFF0000) == ALLOW
    assert call(name, "prlimit64", 0, 7, 0x700000000000, 0) == EPERM  # the low half alone is zero
    assert call(name, "prlimit64", 1, 7, 0, 0) == EPERM


@both
def test_another_architecture_is_killed(name: str) -> None:
    """Its numbers mean other calls."""
    assert verdict(name, 0, audit=0x40000003) == KILL  # i386


def test_the_x32_numbers_are_refused() -> None:
    """They would reach every call of x86_64 by another number."""
    assert verdict("x86_64", 0x40000000 | 41) == ENOSYS


@both
def test_the_filter_fits_what_the_kernel_takes(name: str) -> None:
    """Fewer than 4,096 instructions of eight bytes."""
    ops = instructions(MACHINES[name])
    assert len(ops) < 4096
    assert all(len(op.pack()) == 8 for op in ops)


def test_other_architectures_have_no_table() -> None:
    """And so no filter."""
    assert machine("riscv64") is None
    assert machine("arm64") is MACHINES["aarch64"]
    assert machine("AMD64") is MACHINES["x86_64"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (1, struct.pack("=Q", 0x1FFF)),
        (2, struct.pack("=Q", 0x3FFF)),
        (3, struct.pack("=Q", 0x7FFF)),
        (4, struct.pack("=QQ", 0x7FFF, 3)),
        (5, struct.pack("=QQ", 0xFFFF, 3)),
        (6, struct.pack("=QQQ", 0xFFFF, 3, 3)),
        (9, struct.pack("=QQQ", 0xFFFF, 3, 3)),
    ],
)
def test_landlock_handles_every_right_of_its_abi(version: int, expected: bytes) -> None:
    """And none that an older kernel would reject."""
    assert landlock.ruleset_attributes(version) == expected

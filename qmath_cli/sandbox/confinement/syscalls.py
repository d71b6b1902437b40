"""System call numbers of the two architectures that a seccomp filter is built for.

They are from the kernel's own tables: `arch/x86/entry/syscalls/syscall_64.tbl` and `include/uapi/asm-generic/unistd.h`
(which aarch64 uses). A call that an architecture does not have is absent: aarch64 has no `open`, `stat` or `poll`.
"""

from __future__ import annotations

from dataclasses import dataclass

_X86_64 = """
read 0 write 1 open 2 close 3 stat 4 fstat 5 lstat 6 poll 7 lseek 8 mmap 9 mprotect 10 munmap 11 brk 12
rt_sigaction 13 rt_sigprocmask 14 rt_sigreturn 15 ioctl 16 pread64 17 readv 19 writev 20 access 21 select 23
sched_yield 24 mremap 25 mincore 27 madvise 28 dup 32 dup2 33 pause 34 nanosleep 35 getitimer 36 alarm 37 setitimer 38
getpid 39 sendto 44 recvfrom 45 shutdown 48 socketpair 53 clone 56 exit 60 uname 63 fcntl 72 getcwd 79 readlink 89
gettimeofday 96 getrlimit 97 getrusage 98 sysinfo 99 times 100 getuid 102 getgid 104 geteuid 107 getegid 108
getppid 110 getpgrp 111 getpgid 121 getsid 124 capset 126 rt_sigpending 127 sigaltstack 131 prctl 157 gettid 186
time 201 futex 202 sched_getaffinity 204 getdents64 217 set_tid_address 218 restart_syscall 219 fadvise64 221
clock_gettime 228 clock_getres 229 clock_nanosleep 230 exit_group 231 epoll_wait 232 epoll_ctl 233 tgkill 234
openat 257 newfstatat 262 readlinkat 267 faccessat 269 pselect6 270 ppoll 271 set_robust_list 273 epoll_pwait 281
eventfd2 290 epoll_create1 291 dup3 292 prlimit64 302 getcpu 309 seccomp 317 getrandom 318 membarrier 324 statx 332
rseq 334 clone3 435 faccessat2 439 landlock_create_ruleset 444 landlock_add_rule 445 landlock_restrict_self 446
"""

_AARCH64 = """
getcwd 17 eventfd2 19 epoll_create1 20 epoll_ctl 21 epoll_pwait 22 dup 23 dup3 24 fcntl 25 ioctl 29 faccessat 48
openat 56 close 57 getdents64 61 lseek 62 read 63 write 64 readv 65 writev 66 pread64 67 pselect6 72 ppoll 73
readlinkat 78 newfstatat 79 fstat 80 capset 91 exit 93 exit_group 94 set_tid_address 96 futex 98 set_robust_list 99
nanosleep 101 getitimer 102 setitimer 103 clock_gettime 113 clock_getres 114 clock_nanosleep 115
sched_getaffinity 123 sched_yield 124 restart_syscall 128 tgkill 131 sigaltstack 132 rt_sigaction 134
rt_sigprocmask 135 rt_sigpending 136 rt_sigreturn 139 times 153 getpgid 155 getsid 156 uname 160 getrlimit 163
getrusage 165 prctl 167 getcpu 168 gettimeofday 169 getpid 172 getppid 173 getuid 174 geteuid 175 getgid 176
getegid 177 gettid 178 sysinfo 179 socketpair 199 sendto 206 recvfrom 207 shutdown 210 brk 214 munmap 215 mremap 216
clone 220 mmap 222 fadvise64 223 mprotect 226 mincore 232 madvise 233 prlimit64 261 seccomp 277 getrandom 278
membarrier 283 statx 291 rseq 293 clone3 435 faccessat2 439 landlock_create_ruleset 444 landlock_add_rule 445
landlock_restrict_self 446
"""


@dataclass(frozen=True, slots=True, eq=False)
class Architecture:
    """An architecture: its audit number (which a filter compares), its system calls, whether it has the x32 ABI."""

    audit: int
    numbers: dict[str, int]
    x32: bool = False


def _table(text: str) -> dict[str, int]:
    words = text.split()
    return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}


MACHINES = {
    "x86_64": Architecture(0xC000003E, _table(_X86_64), x32=True),
    "aarch64": Architecture(0xC00000B7, _table(_AARCH64)),
}


def machine(name: str) -> Architecture | None:
    """The architecture for a `platform.machine()`; None if it is not known, and then the kernel layers stay off."""
    return MACHINES.get({"amd64": "x86_64", "arm64": "aarch64"}.get(name.lower(), name.lower()))

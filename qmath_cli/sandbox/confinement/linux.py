"""Linux: no new privileges, no capabilities, Landlock, seccomp. Without root, and as root all the same.

Neither of the two is enough alone: Landlock knows nothing of datagrams, unix sockets or file metadata, seccomp cannot
tell one path from another. Where Landlock is missing, no file can be opened at all once a worker is confined; where
this machine's system call numbers are not known, both stay off and the probes say so.
"""

from __future__ import annotations

import os
import platform
import resource
from functools import cache

from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.confinement import landlock, libc, posix, seccomp, syscalls
from qmath_cli.sandbox.limits import Switch

SYSTEM_FILES = (  # what the dynamic linker and the time zone functions read
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/urandom",
    "/dev/null",
)


def restrict(config: WorkerConfig, parent: int) -> str:
    """Put the kernel's layers on this process; a few words on what was there, for the report."""
    libc.die_with_parent(parent)
    libc.no_new_privileges()
    libc.not_dumpable()
    machine = syscalls.machine(platform.machine())
    if machine is None:
        return f"no system call table for {platform.machine()}"
    libc.drop_capabilities(machine.numbers["capset"])
    version = landlock_version(config)
    wanted = Switch.LANDLOCK not in config.without
    held = _landlock(machine, version, config) if version and wanted else False
    words = [f"Landlock ABI {version}" if held else "no Landlock"]
    if Switch.SECCOMP not in config.without and _seccomp(machine, reading=held or not wanted):
        words.append("seccomp")
    else:
        posix.lower(resource.RLIMIT_NPROC, 0)  # no threads either, then; and root is not bound by it
    return " + ".join(words)


def landlock_version(config: WorkerConfig) -> int:
    """The ABI of this kernel's Landlock, 0 for none: then everything must be imported before a worker is confined."""
    machine = syscalls.machine(platform.machine())
    return 0 if machine is None or Switch.OLD_KERNEL in config.without else landlock.abi(machine)


def _landlock(machine: syscalls.Architecture, version: int, config: WorkerConfig) -> bool:
    try:
        landlock.restrict(machine, _rules(machine, version, config))
    except OSError:  # what the probes then find is what counts
        return False
    return True


@cache
def _rules(machine: syscalls.Architecture, version: int, config: WorkerConfig) -> int:
    """Landlock's rules, a descriptor that a forked worker inherits."""
    paths = dict.fromkeys(os.path.realpath(path) for path in (*config.readable, *SYSTEM_FILES))
    return landlock.make(machine, version, paths)


def rehearse(config: WorkerConfig) -> tuple[int, ...]:
    """Work out beforehand what every worker would otherwise work out for itself; the descriptors it is to inherit."""
    machine, version = syscalls.machine(platform.machine()), landlock_version(config)
    if machine is None:
        return ()
    seccomp.program(machine, 0)
    if not version or Switch.LANDLOCK in config.without:
        return ()
    try:
        return (_rules(machine, version, config),)
    except OSError:  # each worker will meet it as well, and say so
        return ()


def _seccomp(machine: syscalls.Architecture, *, reading: bool) -> bool:
    try:
        seccomp.load(machine, seccomp.program(machine, os.getpid(), reading=reading))
    except OSError:
        return False
    return True

"""Linux: no new privileges, no capabilities, Landlock, seccomp. Works without root, and equally as root.

Neither Landlock nor seccomp is enough alone: Landlock does not cover datagrams, unix sockets or file metadata, and
seccomp cannot tell one path from another. Where Landlock is missing, a confined worker cannot open any file. Where the
machine's system call numbers are not known, both stay off, and the probes find nothing held by the kernel.
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
    """Apply the kernel's layers to this process; return a few words on them for the report."""
    libc.die_with_parent(parent)
    libc.no_new_privileges()
    libc.not_dumpable()
    machine = syscalls.machine(platform.machine())
    if machine is None:
        return f"no system call table for {platform.machine()}"
    libc.drop_capabilities(machine.numbers["capset"])
    version = landlock_version(config)
    wanted = Switch.LANDLOCK not in config.without
    held = _restrict_files(machine, version, config) if version and wanted else False
    words = [f"Landlock ABI {version}" if held else "no Landlock"]
    if Switch.SECCOMP not in config.without and _load_seccomp(machine, reading=held or not wanted):
        words.append("seccomp")
    else:
        posix.lower(resource.RLIMIT_NPROC, 0)  # this also refuses threads; and it does not bind root
    return " + ".join(words)


def landlock_version(config: WorkerConfig) -> int:
    """The ABI of this kernel's Landlock. At 0 (none), everything must be imported before a worker is confined."""
    machine = syscalls.machine(platform.machine())
    return 0 if machine is None or Switch.OLD_KERNEL in config.without else landlock.abi(machine)


def _restrict_files(machine: syscalls.Architecture, version: int, config: WorkerConfig) -> bool:
    try:
        landlock.restrict(machine, _ruleset(machine, version, config))
    except OSError:  # the probes find that it does not hold
        return False
    return True


@cache
def _ruleset(machine: syscalls.Architecture, version: int, config: WorkerConfig) -> int:
    """The Landlock ruleset as a descriptor, which a forked worker inherits."""
    paths = dict.fromkeys(os.path.realpath(path) for path in (*config.readable, *SYSTEM_FILES))
    return landlock.make_ruleset(machine, version, paths)


def precompute(config: WorkerConfig) -> tuple[int, ...]:
    """Build the filter and the ruleset once for all workers; return the descriptors that they inherit."""
    machine, version = syscalls.machine(platform.machine()), landlock_version(config)
    if machine is None:
        return ()
    seccomp.program(machine, 0)
    if not version or Switch.LANDLOCK in config.without:
        return ()
    try:
        return (_ruleset(machine, version, config),)
    except OSError:  # it fails in each worker as well, and is reported there
        return ()


def _load_seccomp(machine: syscalls.Architecture, *, reading: bool) -> bool:
    try:
        seccomp.load(machine, seccomp.program(machine, os.getpid(), reading=reading))
    except OSError:
        return False
    return True

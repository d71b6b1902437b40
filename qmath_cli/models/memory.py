"""The memory and disk space that are available to this process, in bytes.

Available memory is the system's figure, which counts page cache that can be dropped, limited by the control groups of
this process. The result is None where the system does not report it. Nothing is cached, because the values change all
the time.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of main memory: `total` is the limit for this process, `available` what it can allocate now."""

    total: int
    available: int


def memory() -> Memory | None:
    """The memory that this process may use; None if the system does not report it."""
    if sys.platform == "darwin":
        return _darwin()
    if sys.platform == "win32":
        return _windows()
    return linux(Path("/proc"), _CGROUPS)


def free_disk(folder: Path) -> int:
    """Bytes that may be written under `folder`, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def linux(proc: Path, cgroups: Path) -> Memory | None:
    """The memory of a Linux machine: `/proc/meminfo`, and the smallest limit of this process's control groups.

    Args:
        proc: the `/proc` folder.
        cgroups: where the control groups are mounted.
    """
    try:
        lines = (proc / "meminfo").read_text().splitlines()
        fields = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
        whole = Memory(fields["MemTotal"], fields["MemAvailable"])
    except (OSError, KeyError, ValueError, IndexError):
        return None
    for limit in _limits(proc, cgroups):
        whole = Memory(min(whole.total, limit.total), min(whole.available, limit.available))
    return whole


def _limits(proc: Path, cgroups: Path) -> Iterator[Memory]:
    """The limits of all control groups from this process's own up to the root; versions 1 and 2."""
    try:
        groups = [line.split(":", 2) for line in (proc / "self" / "cgroup").read_text().splitlines()]
    except OSError:
        return
    for _, controllers, path in groups:
        if controllers == "":
            yield from _limits_up(cgroups, path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base = cgroups / "memory"
            yield from _limits_up(base, path, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _limits_up(base: Path, path: str, limit: str, usage: str, reclaimable: str) -> Iterator[Memory]:
    group = base / path.strip("/")
    while group.is_relative_to(base):
        if found := _limit(group, limit, usage, reclaimable):
            yield found
        group = group.parent


def _limit(group: Path, limit: str, usage: str, reclaimable: str) -> Memory | None:
    try:
        total = int((group / limit).read_text())  # ValueError for "max", which means no limit
        used = int((group / usage).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return Memory(total, max(0, total - used + int(stat.get(reclaimable, 0))))
    except (OSError, ValueError):
        return None


def _darwin() -> Memory | None:
    """`hw.memsize`, and the pages of `vm_stat` that are free or can be freed without swapping."""
    try:
        total = int(_output("/usr/sbin/sysctl", "-n", "hw.memsize"))
        head, *rows = _output("/usr/bin/vm_stat").splitlines()
        page = int(head.partition("page size of ")[2].split()[0])
        pages = {name: int(rest.strip(" .")) for name, _, rest in (row.partition(":") for row in rows) if rest}
        usable = sum(pages.get(f"Pages {kind}", 0) for kind in ("free", "inactive", "speculative", "purgeable"))
        return Memory(total, min(total, usable * page))
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return None


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        ("page_total", ctypes.c_uint64),
        ("page_available", ctypes.c_uint64),
        ("virtual_total", ctypes.c_uint64),
        ("virtual_available", ctypes.c_uint64),
        ("extended", ctypes.c_uint64),
    )


def _windows() -> Memory | None:
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  mypy does not know it on other systems
    if not kernel.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return Memory(status.total, status.available)

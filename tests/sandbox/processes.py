"""Finds processes by marks of their own, and waits for conditions with a deadline.

A mark is a string that occurs on the command line of the processes of one test and nowhere else on the machine: the
scratch folder of an executor (the zygote and all it forks bear it), or a random argument (which programs that were
started by `exec` bear). Processes of others, other runs of this suite included, do not match.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

DEADLINE_S = 30.0  # generous: a busy machine is no failure
_POLL_S = 0.02


@dataclass(frozen=True)
class Process:
    """One process, as /proc lists it."""

    pid: int
    parent: int
    state: str  # one letter; Z is a zombie
    command: bytes  # arguments, each with a zero byte after it; empty for a zombie


def listed() -> Iterator[Process]:
    """All processes on this machine that can be read."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            fields = (entry / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            yield Process(int(entry.name), int(fields[1]), fields[0], (entry / "cmdline").read_bytes())


def marked(mark: str) -> list[int]:
    """The processes with `mark` on their command line. Zombies have no command line and are not among them."""
    return sorted(process.pid for process in listed() if mark.encode() in process.command)


def zombies_of(parents: list[int]) -> list[int]:
    """The children of these processes that have ended and were not reaped."""
    return sorted(process.pid for process in listed() if process.state == "Z" and process.parent in parents)


def wait_until(condition: Callable[[], bool], seconds: float = DEADLINE_S) -> bool:
    """Poll a condition until it holds or the deadline has passed; return whether it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True

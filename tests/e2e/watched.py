"""A run of `qmath` that a test watches while it goes on, and the processes that belong to this very run.

Every wait ends at a sign that the run itself gives, and fails after `TIMEOUT_S`. Other runs of `qmath` may be active on
the machine: a process belongs to a run if the path of the run's home is in its command line (workers and the zygote),
in its environment (graders) or in its working directory.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from tests.e2e.run import TIMEOUT_S, environment


class Process(NamedTuple):
    """A living process."""

    pid: int
    parent: int
    command: str
    seconds: float  # of processor time

    @property
    def sandbox(self) -> bool:
        """Whether it is a zygote or a worker."""
        return "qmath_cli.sandbox.worker" in self.command

    @property
    def grader(self) -> bool:
        return "qmath_cli.grading.child" in self.command


class Ended(NamedTuple):
    """A run that has ended."""

    code: int
    out: str
    err: str


@dataclass
class Run:
    """A run that goes on."""

    home: Path
    process: subprocess.Popen[bytes]
    out: Lines
    err: Lines

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, which must find the process alive."""
        assert self.process.poll() is None, "the run ended before the signal"
        self.process.send_signal(number)

    def wait_until(self, what: str, condition: Callable[[], object]) -> None:
        """Wait until a condition holds; the run must go on meanwhile."""
        wait_until(what, lambda: condition() or self.process.poll() is not None)
        assert self.process.poll() is None, f"{what}: the run has ended: {str(self.end())[-2000:]}"

    def wait_for_lines(self, path: Path, count: int = 1) -> None:
        """Wait until the run has appended so many lines to a file."""
        self.wait_until(f"{count} line(s) in {path.name}", lambda: lines_of(path) >= count)

    def end(self) -> Ended:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        return Ended(self.process.returncode, self.out.text + _text(out), self.err.text + _text(err))

    def processes(self) -> list[Process]:
        """Its living processes, itself included."""
        return processes_of(f"{self.home}/")

    def workers(self) -> list[Process]:
        """Its workers: what the zygote forked."""
        found = [one for one in self.processes() if one.sandbox]
        return [one for one in found if one.parent in {other.pid for other in found}]


class Lines:
    """A stream of a process, read line by line and no further: what is not read fills the pipe, and then blocks."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._read = b""

    @property
    def text(self) -> str:
        """All that has been read."""
        return _text(self._read)

    def until(self, sign: str) -> str:
        """Read up to the first line that contains the sign; returns that line."""
        start = 0
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            while (end := self._read.find(b"\n", start)) >= 0:
                line, start = _text(self._read[start:end]), end + 1
                if sign in line:
                    return line
            assert time.monotonic() < deadline, f"no {sign!r} within {TIMEOUT_S:g} s in: {self.text}"
            assert self.drain(0.5), f"the run ended without {sign!r}: {self.text}"

    def drain(self, seconds: float = 0.0) -> bool:
        """Read what is there, after waiting so long for it; False at the end of the stream."""
        if not select.select([self._stream], [], [], seconds)[0]:
            return True
        piece = os.read(self._stream.fileno(), 4096)
        self._read += piece
        return bool(piece)


@contextmanager
def started(home: Path, command: Sequence[str]) -> Iterator[Run]:
    """Start a command with this home; killed at the end if it still runs."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=environment(home),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        try:
            yield Run(home, process, Lines(process.stdout), Lines(process.stderr))
        finally:
            process.kill()


def wait_until(what: str, condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {TIMEOUT_S:g} s"
        time.sleep(0.01)


def lines_of(path: Path) -> int:
    """How many lines a file has; 0 if there is none."""
    return path.read_text(encoding="utf-8").count("\n") if path.exists() else 0


def nothing_is_left(home: Path) -> None:
    """Wait until no process of a run is alive and its temporary folder is empty; fail if that does not happen."""
    wait_until(f"no process of the run {home} is left", lambda: not processes_of(f"{home}/"))
    assert list((home / "tmp").iterdir()) == []


def processes_of(mark: str) -> list[Process]:
    """The living processes whose command line, environment or working directory contains a mark."""
    return [process for entry in Path("/proc").glob("[0-9]*") if (process := _process(entry, mark)) is not None]


def _process(entry: Path, mark: str) -> Process | None:
    """A process by its folder in /proc; None if it is not of this run, a zombie, or not there any more."""
    with suppress(OSError):
        command = entry.joinpath("cmdline").read_bytes()
        if not (mark.encode() in command or mark.encode() in _environ(entry) or mark in _folder(entry)):
            return None
        state, parent, *fields = entry.joinpath("stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[9]) + int(fields[10])  # utime and stime, fields 14 and 15 of proc(5)
        if state not in {"Z", "X"}:
            text = command.replace(b"\0", b" ").decode(errors="replace")
            return Process(int(entry.name), int(parent), text, ticks / os.sysconf("SC_CLK_TCK"))
    return None


def _environ(entry: Path) -> bytes:
    with suppress(OSError):  # of another user
        return entry.joinpath("environ").read_bytes()
    return b""


def _folder(entry: Path) -> str:
    with suppress(OSError):
        return f"{entry.joinpath('cwd').readlink()}/"
    return ""


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")

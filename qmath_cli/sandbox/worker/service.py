"""The worker: one process, one namespace, the programs of one solution. This is the child's side.

Started by `launch` (or forked by `zygote`) with three pipes as its standard streams: requests come in on 0, results go
out on 2, and 1 belongs to the program. The first thing it does is to move 0 and 2 away and to put the null device in
their place, so that a program reads an empty stdin and a crash message cannot reach the results. Then it puts its
restrictions on, probes them, says what held, and serves programs until its pipe closes or it is killed.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.confinement.confine import confine
from qmath_cli.sandbox.wire import PREFIX, Garbled, pack, unpack
from qmath_cli.sandbox.worker import environment
from qmath_cli.sandbox.worker.program import Namespace, ProgramReport

MAX_STDERR = 20_000  # characters kept of what a program writes to stderr


@dataclass(frozen=True, slots=True)
class Channel:
    """File descriptors: where requests are read and results written."""

    requests: int
    results: int


def take_channel() -> Channel:
    """Move the pipes on 0 and 2 out of the program's sight; both become the null device."""
    channel = Channel(os.dup(0), os.dup(2))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 2)
    os.close(null)
    return channel


def serve(config: WorkerConfig, channel: Channel, parent: int, namespace: Namespace) -> None:
    """Confine this process, report what held, then run programs one after another until the pipe closes."""
    write, read = os.write, os.read  # bound before any program can replace them
    aside = environment.StderrBuffer(MAX_STDERR)
    layers = confine(config, parent)
    _send(write, channel.results, {"ready": os.getpid(), "layers": layers})
    while (request := _receive(read, channel.requests)) is not None:
        stdout = fresh_streams()
        sys.stderr = aside
        report = _run(namespace, str(request.get("code", "")))
        _flush(stdout)
        said = aside.take()
        record = {"id": request.get("id"), "status": report.status, "value": report.value, "error": report.error}
        _send(write, channel.results, record | {"aside": said})


def fresh_streams() -> io.TextIOWrapper:
    """An empty stdin and a stdout that is flushed line by line, whatever the last program did to its own."""
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  a descriptor, open for good
    sys.stdout = io.TextIOWrapper(
        io.FileIO(1, "w", closefd=False),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
        newline="\n",
    )
    sys.__stdin__, sys.__stdout__ = sys.stdin, sys.stdout  # type: ignore[misc]
    return sys.stdout


def _run(namespace: Namespace, code: str) -> ProgramReport:
    try:
        return namespace.run(code)
    except BaseException:  # noqa: BLE001  the program broke the machinery around it (say, a tracer that raises)
        return ProgramReport("error", error="the program could not be finished")


def _flush(stream: io.TextIOWrapper) -> None:
    try:
        stream.flush()
    except (OSError, ValueError):  # the program closed or replaced its stdout: what was written is written
        return


def _send(write: Callable[[int, bytes], int], descriptor: int, record: dict[str, object]) -> None:
    data = pack(record)
    while data:
        data = data[write(descriptor, data) :]


def _receive(read: Callable[[int, int], bytes], descriptor: int) -> dict[str, object] | None:
    """The next request, or None when qmath has closed the pipe."""
    buffer = b""
    while True:
        try:
            found = unpack(buffer)
        except Garbled:
            return None
        if found is not None:
            return found[0]
        need = PREFIX - len(buffer) if len(buffer) < PREFIX else int.from_bytes(buffer[:PREFIX], "big") + PREFIX
        piece = read(descriptor, max(1, min(need, 1 << 16)))
        if not piece:
            return None
        buffer += piece

"""The service loop of a worker: one process, one namespace, the programs of one solution. Runs in the child.

It is started by `boot` (or forked by `zygote`) with three pipes as its standard streams: requests arrive on 0, results
leave on 2, and 1 belongs to the program. First it moves 0 and 2 to other descriptors and puts the null device in their
place, so that a program reads an empty stdin and a crash message cannot reach the results. Then it applies and probes
its restrictions, reports what held, and runs programs until its pipe closes or it is killed.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.confinement.confine import confine
from qmath_cli.sandbox.wire import LENGTH_BYTES, ProtocolError, pack, unpack
from qmath_cli.sandbox.worker import environment
from qmath_cli.sandbox.worker.program import Namespace, ProgramReport

MAX_STDERR = 20_000  # characters kept of what a program writes to stderr
_READ_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Channel:
    """File descriptors: where requests are read and results written."""

    requests: int
    results: int


def take_channel() -> Channel:
    """Move the pipes on 0 and 2 to descriptors that programs do not use; both become the null device."""
    channel = Channel(os.dup(0), os.dup(2))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 2)
    os.close(null)
    return channel


def serve(config: WorkerConfig, channel: Channel, parent: int, namespace: Namespace) -> None:
    """Confine this process, report what held, then run programs one after another until the pipe closes."""
    write, read = os.write, os.read  # bound before any program can replace them
    stderr = environment.StderrBuffer(MAX_STDERR)
    layers = confine(config, parent)
    _send(write, channel.results, {"ready": os.getpid(), "layers": layers})
    while (request := _receive(read, channel.requests)) is not None:
        stdout = fresh_streams()
        sys.stderr = stderr
        report = _run(namespace, str(request.get("code", "")))
        _flush(stdout)
        printed = stderr.take()
        record = {"id": request.get("id"), "status": report.status, "value": report.value, "error": report.error}
        _send(write, channel.results, record | {"stderr": printed})


def fresh_streams() -> io.TextIOWrapper:
    """Open an empty stdin and an unbuffered stdout, whatever the last program did to its own; return the stdout.

    Unbuffered, because a process that is killed at a limit writes nothing more, and what it had printed is shown.
    """
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  stays open
    sys.stdout = io.TextIOWrapper(
        io.FileIO(1, "w", closefd=False),
        encoding="utf-8",
        errors="backslashreplace",
        write_through=True,
        newline="\n",
    )
    sys.__stdin__, sys.__stdout__ = sys.stdin, sys.stdout  # type: ignore[misc]
    return sys.stdout


def _run(namespace: Namespace, code: str) -> ProgramReport:
    try:
        return namespace.run(code)
    except BaseException:  # noqa: BLE001  the program broke the code that runs it (for example, a tracer that raises)
        return ProgramReport("error", error="the program could not be finished")


def _flush(stream: io.TextIOWrapper) -> None:
    try:
        stream.flush()
    except (OSError, ValueError):  # the program closed or replaced its stdout: there is nothing left to flush
        return


def _send(write: Callable[[int, bytes], int], descriptor: int, record: dict[str, object]) -> None:
    data = pack(record)
    while data:
        data = data[write(descriptor, data) :]


def _receive(read: Callable[[int, int], bytes], descriptor: int) -> dict[str, object] | None:
    """Read the next request; None when qmath has closed the pipe."""
    buffer = b""
    while True:
        try:
            found = unpack(buffer)
        except ProtocolError:
            return None
        if found is not None:
            return found[0]
        need = LENGTH_BYTES - len(buffer)
        if need <= 0:
            need = LENGTH_BYTES + int.from_bytes(buffer[:LENGTH_BYTES], "big")
        piece = read(descriptor, max(1, min(need, _READ_BYTES)))
        if not piece:
            return None
        buffer += piece

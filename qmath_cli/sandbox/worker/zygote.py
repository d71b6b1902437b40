"""The zygote: a process that has imported what programs need and forks a worker at each request (Linux).

It is a program of its own, not a fork of qmath (whose threads a fork would lose), has one thread, and runs nothing but
this file: workers confine themselves after the fork. The first worker, which a first program waits for, is forked as
soon as sympy is there; the other libraries are imported once there are several. Requests are JSON datagrams on its
standard input, a socket; the pipes of a new worker are passed along with them. When qmath ends, even by SIGKILL, the
zygote detects it within half a second, and its workers end with it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import select
import signal
import socket
import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.confinement import confine, libc
from qmath_cli.sandbox.worker import environment, service
from qmath_cli.sandbox.worker.boot import preload
from qmath_cli.sandbox.worker.program import Namespace

_PARENT_CHECK_S = 0.5
_MAX_MESSAGE_BYTES = 4096
_FORKS_BEFORE_WARMING = 3  # a single solution (its worker and a spare) must not wait for the warming
_MAX_DESCRIPTORS = 4096  # more than this process ever has open


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the zygote prepares for every worker; the fork gives each its own copy."""

    config: WorkerConfig
    namespace: Namespace
    kept: tuple[int, ...]  # descriptors that a worker inherits


def main(config: WorkerConfig) -> NoReturn:
    """Prepare, then serve until qmath ends."""
    control = socket.socket(fileno=0)
    sys.dont_write_bytecode = True
    prepared = Prepared(config, environment.prepare(config), confine.precompute(config))
    freeze_objects()
    children: set[int] = set()
    libc.signal_at_parents_end(0)  # from this point on, `_next_request` checks for the parent
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(OSError):  # qmath ended while a response was being sent
        _serve(prepared, control, children)
    for child in list(children):
        _end({"end": child}, children)
    with contextlib.suppress(OSError):
        os.rmdir(config.scratch)
    os._exit(0)


def _serve(prepared: Prepared, control: socket.socket, children: set[int]) -> None:
    """Report readiness, then respond to requests until qmath ends."""
    control.send(b'{"id": 0}')
    forks = 0
    while (message := _next_request(control, prepared.config.parent)) is not None:
        request, descriptors = message
        ends = "end" in request
        response = _end(request, children) if ends else _fork(prepared, descriptors, children)
        control.send(json.dumps({"id": request.get("id")} | response).encode("ascii"))
        forks += not ends
        if forks == _FORKS_BEFORE_WARMING and not ends:
            preload(prepared.config, prepared.config.later)
            fill_caches()
            freeze_objects()


def freeze_objects() -> None:
    """Exempt all present objects from garbage collection: a worker's collector would write to, and so copy, them."""
    gc.collect()
    gc.freeze()


def fill_caches() -> None:
    """Do once what every worker would repeat: sympy fills caches when it solves, prints and integrates."""
    if (sympy := sys.modules.get("sympy")) is not None:
        x = sympy.Symbol("x")
        str(sympy.solve(x**3 - 6 * x**2 + 11 * x - 6, x))
        str(sympy.simplify(sympy.integrate(x**2, (x, 0, 1)) + sympy.sqrt(8)))


def _next_request(control: socket.socket, parent: int) -> tuple[dict[str, object], list[int]] | None:
    """The next request and the descriptors that came with it, or None when qmath has ended."""
    while not select.select([control], [], [], _PARENT_CHECK_S)[0]:
        if os.getppid() != parent:
            return None
    data, descriptors, _flags, _address = socket.recv_fds(control, _MAX_MESSAGE_BYTES, 3)
    if not data or os.getppid() != parent:
        return None
    request = json.loads(data)
    return (request if isinstance(request, dict) else {}), descriptors


def _fork(prepared: Prepared, descriptors: list[int], children: set[int]) -> dict[str, int]:
    zygote = os.getpid()
    child = os.fork()
    if child == 0:
        _become_worker(prepared, descriptors, zygote)
    for descriptor in descriptors:
        os.close(descriptor)
    children.add(child)
    return {"pid": child}


def _become_worker(prepared: Prepared, descriptors: list[int], zygote: int) -> NoReturn:
    """In the child: start a session, move the pipes to 0, 1 and 2, close all else, reseed, serve."""
    try:
        os.setsid()
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
        for below, above in pairwise((2, *sorted(prepared.kept), _MAX_DESCRIPTORS)):
            os.closerange(below + 1, above)
        gc.enable()
        random.seed()
        if (numpy_random := sys.modules.get("numpy.random")) is not None:
            numpy_random.seed()
        service.serve(prepared.config, service.take_channel(), zygote, prepared.namespace)
    finally:
        os._exit(0)


def _end(request: dict[str, object], children: set[int]) -> dict[str, int]:
    """Kill a worker's group and reap it; its exit status as in `subprocess`, negative for a signal."""
    child = request.get("end")
    if not isinstance(child, int) or child not in children:
        return {"status": 0}
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)
    _pid, status = os.waitpid(child, 0)
    children.discard(child)
    return {"status": os.waitstatus_to_exitcode(status)}

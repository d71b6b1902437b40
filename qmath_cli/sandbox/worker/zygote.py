"""The zygote: a process that has imported what programs need and forks a worker whenever it is asked (Linux).

It is a program of its own, never a fork of qmath (whose threads would not survive that), has one thread, and runs
nothing but this file: workers confine themselves after the fork. Requests are JSON datagrams on its standard input, a
socket; the pipes of a new worker come with them. When qmath goes, by whatever way, the zygote sees it within half a
second, and its workers die with it.
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
from qmath_cli.sandbox.worker.program import Namespace

_LOOK_UP = 0.5  # seconds between two looks at whether qmath is still there
_MESSAGE = 4096
_MANY = 3  # workers: one solution takes one and leaves a spare, and is not to wait for what will serve others
_DESCRIPTORS = 4096  # more than this process ever has open


@dataclass(frozen=True, slots=True)
class Stock:
    """What every worker finds prepared; by the fork it has a copy of its own."""

    config: WorkerConfig
    namespace: Namespace
    kept: tuple[int, ...]  # descriptors that it inherits


def main(config: WorkerConfig) -> NoReturn:
    """Import, then serve until qmath is gone."""
    control = socket.socket(fileno=0)
    stock = Stock(config, environment.prepare(config), confine.rehearse(config))
    settle()
    children: set[int] = set()
    libc.signal_at_parents_end(0)  # from here on we see to it ourselves
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(OSError):  # qmath went away while we were answering
        _serve(stock, control, children)
    for child in list(children):
        _end({"end": child}, children)
    with contextlib.suppress(OSError):
        os.rmdir(config.scratch)
    os._exit(0)


def _serve(stock: Stock, control: socket.socket, children: set[int]) -> None:
    """Say that we are ready, then answer requests until qmath is gone."""
    control.send(b'{"id": 0}')
    forks = 0
    while (message := _next(control, stock.config.parent)) is not None:
        request, descriptors = message
        ends = "end" in request
        answer = _end(request, children) if ends else _fork(stock, descriptors, children)
        control.send(json.dumps({"id": request.get("id")} | answer).encode("ascii"))
        forks += not ends
        if forks == _MANY and not ends:
            warm()
            settle()


def settle() -> None:
    """Make what there is permanent, so that a worker's collector does not touch, and thereby copy, what we share."""
    gc.collect()
    gc.freeze()


def warm() -> None:
    """Do once what every problem would pay for: sympy fills caches when it solves, prints and integrates."""
    if (sympy := sys.modules.get("sympy")) is not None:
        x = sympy.Symbol("x")
        str(sympy.solve(x**3 - 6 * x**2 + 11 * x - 6, x))
        str(sympy.simplify(sympy.integrate(x**2, (x, 0, 1)) + sympy.sqrt(8)))


def _next(control: socket.socket, parent: int) -> tuple[dict[str, object], list[int]] | None:
    """The next request and the descriptors that came with it, or None when qmath is gone."""
    while not select.select([control], [], [], _LOOK_UP)[0]:
        if os.getppid() != parent:
            return None
    data, descriptors, _flags, _address = socket.recv_fds(control, _MESSAGE, 3)
    if not data or os.getppid() != parent:
        return None
    request = json.loads(data)
    return (request if isinstance(request, dict) else {}), descriptors


def _fork(stock: Stock, descriptors: list[int], children: set[int]) -> dict[str, int]:
    zygote = os.getpid()
    child = os.fork()
    if child == 0:
        _become_worker(stock, descriptors, zygote)
    for descriptor in descriptors:
        os.close(descriptor)
    children.add(child)
    return {"pid": child}


def _become_worker(stock: Stock, descriptors: list[int], zygote: int) -> NoReturn:
    """In the child: a session of its own, its pipes in place (over our socket), nothing else open, its own chance."""
    try:
        os.setsid()
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
        for below, above in pairwise((2, *sorted(stock.kept), _DESCRIPTORS)):
            os.closerange(below + 1, above)
        random.seed()
        if (numpy_random := sys.modules.get("numpy.random")) is not None:
            numpy_random.seed()
        service.serve(stock.config, service.take_channel(), zygote, stock.namespace)
    finally:
        os._exit(0)


def _end(request: dict[str, object], children: set[int]) -> dict[str, int]:
    """Kill a worker's group and reap it; its status as `subprocess` counts, negative for a signal."""
    child = request.get("end")
    if not isinstance(child, int) or child not in children:
        return {"status": 0}
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)
    _pid, status = os.waitpid(child, 0)
    children.discard(child)
    return {"status": os.waitstatus_to_exitcode(status)}

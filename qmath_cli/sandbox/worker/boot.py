"""The first lines a worker process runs: read the orders, get a deep stack, import, then serve or fork.

`python -s -P -B -X utf8 -c LINE ROOT MODE ORDERS`: the environment is one that qmath made, so `-I` (which would also
ignore the hash seed) is not needed.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from types import FrameType

from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.confinement import libc

LINE = "import sys; sys.path.insert(0, sys.argv[1]); from qmath_cli.sandbox.worker.boot import main; main()"

#: Imported beforehand where nothing can be imported later: what the programs of mathematical models have used.
_WIDE = """
    sympy sympy.stats sympy.vector sympy.physics.units sympy.ntheory.residue_ntheory sympy.combinatorics sympy.geometry
    sympy.crypto sympy.abc sympy.tensor sympy.parsing.sympy_parser sympy.parsing.latex sympy.plotting mpmath numpy
    numpy.random numpy.polynomial numpy.fft numpy.linalg numpy.ma scipy.optimize scipy.integrate scipy.stats
    scipy.special scipy.linalg networkx pandas cmath fractions decimal statistics random itertools functools heapq
    bisect array string textwrap datetime calendar copy dataclasses enum json unicodedata hashlib pprint asyncio
    concurrent.futures.thread timeit typing abc numbers collections.abc contextlib queue csv secrets uuid graphlib
    inspect pickle zoneinfo operator encodings.idna encodings.utf_16 cProfile tracemalloc logging pydoc unittest
"""


def main() -> None:
    """Become a worker."""
    config = WorkerConfig.load(sys.argv[3])
    deepen_stack()
    if sys.platform == "linux":
        follow(config)
    find_libraries(config)
    if sys.argv[2] == "zygote":
        from qmath_cli.sandbox.worker import zygote

        preload(config)
        zygote.main(config)
    from qmath_cli.sandbox.worker import environment, service

    channel = service.take_channel()
    preload(config)
    service.serve(config, channel, config.parent, environment.prepare(config))


def follow(config: WorkerConfig) -> None:
    """Tidy up and end when qmath ends, also in the middle of the imports; once confined, a worker is killed instead."""

    def gone(_signal: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            os.rmdir(config.scratch)
        os._exit(1)

    signal.signal(signal.SIGTERM, gone)
    libc.signal_at_parents_end(signal.SIGTERM)
    if os.getppid() != config.parent:
        gone(signal.SIGTERM, None)


def deepen_stack() -> None:
    """Raise the soft limit on the stack and start again: its place in memory is chosen when a program starts."""
    if sys.platform != "linux":
        return
    import resource

    from qmath_cli.sandbox.confinement.posix import STACK

    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = STACK if hard == resource.RLIM_INFINITY else min(STACK, hard)
    if soft != wanted:
        resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
        if soft != resource.RLIM_INFINITY and soft < wanted:
            os.execv(sys.executable, sys.orig_argv)  # noqa: S606  ourselves, with the same arguments


def find_libraries(config: WorkerConfig) -> None:
    """`sys.path` without our own folder and with those of the libraries, whatever site-packages they live in."""
    sys.path[:] = [entry for entry in sys.path if entry != config.root]
    sys.path.extend(entry for entry in config.paths if entry not in sys.path)


def preload(config: WorkerConfig) -> None:
    """Import what the programs will want; a library that is not installed is the program's concern."""
    for name in (*config.preload, *(_WIDE.split() if opens_nothing(config) else ())):
        try:
            importlib.import_module(name)
        except ImportError:
            continue


def opens_nothing(config: WorkerConfig) -> bool:
    """Whether a confined worker will not be able to read even Python's own files."""
    if sys.platform != "linux":
        return False
    from qmath_cli.sandbox.confinement import linux

    return linux.landlock_version(config) == 0

"""The first code that a worker process runs: read the configuration, raise the stack limit, import, then serve or fork.

Command line: `python -s -P -X utf8 -c BOOT_CODE ROOT MODE CONFIG`. The environment is one that qmath made, so `-I`
(which would also ignore the hash seed) is not needed. Until the imports are done, compiled files may be written where
the libraries are installed: some installers leave that to the first use, and sympy takes seconds without them.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterable
from types import FrameType

from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.confinement import libc

BOOT_CODE = "import sys; sys.path.insert(0, sys.argv[1]); from qmath_cli.sandbox.worker.boot import main; main()"

#: Imported before confinement where nothing can be imported after it: what the programs of mathematical models use.
_ALL_LIBRARIES = """
    sympy sympy.stats sympy.vector sympy.physics.units sympy.ntheory.residue_ntheory sympy.combinatorics sympy.geometry
    sympy.crypto sympy.abc sympy.tensor sympy.parsing.sympy_parser sympy.parsing.latex sympy.plotting mpmath numpy
    numpy.random numpy.polynomial numpy.fft numpy.linalg numpy.ma scipy.optimize scipy.integrate scipy.stats
    scipy.special scipy.linalg networkx pandas cmath fractions decimal statistics random itertools functools heapq
    bisect array string textwrap datetime calendar copy dataclasses enum json unicodedata hashlib pprint asyncio
    concurrent.futures.thread timeit typing abc numbers collections.abc contextlib queue csv secrets uuid graphlib
    inspect pickle zoneinfo operator encodings.idna encodings.utf_16 cProfile tracemalloc logging pydoc unittest
"""


def main() -> None:
    """Run this process as a worker or as a zygote."""
    gc.disable()  # an import makes no garbage, and sympy's would be searched for it many times over
    config = WorkerConfig.load(sys.argv[3])
    raise_stack_limit()
    if sys.platform == "linux":
        end_with_parent(config)
    find_libraries(config)
    if sys.argv[2] == "zygote":
        from qmath_cli.sandbox.worker import zygote

        preload(config, config.preload)
        zygote.main(config)
    from qmath_cli.sandbox.worker import environment, service

    channel = service.take_channel()
    preload(config, (*config.preload, *config.later))
    sys.dont_write_bytecode = True
    gc.enable()
    service.serve(config, channel, config.parent, environment.prepare(config))


def end_with_parent(config: WorkerConfig) -> None:
    """Remove the scratch folder and exit when qmath ends, even during the imports.

    This holds until confinement, from which point on the kernel kills the worker instead.
    """

    def leave(_signal: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            os.rmdir(config.scratch)
        os._exit(1)

    signal.signal(signal.SIGTERM, leave)
    libc.signal_at_parents_end(signal.SIGTERM)
    if os.getppid() != config.parent:
        leave(signal.SIGTERM, None)


def raise_stack_limit() -> None:
    """Raise the soft limit on the stack and restart the interpreter: the limit takes effect when a program starts."""
    if sys.platform != "linux":
        return
    import resource

    from qmath_cli.sandbox.confinement.posix import STACK_BYTES

    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = STACK_BYTES if hard == resource.RLIM_INFINITY else min(STACK_BYTES, hard)
    if soft != wanted:
        resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
        if soft != resource.RLIM_INFINITY and soft < wanted:
            os.execv(sys.executable, sys.orig_argv)  # noqa: S606  this program, with the same arguments


def find_libraries(config: WorkerConfig) -> None:
    """Remove qmath's own folder from `sys.path` and add the folders of the libraries."""
    sys.path[:] = [entry for entry in sys.path if entry != config.root]
    sys.path.extend(entry for entry in config.paths if entry not in sys.path)


def preload(config: WorkerConfig, libraries: Iterable[str]) -> None:
    """Import libraries that programs use, or all of them if none can be later; one that is not installed is skipped."""
    for name in _ALL_LIBRARIES.split() if opens_no_file(config) else libraries:
        try:
            importlib.import_module(name)
        except ImportError:
            continue


def opens_no_file(config: WorkerConfig) -> bool:
    """Whether a confined worker cannot read even Python's own files."""
    if sys.platform != "linux":
        return False
    from qmath_cli.sandbox.confinement import linux

    return linux.landlock_version(config) == 0

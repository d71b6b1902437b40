"""The executor: workers for those who ask, one always waiting. This is qmath's own side.

What it promises: a program ends within its limits, its process group is killed and reaped, what it printed comes back
as text that is bounded and harmless, and nothing a worker sends is believed beyond its type and length. What it does
not promise: that a worker tells the truth about its own program.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from qmath_cli.errors import ExecutorUnusable
from qmath_cli.records import Protection
from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.levels import protection_of
from qmath_cli.sandbox.limits import Layer, Limits, Switch
from qmath_cli.sandbox.parent.launch import DirectLauncher, Launcher
from qmath_cli.sandbox.parent.live import LiveProcess, LiveWorker

LIBRARIES = ("sympy", "numpy", "mpmath", "scipy", "networkx", "pandas", "gmpy2")
PRELOAD = ("sympy", "numpy")
PACKAGE_FOLDERS = ("site-packages", "dist-packages")  # never the current folder, PYTHONPATH or a script's folder


def config_for(limits: Limits, scratch: Path, preload: Sequence[str], without: frozenset[Switch]) -> WorkerConfig:
    """What a worker is told: our package's folder, where the libraries are, what Python itself must read."""
    found = [Path(spec.origin).parents[1] for spec in map(find_spec, LIBRARIES) if spec and spec.origin]
    paths = tuple(dict.fromkeys(str(path) for path in found if path.name in PACKAGE_FOLDERS))
    python = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return WorkerConfig(
        root=str(Path(__file__).resolve().parents[2]),
        paths=paths,
        readable=tuple(dict.fromkeys([*paths, *python])),
        scratch=str(scratch),
        parent=os.getpid(),
        seconds=limits.seconds,
        memory=limits.memory,
        preload=tuple(preload),
        without=tuple(sorted(without)),
    )


def make_scratch() -> Path:
    """The empty folder that workers are started in. Raises `ExecutorUnusable`."""
    try:
        return Path(tempfile.mkdtemp(prefix="qmath-"))
    except OSError as exc:
        raise ExecutorUnusable(f"no temporary folder can be made: {exc}", "set TMPDIR to one that can") from exc


def launcher_for(config: WorkerConfig) -> Launcher:
    """Forked workers on Linux; elsewhere forking after numpy is not safe, or there is no fork."""
    if sys.platform == "linux":
        from qmath_cli.sandbox.parent.forked import ZygoteLauncher

        return ZygoteLauncher(config)
    return DirectLauncher(config)


class RestrictedExecutor:
    """Hands out workers. Starting one is hidden: the next is prepared in the background as soon as one is taken.

    `preload` are the libraries a worker imports before it is confined; `empty` is what a silent program gives back;
    without `spares` only the first worker is prepared. `without` leaves layers out and is there for tests alone.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        allow_basic: bool = False,
        preload: Sequence[str] = PRELOAD,
        empty: str = "Done",
        spares: bool = True,
        without: frozenset[Switch] = frozenset(),
    ) -> None:
        self.limits = limits or Limits()
        self.empty = empty
        self._allow_basic = allow_basic
        self._spares = spares
        self.scratch = make_scratch()
        self._launcher = launcher_for(config_for(self.limits, self.scratch, preload, without))
        self._lock = threading.Lock()
        self._closed = False
        self._live: set[LiveProcess] = set()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="qmath-spare")
        self._spare: Future[LiveProcess] | None = self._background.submit(self._launch)
        self._first = self._spare

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What the first worker's probes found. Waits for it. Raises `ExecutorUnusable`."""
        return self._first.result().layers

    @property
    def protection(self) -> Protection:
        """The level that the layers add up to. Waits for the first worker."""
        return protection_of(self.layers)

    def open(self) -> LiveWorker:
        """The spare worker; raises `ExecutorUnusable` where none starts or where basic protection was not agreed to."""
        return LiveWorker(self.take, self.retire, self.limits, self.empty)

    def take(self) -> LiveProcess:
        """A confined process that waits for programs; the next one is started at once."""
        process = self._next().result()
        if not process.alive():  # it was killed while it waited, perhaps because memory was short
            self.retire(process)
            process = self._next().result()
        if protection_of(process.layers) is Protection.BASIC and not self._allow_basic:
            self.retire(process)
            raise ExecutorUnusable(
                "programs can only be held back by Python itself on this system, not by its kernel",
                "--allow-basic-executor runs them all the same; allow_basic_executor = true in the settings, always",
            )
        return process

    def _next(self) -> Future[LiveProcess]:
        with self._lock:
            if self._closed:
                raise ExecutorUnusable("the executor is closed")
            spare = self._spare or self._background.submit(self._launch)
            self._spare = self._background.submit(self._launch) if self._spares else None
            return spare

    def retire(self, process: LiveProcess) -> None:
        """End a process and forget it."""
        process.close()
        with self._lock:
            self._live.discard(process)

    def close(self) -> None:
        """End every worker, the spare included, and remove the working directory. Safe to call twice."""
        with self._lock:
            self._closed = True
            live = list(self._live)
        for process in live:
            process.close()
        self._background.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            live = list(self._live)
            self._live.clear()
        for process in live:
            process.close()
        self._launcher.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def __enter__(self) -> RestrictedExecutor:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _launch(self) -> LiveProcess:
        """Start a worker and wait until it is confined. Runs in the background thread."""
        process = LiveProcess(self._launcher.launch(), self.limits.memory)
        with self._lock:
            self._live.add(process)
        process.await_ready()
        return process

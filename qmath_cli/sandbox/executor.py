"""The restricted executor: hands out confined workers and keeps a spare one ready. Runs in qmath's own process.

It promises that a program ends within its limits, that its process group is killed and reaped, that its output comes
back as bounded text without control characters, and that nothing a worker sends is used before its type and length
are checked. It does not promise that a worker reports truthfully about its own program.
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
from qmath_cli.sandbox.parent.live import RestrictedWorker, WorkerProcess

LIBRARIES = ("sympy", "numpy", "mpmath", "scipy", "networkx", "pandas", "gmpy2")
PRELOAD = ("sympy", "numpy")
PACKAGE_FOLDERS = ("site-packages", "dist-packages")  # never the current folder, PYTHONPATH or a script's folder


def config_for(
    limits: Limits, scratch: Path, preload: Sequence[str], without: frozenset[Switch], *, spares: bool = True
) -> WorkerConfig:
    """The configuration of a worker, with the folders that Python and the installed libraries need."""
    at_once = 1 if spares else len(preload)
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
        preload=tuple(preload[:at_once]),
        later=tuple(preload[at_once:]),
        without=tuple(sorted(without)),
    )


def make_scratch() -> Path:
    """Create the empty folder that workers start in. Raises `ExecutorUnusable`."""
    try:
        return Path(tempfile.mkdtemp(prefix="qmath-"))
    except OSError as exc:
        raise ExecutorUnusable(
            f"no temporary folder could be created: {exc}", "set TMPDIR to a folder that can be written"
        ) from exc


def launcher_for(config: WorkerConfig) -> Launcher:
    """A zygote on Linux; elsewhere forking after an import of numpy is not safe, or there is no fork."""
    if sys.platform == "linux":
        from qmath_cli.sandbox.parent.forked import ZygoteLauncher

        return ZygoteLauncher(config)
    return DirectLauncher(config)


class RestrictedExecutor:
    """Hands out confined workers. As soon as one is taken, the next one is started in the background.

    Args:
        limits: What each program may use; the defaults of `Limits` if None.
        allow_basic: Whether to hand out workers that only Python's own checks hold (basic protection).
        preload: Libraries that are imported before a worker is confined; where spares are kept, the first workers get
            only the first of them in this way, and import others when a program does.
        empty: The text returned for a program that printed nothing.
        spares: Whether to keep a spare worker ready at all times; False prepares only the first one.
        without: Layers to leave out, for tests.

    Raises:
        ExecutorUnusable: No temporary folder can be created.
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
        self.allow_basic = allow_basic
        self._spares = spares
        self.scratch = make_scratch()
        self._launcher = launcher_for(config_for(self.limits, self.scratch, preload, without, spares=spares))
        self._lock = threading.Lock()
        self._closed = False
        self._live: set[WorkerProcess] = set()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="qmath-spare")
        self._spare: Future[WorkerProcess] | None = self._background.submit(self._launch)
        self._first = self._spare

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What the probes of the first worker found. Waits for that worker. Raises `ExecutorUnusable`."""
        return self._first.result().layers

    @property
    def protection(self) -> Protection:
        """The level that the layers add up to. Waits for the first worker. Raises `ExecutorUnusable`."""
        return protection_of(self.layers)

    def open(self) -> RestrictedWorker:
        """Take the spare worker: a fresh namespace for the programs of one solution.

        Raises:
            ExecutorUnusable: No worker starts, or only basic protection holds and `allow_basic` is False.
        """
        return RestrictedWorker(self.take, self.discard, self.limits, self.empty)

    def take(self) -> WorkerProcess:
        """Take the spare process and start the next one in the background. Raises `ExecutorUnusable`."""
        process = self._take_spare().result()
        if not process.alive():  # killed while it waited, for example because the system ran out of memory
            self.discard(process)
            process = self._take_spare().result()
        if protection_of(process.layers) is Protection.BASIC and not self.allow_basic:
            self.discard(process)
            raise ExecutorUnusable(
                "the kernel of this system cannot confine programs; only Python's own checks would hold them",
                "--allow-basic-executor runs them anyway; allow_basic_executor = true in the settings does so always",
            )
        return process

    def _take_spare(self) -> Future[WorkerProcess]:
        with self._lock:
            if self._closed:
                raise ExecutorUnusable("the executor is closed")
            spare = self._spare or self._background.submit(self._launch)
            self._spare = self._background.submit(self._launch) if self._spares else None
            return spare

    def discard(self, process: WorkerProcess) -> None:
        """End a process and remove it from the live ones."""
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
        self._launcher.cancel()
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

    def _launch(self) -> WorkerProcess:
        """Start a worker and wait until it is confined. Runs in the background thread."""
        process = WorkerProcess(self._launcher.launch(), self.limits.memory)
        with self._lock:
            self._live.add(process)
        process.await_ready()
        return process

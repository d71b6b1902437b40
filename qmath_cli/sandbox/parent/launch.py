"""Starts worker processes directly, one interpreter each: the way that works on every system.

The environment is made from nothing, the working directory is an empty folder, only the three standard pipes are
inherited, and the worker leads its own session, so that the terminal's Ctrl-C does not reach it and `kill` takes
whatever it may have started along.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Protocol

from qmath_cli.errors import ExecutorUnusable
from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.confinement import windows
from qmath_cli.sandbox.parent.pipes import Ends, make_pipes
from qmath_cli.sandbox.worker.boot import LINE

_THREADS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
_PASSED = ("TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR")  # Python may need them to start


class Started(Protocol):
    """A worker process that runs: our ends of its pipes, and its end."""

    @property
    def ends(self) -> Ends:
        """Our ends of the pipes, ours to close."""
        ...

    def memory(self) -> int:
        """Bytes in use, where nothing but the parent can hold the limit; else 0."""
        ...

    def kill(self) -> int:
        """Kill the whole process group and reap it; the exit status, negative for a signal. Safe to repeat."""
        ...


class Launcher(Protocol):
    """Where worker processes come from."""

    def launch(self) -> Started:
        """Start one. Raises `ExecutorUnusable`."""
        ...

    def close(self) -> None:
        """Give up what the launcher itself holds."""
        ...


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a worker may know of our environment: next to nothing."""
    clean = dict.fromkeys(_THREADS, "1") | {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "MPLBACKEND": "Agg"}
    return clean | {name: environ[name] for name in _PASSED if name in environ}


def command(mode: str, config: WorkerConfig) -> list[str]:
    """The command line of a worker (`mode` "worker") or of a zygote ("zygote")."""
    return [sys.executable, "-s", "-P", "-B", "-X", "utf8", "-c", LINE, config.root, mode, config.dump()]


class DirectLauncher:
    """One new interpreter per worker."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config

    def launch(self) -> Started:
        """Start an interpreter; it imports and confines itself while we go on."""
        ours, theirs = make_pipes()
        try:
            return DirectProcess(ours, start(self._config, theirs), self._config.memory)
        except OSError as exc:
            ours.close()
            raise ExecutorUnusable(f"no worker process could be started: {exc}") from exc
        finally:
            theirs.close()

    def close(self) -> None:
        """Nothing is held."""


def start(config: WorkerConfig, theirs: Ends) -> subprocess.Popen[bytes]:
    """A new interpreter whose standard streams are these pipes; on Windows it waits for its job object."""
    line, environ, flags = command("worker", config), environment(os.environ), 0
    if sys.platform == "win32":
        line[0], environ = windows.interpreter(environ)
        flags = windows.SUSPENDED | windows.NO_WINDOW | windows.NEW_GROUP
    return subprocess.Popen(
        line,
        stdin=theirs.requests,
        stdout=theirs.output,
        stderr=theirs.results,
        cwd=config.scratch,
        env=environ,
        start_new_session=True,
        creationflags=flags,
    )


class DirectProcess:
    """A worker that is our own child; on Windows, inside a job object that this object keeps open."""

    def __init__(self, ends: Ends, process: subprocess.Popen[bytes], memory: int) -> None:
        self.ends = ends
        self._process = process
        self._lock = threading.Lock()
        self._job = 0
        if sys.platform == "win32":
            try:
                self._job = windows.enclose(int(process._handle), memory, windows.WindowsApi())  # noqa: SLF001  no other way
            except OSError:
                process.kill()
                process.wait()
                raise

    def memory(self) -> int:
        """Bytes in use, where only the parent can hold the limit (macOS); else 0."""
        if sys.platform == "darwin":
            from qmath_cli.sandbox.confinement import macos

            return macos.footprint(self._process.pid)
        return 0

    def kill(self) -> int:
        """Kill the group and wait for the worker; the group is ours as long as the worker is not reaped."""
        with self._lock:
            if self._process.returncode is None:
                if sys.platform == "win32":
                    self._process.kill()
                else:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(self._process.pid, signal.SIGKILL)
            status = self._process.wait()
            if self._job:
                windows.WindowsApi().close(self._job)
                self._job = 0
            return status

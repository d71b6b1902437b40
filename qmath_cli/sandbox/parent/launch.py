"""Starts worker processes directly, one interpreter each: the way that works on every system.

The environment is built from nothing, the working directory is an empty folder, and only the three standard pipes are
inherited. The worker leads its own session: the terminal's Ctrl-C does not reach it, and `kill` ends the whole group.
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
from qmath_cli.sandbox.config import THREAD_VARIABLES, WorkerConfig
from qmath_cli.sandbox.confinement import windows
from qmath_cli.sandbox.parent.pipes import PipeEnds, make_pipes
from qmath_cli.sandbox.worker.boot import BOOT_CODE

START_TIMEOUT_S = 60.0  # a first import of sympy without compiled files takes seconds

_PASSED = ("TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR")  # Python may need them to start


class StartedProcess(Protocol):
    """A running worker process, seen from the parent."""

    @property
    def ends(self) -> PipeEnds:
        """The parent's ends of the pipes; the caller closes them."""
        ...

    def memory(self) -> int:
        """Bytes in use, where only the parent can enforce the limit; else 0."""
        ...

    def kill(self) -> int:
        """Kill the whole process group and reap it; the exit status, negative for a signal. Safe to repeat."""
        ...


class Launcher(Protocol):
    """Starts worker processes."""

    def launch(self) -> StartedProcess:
        """Start one. Raises `ExecutorUnusable`."""
        ...

    def cancel(self) -> None:
        """Let a start that is under way fail at once, and every later one too."""
        ...

    def close(self) -> None:
        """Release what the launcher itself holds."""
        ...


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of a worker: fixed ones, and the few that Python may need to start."""
    clean = dict.fromkeys(THREAD_VARIABLES, "1") | {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "MPLBACKEND": "Agg"}
    return clean | {name: environ[name] for name in _PASSED if name in environ}


def command_line(mode: str, config: WorkerConfig) -> list[str]:
    """The command line of a worker (`mode` "worker") or of a zygote ("zygote")."""
    read_only = ["-B"] if sys.dont_write_bytecode else []
    return [sys.executable, "-s", "-P", *read_only, "-X", "utf8", "-c", BOOT_CODE, config.root, mode, config.dump()]


class DirectLauncher:
    """One new interpreter per worker."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config

    def launch(self) -> StartedProcess:
        """Start an interpreter; it imports and confines itself in the background. Raises `ExecutorUnusable`."""
        parent_ends, worker_ends = make_pipes()
        try:
            return DirectProcess(parent_ends, start(self._config, worker_ends), self._config.memory)
        except OSError as exc:
            parent_ends.close()
            raise ExecutorUnusable(f"no worker process could be started: {exc}") from exc
        finally:
            worker_ends.close()

    def cancel(self) -> None:
        """Nothing can be cancelled: the executor kills the worker that it started."""

    def close(self) -> None:
        """There is nothing to release."""


def start(config: WorkerConfig, ends: PipeEnds) -> subprocess.Popen[bytes]:
    """Start an interpreter with these pipes as its standard streams; on Windows it is suspended."""
    line, environ, flags = command_line("worker", config), clean_environment(os.environ), 0
    if sys.platform == "win32":
        line[0], environ = windows.interpreter(environ)
        flags = windows.SUSPENDED | windows.NO_WINDOW | windows.NEW_GROUP
    return subprocess.Popen(
        line,
        stdin=ends.requests,
        stdout=ends.output,
        stderr=ends.results,
        cwd=config.scratch,
        env=environ,
        start_new_session=True,
        creationflags=flags,
    )


class DirectProcess:
    """A worker that is a child of qmath; on Windows, inside a job object whose handle this object holds."""

    def __init__(self, ends: PipeEnds, process: subprocess.Popen[bytes], memory: int) -> None:
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
        """Bytes in use, where only the parent can enforce the limit (macOS); else 0."""
        if sys.platform == "darwin":
            from qmath_cli.sandbox.confinement import macos

            return macos.footprint(self._process.pid)
        return 0

    def kill(self) -> int:
        """Kill the group and wait for the worker. Until it is reaped, no other group can have its number."""
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

"""Probes: a confined worker attempts what it must not do. A guard holds if its attempts are refused.

An attempt that succeeds does no harm: an empty file in the worker's own folder, a socket that is closed immediately, a
child that exits immediately, signal 0.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.limits import Guard, Hold

_PRIVATE = ("/etc/passwd", "/etc/hosts", "/proc/self/status", "/proc/self/environ")

Probe = Callable[[WorkerConfig], bool]  # returns whether the attempt was refused


def run(config: WorkerConfig, guards: Iterable[Guard], hold: Hold, detail: str) -> dict[Guard, dict[str, str]]:
    """The records of those of these guards whose probes are all refused now, attributed to `hold`."""
    return {guard: record(guard, hold, detail) for guard in guards if all(probe(config) for probe in PROBES[guard])}


def record(guard: Guard, hold: Hold, detail: str) -> dict[str, str]:
    """A finding, as it is sent in a frame."""
    return {"guard": guard.value, "hold": hold.value, "detail": detail}


def refused(action: Callable[[], object]) -> bool:
    """Whether the action raises a permission error; any other error is not a refusal."""
    try:
        action()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _no_new_file(config: WorkerConfig) -> bool:
    path = Path(config.scratch, f"probe-{os.getpid()}")
    if refused(lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))):
        return True
    with contextlib.suppress(OSError):
        path.unlink()
    return False


def _no_folder(config: WorkerConfig) -> bool:
    path = Path(config.scratch, f"probe-{os.getpid()}")
    if refused(path.mkdir):
        return True
    with contextlib.suppress(OSError):
        path.rmdir()
    return False


def _no_metadata(config: WorkerConfig) -> bool:
    return refused(lambda: os.chmod(config.scratch, 0o700)) and refused(lambda: os.utime(config.scratch))


def _no_reading(_config: WorkerConfig) -> bool:
    existing = [path for path in _private_files() if Path(path).exists()]
    return bool(existing) and all(refused(lambda path=path: os.close(os.open(path, os.O_RDONLY))) for path in existing)  # type: ignore[misc]


def _private_files() -> Iterable[str]:
    if sys.platform == "win32":
        return (os.path.join(os.environ.get("WINDIR", r"C:\Windows"), "win.ini"),)
    return _PRIVATE


def _no_socket(config: WorkerConfig) -> bool:
    """No internet socket and no connection to a unix socket; a socket pair within the process is permitted."""
    internet = [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM)]
    if not all(refused(lambda kind=kind: socket.socket(*kind).close()) for kind in internet):  # type: ignore[misc]
        return False
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM) if hasattr(socket, "AF_UNIX") else ()
    return all(refused(lambda kind=kind: _connect(kind, config.scratch)) for kind in kinds)  # type: ignore[misc]


def _connect(kind: int, folder: str) -> None:
    with socket.socket(socket.AF_UNIX, kind) as end:
        end.connect(f"{folder}/no-such-socket")


def _no_child(_config: WorkerConfig) -> bool:
    if sys.platform == "win32":
        return _no_new_program()
    try:
        child = os.fork()
    except PermissionError:
        return True
    except OSError:
        return False
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return False


def _no_new_program() -> bool:
    """Windows: a job object refuses a second process with a quota error, the audit hook with a permission error."""
    import subprocess

    try:
        subprocess.run([sys.executable, "-c", ""], check=False)
    except OSError:
        return True
    return False


def _no_signal(_config: WorkerConfig) -> bool:
    if sys.platform == "win32":
        from qmath_cli.sandbox.confinement import windows

        try:
            return not windows.may_terminate(os.getppid())
        except PermissionError:
            return True
    return refused(lambda: os.kill(os.getppid(), 0))


def _no_program(_config: WorkerConfig) -> bool:
    if sys.platform == "win32":
        return True  # Windows cannot replace a process by another program: see `_no_new_program`
    return refused(lambda: os.execv("/nonexistent/program", ["program"]))  # noqa: S606  meant to fail


def memory_limit_holds(config: WorkerConfig) -> bool:
    """Whether a request for memory beyond the limit fails."""
    try:
        mmap.mmap(-1, config.memory + (1 << 20)).close()
    except (OSError, MemoryError, OverflowError):
        return True
    return False


PROBES: dict[Guard, tuple[Probe, ...]] = {
    Guard.WRITES: (_no_new_file, _no_folder, _no_metadata),
    Guard.READS: (_no_reading,),
    Guard.NETWORK: (_no_socket,),
    Guard.PROCESSES: (_no_child, _no_signal, _no_program),
}

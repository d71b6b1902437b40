"""Starts workers from a zygote (Linux): the parent's side. A worker costs a fork and its restrictions: milliseconds."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import threading

from qmath_cli.errors import ExecutorUnusable
from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.parent.launch import START_TIMEOUT_S, StartedProcess, clean_environment, command_line
from qmath_cli.sandbox.parent.pipes import PipeEnds, make_pipes

RESPONSE_TIMEOUT_S = 20.0
_MAX_MESSAGE_BYTES = 4096
_KILLED = -9  # the exit status of a worker whose zygote was lost


class ZygoteLauncher:
    """Forks workers from one zygote; starts another where that was lost, for example because memory ran out."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._zygote: Zygote | None = None
        self._cancelled = False

    def launch(self) -> StartedProcess:
        """Fork a worker. Raises `ExecutorUnusable`."""
        with self._lock:
            try:
                return self._fork()
            except (OSError, ValueError):  # the zygote was lost: the second attempt starts a new one
                self._close_zygote()
            try:
                return self._fork()
            except (OSError, ValueError) as exc:
                self._close_zygote()
                raise ExecutorUnusable(f"no worker process could be started: {exc}") from exc

    def _fork(self) -> StartedProcess:
        if self._zygote is None and not self._cancelled:
            self._zygote = Zygote(self._config)
        if self._zygote is None or self._cancelled:
            raise ExecutorUnusable("the executor is closed")
        self._zygote.await_ready()
        parent_ends, worker_ends = make_pipes()
        try:
            return ForkedProcess(parent_ends, self._zygote.fork(worker_ends), self._zygote)
        except BaseException:  # also Ctrl-C, or the pipes would leak
            parent_ends.close()
            raise
        finally:
            worker_ends.close()

    def _close_zygote(self) -> None:
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.close()

    def cancel(self) -> None:
        """Kill a zygote that still imports; `launch` then raises `ExecutorUnusable`."""
        self._cancelled = True
        if (zygote := self._zygote) is not None:
            zygote.cancel()

    def close(self) -> None:
        """End the zygote, and with it every worker that it still has."""
        with self._lock:
            self._close_zygote()


class Zygote:
    """The zygote process and the socket to it; one request at a time, the first after `await_ready`."""

    def __init__(self, config: WorkerConfig) -> None:
        self._control, zygote_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._ready = False
        with zygote_end:
            self._process = subprocess.Popen(
                command_line("zygote", config),
                stdin=zygote_end.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=config.scratch,
                env=clean_environment(os.environ),
                start_new_session=True,
            )

    def await_ready(self) -> None:
        """Wait until it has imported what programs need. Raises `OSError` if it fails to start."""
        if self._ready:
            return
        try:
            self._response(0, START_TIMEOUT_S)
            self._ready = True
        except OSError as exc:
            self._control.close()
            raise OSError(self._startup_error() or str(exc)) from exc
        finally:
            self._close_stderr()

    def cancel(self) -> None:
        """Kill it if it is not ready yet."""
        if not self._ready:
            self._process.kill()

    def fork(self, ends: PipeEnds) -> int:
        """Fork a worker with these pipes as its descriptors 0, 1 and 2; return its process id."""
        with self._lock:
            descriptors = [ends.requests, ends.output, ends.results]
            number = next(self._numbers)
            socket.send_fds(self._control, [json.dumps({"id": number}).encode("ascii")], descriptors)
            return self._response(number, RESPONSE_TIMEOUT_S)["pid"]

    def end(self, pid: int) -> int:
        """Kill and reap a worker; return its exit status."""
        with self._lock:
            number = next(self._numbers)
            self._control.send(json.dumps({"id": number, "end": pid}).encode("ascii"))
            return self._response(number, RESPONSE_TIMEOUT_S)["status"]

    def _response(self, number: int, seconds: float) -> dict[str, int]:
        """Wait for the response to a request; skip those to requests that Ctrl-C interrupted."""
        self._control.settimeout(seconds)
        while True:
            data = self._control.recv(_MAX_MESSAGE_BYTES)
            if not data:
                raise ConnectionError("the process that forks workers has ended")
            record: dict[str, int] = json.loads(data)
            if record.get("id") == number:
                return record

    def _startup_error(self) -> str:
        """End a zygote that failed to start; return the last line of its stderr."""
        self._process.kill()
        _stdout, stderr = self._process.communicate()
        return stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]

    def _close_stderr(self) -> None:
        if self._process.stderr is not None:
            self._process.stderr.close()

    def close(self) -> None:
        """Close the socket, after which the zygote ends its workers and exits."""
        with self._lock:
            self._control.close()
            self.cancel()
            self._close_stderr()
            try:
                self._process.wait(RESPONSE_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class ForkedProcess:
    """A worker that is a child of the zygote."""

    def __init__(self, ends: PipeEnds, pid: int, zygote: Zygote) -> None:
        self.ends = ends
        self._pid = pid
        self._zygote = zygote
        self._lock = threading.Lock()
        self._status: int | None = None

    def memory(self) -> int:
        """Always 0: the kernel enforces the limit."""
        return 0

    def kill(self) -> int:
        """Kill the group and reap the worker through the zygote: until it reaps, no other process can have the id."""
        with self._lock:
            if self._status is None:
                try:
                    self._status = self._zygote.end(self._pid)
                except (OSError, ValueError, KeyError):  # the zygote has exited, and its workers with it
                    self._status = _KILLED
            return self._status

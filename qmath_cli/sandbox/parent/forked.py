"""Workers from a zygote: qmath's side of it (Linux). A worker costs a fork and its restrictions, a few milliseconds."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import threading

from qmath_cli.errors import ExecutorUnusable
from qmath_cli.sandbox.config import WorkerConfig
from qmath_cli.sandbox.parent.launch import Started, command, environment
from qmath_cli.sandbox.parent.pipes import Ends, make_pipes

START_SECONDS = 60.0  # a first import of sympy without compiled files takes seconds
ANSWER_SECONDS = 20.0
_MESSAGE = 4096


class ZygoteLauncher:
    """Asks the zygote for workers; starts another zygote where the last one was lost (the system ran out of memory)."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._zygote: Zygote | None = None

    def launch(self) -> Started:
        """Fork a worker. Raises `ExecutorUnusable`."""
        with self._lock:
            for last in (False, True):
                try:
                    if self._zygote is None:
                        self._zygote = Zygote(self._config)
                    return self._fork(self._zygote)
                except (OSError, ValueError) as exc:
                    self._drop()
                    if last:
                        raise ExecutorUnusable(f"no worker process could be started: {exc}") from exc
        raise AssertionError("two tries return or raise")

    def _fork(self, zygote: Zygote) -> Started:
        ours, theirs = make_pipes()
        try:
            return ForkedProcess(ours, zygote.fork(theirs), zygote)
        except BaseException:  # Ctrl-C too: the pipes would leak; raised again
            ours.close()
            raise
        finally:
            theirs.close()

    def _drop(self) -> None:
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.close()

    def close(self) -> None:
        """End the zygote, and with it every worker it still has."""
        with self._lock:
            self._drop()


class Zygote:
    """The process and the socket to it; one request at a time."""

    def __init__(self, config: WorkerConfig) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        with theirs:
            self._process = subprocess.Popen(
                command("zygote", config),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=config.scratch,
                env=environment(os.environ),
                start_new_session=True,
            )
        try:
            self._answer(0, START_SECONDS)
        except OSError as exc:
            self._control.close()
            raise OSError(self._last_words() or str(exc)) from exc
        finally:
            self._hang_up()

    def fork(self, theirs: Ends) -> int:
        """A new worker with these pipes as 0, 1 and 2; its process id."""
        with self._lock:
            descriptors = [theirs.requests, theirs.output, theirs.results]
            number = next(self._numbers)
            socket.send_fds(self._control, [json.dumps({"id": number}).encode("ascii")], descriptors)
            return self._answer(number, ANSWER_SECONDS)["pid"]

    def end(self, pid: int) -> int:
        """Kill and reap a worker; its exit status."""
        with self._lock:
            number = next(self._numbers)
            self._control.send(json.dumps({"id": number, "end": pid}).encode("ascii"))
            return self._answer(number, ANSWER_SECONDS)["status"]

    def _answer(self, number: int, seconds: float) -> dict[str, int]:
        """The answer to a request; those to requests that were interrupted (Ctrl-C) are passed over."""
        self._control.settimeout(seconds)
        while True:
            data = self._control.recv(_MESSAGE)
            if not data:
                raise ConnectionError("the process that forks workers has ended")
            record: dict[str, int] = json.loads(data)
            if record.get("id") == number:
                return record

    def _last_words(self) -> str:
        """The last line a zygote wrote before it failed to start."""
        self._process.kill()
        _out, said = self._process.communicate()
        return said.decode("utf-8", "replace").strip().rpartition("\n")[2]

    def _hang_up(self) -> None:
        """Stop listening to its stderr: from here on it has nothing to say."""
        if self._process.stderr is not None:
            self._process.stderr.close()

    def close(self) -> None:
        """Close the socket, at which the zygote ends its workers and itself."""
        with self._lock:
            self._control.close()
            try:
                self._process.wait(ANSWER_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class ForkedProcess:
    """A worker that is the zygote's child."""

    def __init__(self, ends: Ends, pid: int, zygote: Zygote) -> None:
        self.ends = ends
        self._pid = pid
        self._zygote = zygote
        self._lock = threading.Lock()
        self._status: int | None = None

    def memory(self) -> int:
        """The kernel holds the limit."""
        return 0

    def kill(self) -> int:
        """Kill the group and reap the worker, through its parent, to whom alone its id is sure to belong."""
        with self._lock:
            if self._status is None:
                try:
                    self._status = self._zygote.end(self._pid)
                except (OSError, ValueError, KeyError):  # the zygote is gone, and its workers with it
                    self._status = -9
            return self._status

"""A worker as a solution uses it, and the process behind it.

`WorkerProcess` is one process: one exchange at a time, killed from any thread. `RestrictedWorker` is the namespace of
one solution: when its process has died, the next program gets a fresh one in which the earlier programs are run again.
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from qmath_cli.errors import ExecutorUnusable
from qmath_cli.records import Output, RunStatus
from qmath_cli.sandbox.levels import parse_layer
from qmath_cli.sandbox.limits import Layer, Limits
from qmath_cli.sandbox.parent.exchange import Outcome, Reply, exchange
from qmath_cli.sandbox.parent.feedback import compose, sanitize
from qmath_cli.sandbox.parent.launch import START_TIMEOUT_S, StartedProcess
from qmath_cli.sandbox.parent.pipes import open_transport
from qmath_cli.sandbox.wire import pack

NAMESPACE_LOST = "(earlier variables were lost)"
MAX_STATUS = 20  # characters
MAX_ERROR = 1000  # characters
_START_OUTPUT_LIMIT = 1 << 16  # bytes
_MIN_REPLAY_S = 0.01


class WorkerProcess:
    """One worker process with its pipes."""

    def __init__(self, started: StartedProcess, memory_limit: int) -> None:
        self._started = started
        self._memory_limit = memory_limit
        self._transport = open_transport(started.ends)
        self._exchange_lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._ended = False  # seen by `alive`
        self._closed = False
        self.exit_status = 0  # once it has ended
        self.layers: tuple[Layer, ...] = ()

    def await_ready(self) -> None:
        """Wait until the worker has reported its layers. Raises `ExecutorUnusable`."""
        with self._exchange_lock:
            reply = exchange(self._transport, b"", START_TIMEOUT_S, _START_OUTPUT_LIMIT)
        if reply.outcome is not Outcome.RESULT:
            self.close()
            why = reply.unparsed.decode("utf-8", "replace").strip().rpartition("\n")[2] or reply.outcome
            raise ExecutorUnusable(f"the program executor's worker did not start: {why}", "qmath doctor shows more")
        records = reply.frame.get("layers")
        layers = [parse_layer(record) for record in records] if isinstance(records, list) else []
        self.layers = tuple(layer for layer in layers if layer is not None)

    def run(self, code: str, seconds: float, output_limit: int) -> Reply:
        """Run one program. After any outcome but `RESULT` the process has been killed."""
        number = next(self._numbers)
        request = pack({"id": number, "code": code})
        try:
            with self._exchange_lock:
                reply = exchange(self._transport, request, seconds, output_limit, self.over_memory_limit)
        except BaseException:  # Ctrl-C: the program must not run on
            self.close()
            raise
        if reply.outcome is Outcome.RESULT and reply.frame.get("id") != number:
            reply = replace(reply, outcome=Outcome.PROTOCOL_ERROR)
        if reply.outcome is not Outcome.RESULT:
            self.close()
        return reply

    def alive(self) -> bool:
        """Whether an idle worker still runs (the kernel may have killed it when memory ran out)."""
        with self._exchange_lock:
            received = self._transport.receive(0, sending=False)
            self._ended = self._ended or any(name == "results" for name, _data in received)  # the end is reported once
            return not self._ended

    def over_memory_limit(self) -> bool:
        """Whether the worker uses more memory than it may, where that is measured from outside."""
        return self._started.memory() > self._memory_limit

    def close(self) -> None:
        """Kill, reap, close the pipes. Safe from any thread: an exchange in progress ends with `EXITED`."""
        self.exit_status = self._started.kill()
        with self._exchange_lock:
            if not self._closed:
                self._closed = True
                self._transport.close()


class RestrictedWorker:
    """The programs of one solution, in order, in one namespace. Implements the port `records.Worker`."""

    def __init__(
        self, take: Callable[[], WorkerProcess], discard: Callable[[WorkerProcess], None], limits: Limits, empty: str
    ) -> None:
        self._take = take
        self._discard = discard
        self._limits = limits
        self._empty = empty
        self._lock = threading.Lock()
        self._closed = False
        self._completed: list[str] = []  # programs that ended without an error: what a fresh process runs again
        self._process: WorkerProcess | None = take()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What holds this worker, as its own probes found."""
        return self._process.layers if self._process else ()

    def run(self, code: str) -> Output:
        """Run a program to its end or its limits. Never raises for what the program did.

        Args:
            code: The text of the program.

        Returns:
            The text for the model, the status, the wall-clock seconds and the error line.

        Raises:
            ExecutorUnusable: The process had died and no fresh one starts.
        """
        if len(code) > self._limits.source:
            error = f"SyntaxError: the program is longer than {self._limits.source} characters"
            return Output(error, RunStatus.ERROR, 0.0, error)
        begin = time.monotonic()
        process, note = self._ready_process()
        if process is None:
            return self._output(Reply(Outcome.EXITED), 0, 0.0, "")
        reply = process.run(code, self._limits.seconds, self._limits.output)
        output = self._output(reply, process.exit_status, time.monotonic() - begin, note)
        if reply.outcome is not Outcome.RESULT:
            with self._lock:
                if self._process is process:
                    self._process = None
            self._discard(process)
        elif output.status is RunStatus.OK:
            self._completed.append(code)
        return output

    def close(self) -> None:
        """End the process and reap it. Safe to call twice, and from another thread."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            self._discard(process)

    def _ready_process(self) -> tuple[WorkerProcess | None, str]:
        """The live process, or a fresh one in which the earlier programs were run again; None once closed."""
        with self._lock:
            if self._closed or self._process is not None:
                return self._process, ""
        process = self._take()
        replayed = self._replay(process)
        if not replayed:
            self._discard(process)
            process = self._take()
            self._completed.clear()
        with self._lock:
            if not self._closed:
                self._process = process
                return process, "" if replayed else NAMESPACE_LOST
        self._discard(process)
        return None, ""

    def _replay(self, process: WorkerProcess) -> bool:
        """Run the earlier programs again, without their output, within half of one program's time."""
        deadline = time.monotonic() + self._limits.seconds / 2
        for code in self._completed:
            reply = process.run(code, max(deadline - time.monotonic(), _MIN_REPLAY_S), self._limits.output)
            if reply.outcome is not Outcome.RESULT or reply.frame.get("status") != RunStatus.OK:
                return False
        return True

    def _output(self, reply: Reply, exit_status: int, seconds: float, note: str) -> Output:
        status, error = self._status(reply, exit_status)
        stdout = reply.output.decode("utf-8", "backslashreplace")
        value = _text(reply.frame, "value", self._limits.output)
        stderr = _text(reply.frame, "stderr", self._limits.output)
        if not (stdout.strip() or value or error):
            stdout = stderr
        stdout = f"{note}\n{stdout}" if note else stdout
        text = compose(stdout, value, error, limit=self._limits.text, empty=self._empty)
        return Output(text, status, seconds, sanitize(error))

    def _status(self, reply: Reply, exit_status: int) -> tuple[RunStatus, str]:
        """Status and error line of a reply; what the worker reports is checked for type and length."""
        limits = self._limits
        if reply.outcome is Outcome.TIMEOUT:
            return RunStatus.TIMEOUT, f"TimeoutError: the program ran longer than {limits.seconds:g} s"
        if reply.outcome is Outcome.MEMORY_LIMIT:
            return RunStatus.MEMORY, f"MemoryError: the program used more than {limits.memory >> 20} MiB"
        if reply.outcome is Outcome.OUTPUT_LIMIT:
            return RunStatus.OUTPUT_LIMIT, f"OutputError: the program wrote more than {limits.output >> 10} KiB"
        if reply.outcome is Outcome.PROTOCOL_ERROR:
            return RunStatus.ERROR, "RuntimeError: the program broke the channel to its executor"
        if reply.outcome is Outcome.EXITED:
            return _exit_reason(exit_status, limits)
        known = {status.value: status for status in RunStatus}
        status = known.get(_text(reply.frame, "status", MAX_STATUS), RunStatus.ERROR)
        error = _text(reply.frame, "error", MAX_ERROR)
        return status, error or ("" if status is RunStatus.OK else "RuntimeError: the program ended without a result")


def _text(frame: dict[str, object], name: str, limit: int) -> str:
    value = frame.get(name)
    return value[:limit] if isinstance(value, str) else ""


def _exit_reason(status: int, limits: Limits) -> tuple[RunStatus, str]:
    """The likely reason that a worker exited during a program, from its exit status (negative: a signal)."""
    if status == -getattr(signal, "SIGXCPU", 0):
        return RunStatus.TIMEOUT, f"TimeoutError: the program ran longer than {limits.seconds:g} s"
    if status == -getattr(signal, "SIGABRT", 0):
        return RunStatus.MEMORY, f"MemoryError: the program was aborted (limit {limits.memory >> 20} MiB)"
    if status < 0:
        return RunStatus.ERROR, "RuntimeError: the program crashed (recursion too deep, or a fault in native code)"
    return RunStatus.ERROR, "RuntimeError: the program ended its own process"

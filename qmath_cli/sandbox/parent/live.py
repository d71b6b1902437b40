"""A worker as the solver sees it, and the process behind it.

`LiveProcess` is one process: an exchange at a time, killed from any thread. `LiveWorker` is one solution's namespace:
when its process had to die, the next program gets a fresh process in which the earlier programs are run once more.
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable

from qmath_cli.errors import ExecutorUnusable
from qmath_cli.records import Output, RunStatus
from qmath_cli.sandbox.levels import parse
from qmath_cli.sandbox.limits import Layer, Limits
from qmath_cli.sandbox.parent.exchange import Exchange, Outcome, converse
from qmath_cli.sandbox.parent.feedback import compose, harmless
from qmath_cli.sandbox.parent.launch import Started
from qmath_cli.sandbox.parent.pipes import open_port
from qmath_cli.sandbox.wire import pack

START_SECONDS = 60.0  # a first import of sympy without compiled files takes seconds
START_OUTPUT = 1 << 16
LOST = "(earlier variables were lost)"


class LiveProcess:
    """One worker process with its pipes."""

    def __init__(self, started: Started, memory: int) -> None:
        self._started = started
        self._memory = memory
        self._port = open_port(started.ends)
        self._busy = threading.Lock()
        self._numbers = itertools.count(1)
        self._closed = False
        self.status = 0  # exit status, once dead
        self.layers: tuple[Layer, ...] = ()

    def await_ready(self) -> None:
        """Wait for the worker's own report on its layers. Raises `ExecutorUnusable`."""
        with self._busy:
            exchange = converse(self._port, b"", START_SECONDS, START_OUTPUT)
        if exchange.outcome is not Outcome.ANSWERED:
            self.close()
            why = exchange.stray.decode("utf-8", "replace").strip().rpartition("\n")[2] or exchange.outcome
            raise ExecutorUnusable(f"the program executor's worker did not start: {why}", "qmath doctor shows more")
        found = exchange.frame.get("layers")
        parsed = [parse(record) for record in found] if isinstance(found, list) else []
        self.layers = tuple(layer for layer in parsed if layer is not None)

    def run(self, code: str, seconds: float, cap: int) -> Exchange:
        """Run one program; on anything but an ordinary result the process is dead afterwards."""
        number = next(self._numbers)
        try:
            with self._busy:
                exchange = converse(self._port, pack({"id": number, "code": code}), seconds, cap, self.greedy)
        except BaseException:  # Ctrl-C in the middle: the program must not go on without us
            self.close()
            raise
        if exchange.outcome is Outcome.ANSWERED and exchange.frame.get("id") != number:
            exchange.outcome = Outcome.GARBLED
        if exchange.outcome is not Outcome.ANSWERED:
            self.close()
        return exchange

    def alive(self) -> bool:
        """Whether an idle worker is still there (a system out of memory may have killed it)."""
        with self._busy:
            return not any(name == "results" for name, _piece in self._port.receive(0, sending=False))

    def greedy(self) -> bool:
        """Whether the worker uses more memory than it may, as far as that is seen from outside."""
        return self._started.memory() > self._memory

    def close(self) -> None:
        """Kill, reap, close the pipes. From any thread: an exchange in progress sees its pipes end."""
        self.status = self._started.kill()
        with self._busy:
            if not self._closed:
                self._closed = True
                self._port.close()


class LiveWorker:
    """The programs of one solution, in order, in one namespace. Satisfies the port `records.Worker`."""

    def __init__(
        self, take: Callable[[], LiveProcess], retire: Callable[[LiveProcess], None], limits: Limits, empty: str
    ) -> None:
        self._take = take
        self._retire = retire
        self._limits = limits
        self._empty = empty
        self._lock = threading.Lock()
        self._closed = False
        self._earlier: list[str] = []  # programs that ran to their end: what a fresh process has to repeat
        self._process: LiveProcess | None = take()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What holds this worker, as its own probes found."""
        return self._process.layers if self._process else ()

    def run(self, code: str) -> Output:
        """Run a program to its end or its limits. Never raises for what the program did."""
        if len(code) > self._limits.source:
            error = f"SyntaxError: the program is longer than {self._limits.source} characters"
            return Output(error, RunStatus.ERROR, 0.0, error)
        begin = time.monotonic()
        process, note = self._ready()
        if process is None:
            return self._output(Exchange(Outcome.ENDED), 0, 0.0, "")
        exchange = process.run(code, self._limits.seconds, self._limits.output)
        output = self._output(exchange, process.status, time.monotonic() - begin, note)
        if exchange.outcome is not Outcome.ANSWERED:
            self._drop(process)
        elif output.status is RunStatus.OK:
            self._earlier.append(code)
        return output

    def close(self) -> None:
        """End the process and reap it. Safe to call twice, and from another thread."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            self._retire(process)

    def _ready(self) -> tuple[LiveProcess | None, str]:
        """The live process, or a fresh one with the earlier programs repeated; None once closed."""
        with self._lock:
            if self._closed or self._process is not None:
                return self._process, ""
        process = self._take()
        kept = self._restore(process)
        if not kept:
            self._retire(process)
            process = self._take()
            self._earlier.clear()
        with self._lock:
            if not self._closed:
                self._process = process
                return process, "" if kept else LOST
        self._retire(process)
        return None, ""

    def _restore(self, process: LiveProcess) -> bool:
        """Run the earlier programs again, their output dropped, in half of one program's time."""
        deadline = time.monotonic() + self._limits.seconds / 2
        for code in self._earlier:
            exchange = process.run(code, max(deadline - time.monotonic(), 0.01), self._limits.output)
            if exchange.outcome is not Outcome.ANSWERED or exchange.frame.get("status") != RunStatus.OK:
                return False
        return True

    def _drop(self, process: LiveProcess) -> None:
        with self._lock:
            if self._process is process:
                self._process = None
        self._retire(process)

    def _output(self, exchange: Exchange, death: int, seconds: float, note: str) -> Output:
        """What came back, as the model is to read it."""
        status, error = self._judge(exchange, death)
        stdout = exchange.output.decode("utf-8", "backslashreplace")
        value = _text(exchange.frame, "value", self._limits.output)
        aside = _text(exchange.frame, "aside", self._limits.output)
        if not (stdout.strip() or value or error):
            stdout = aside
        stdout = f"{note}\n{stdout}" if note else stdout
        text = compose(stdout, value, error, limit=self._limits.text, empty=self._empty)
        return Output(text, status, seconds, harmless(error))

    def _judge(self, exchange: Exchange, death: int) -> tuple[RunStatus, str]:
        """Status and error line of an exchange; the worker's own words only within type and length."""
        limits = self._limits
        if exchange.outcome is Outcome.TIMEOUT:
            return RunStatus.TIMEOUT, f"TimeoutError: the program ran longer than {limits.seconds:g} s"
        if exchange.outcome is Outcome.MEMORY:
            return RunStatus.MEMORY, f"MemoryError: the program used more than {limits.memory >> 20} MiB"
        if exchange.outcome is Outcome.FLOOD:
            return RunStatus.OUTPUT_LIMIT, f"OutputError: the program wrote more than {limits.output >> 10} KiB"
        if exchange.outcome is Outcome.GARBLED:
            return RunStatus.ERROR, "RuntimeError: the program broke the channel to its executor"
        if exchange.outcome is Outcome.ENDED:
            return _death(death, limits)
        known = {status.value: status for status in RunStatus}
        status = known.get(_text(exchange.frame, "status", 20), RunStatus.ERROR)
        error = _text(exchange.frame, "error", 1000)
        return status, error or ("" if status is RunStatus.OK else "RuntimeError: the program did not say how it ended")


def _text(frame: dict[str, object], name: str, limit: int) -> str:
    value = frame.get(name)
    return value[:limit] if isinstance(value, str) else ""


def _death(status: int, limits: Limits) -> tuple[RunStatus, str]:
    """Why a worker may have ended in the middle of a program, from its exit status (negative: a signal)."""
    if status == -getattr(signal, "SIGXCPU", 0):
        return RunStatus.TIMEOUT, f"TimeoutError: the program ran longer than {limits.seconds:g} s"
    if status == -getattr(signal, "SIGABRT", 0):
        return RunStatus.MEMORY, f"MemoryError: the program was aborted (limit {limits.memory >> 20} MiB)"
    if status < 0:
        return RunStatus.ERROR, "RuntimeError: the program crashed (recursion too deep, or a fault in native code)"
    return RunStatus.ERROR, "RuntimeError: the program ended its own process"

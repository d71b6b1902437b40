"""The grader that the rest of the program calls: two answers in, a verdict out, whatever the answers contain.

One warm child process does the algebra (`child`); it is started at the first pair that needs it, reused, killed when
a pair takes longer than the limit, and started again. Promises: a verdict within about five seconds, never an
exception for what the answers say, usable from any thread (pairs queue), no process left behind by `close` or by the
end of the parent. Equal texts and long ones never reach the child.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import IO

from qmath_cli.grading.child import READY, failed
from qmath_cli.records import Mark, Verdict
from qmath_cli.settings import Grade

LIMIT = 2.5  # seconds of thought for one pair (the official evaluation gives 3); a new child may have to start before
START_LIMIT = 60.0  # seconds until the child has imported sympy, on the slowest machine we care for
LONGEST = 4000  # characters of an answer that are still read as mathematics

_ROOT = str(Path(__file__).resolve().parents[2])
# The folder of the package goes last on the path: a `random.py` beside the user's files must not be imported.
_PROGRAM = f"import sys; sys.path.append({_ROOT!r}); from qmath_cli.grading.child import main; main()"


class Grader:
    """An `Equivalence` of one kind. Close it, or use it in a `with` block."""

    def __init__(self, grade: Grade, limit: float = LIMIT) -> None:
        self._grade = grade
        self._limit = limit
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def __enter__(self) -> Grader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, answer: str, reference: str) -> Verdict:
        """Compare two answers; official ones must be in official normal form."""
        if answer.strip() == reference.strip():
            return Verdict(Mark.CORRECT, "same text")
        if max(len(answer), len(reference)) > LONGEST:
            return failed(self._grade, f"longer than {LONGEST} characters")
        with self._lock:
            return self._ask(answer, reference)

    def warm(self) -> None:
        """Start the child now, beside whatever else is to be done first."""
        with self._lock:
            self._child = self._child or _Child()

    def close(self) -> None:
        """End the child, if there is one."""
        with self._lock:
            self._drop()

    def _ask(self, answer: str, reference: str) -> Verdict:
        child = self._child = self._child or _Child()
        if not child.ready():
            self._drop()
            return failed(self._grade, "the grading process did not start")
        reply = child.ask((self._grade, answer, reference, self._limit + 1), self._limit)
        if reply is None:
            why = "the grading process died" if child.died else f"no verdict within {self._limit:g} s"
            self._drop()
            self._child = _Child()  # starts while the caller goes on
            return failed(self._grade, why)
        mark, rule, why = json.loads(reply)
        return Verdict(Mark(mark), rule, why)

    def _drop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


class _Child:
    """One child process, and a thread that reads its lines (pipes cannot be waited for on every system)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C in the terminal is the parent's business
        )
        self._lines: Queue[str | None] = Queue()
        self._ready = False
        self.died = False
        threading.Thread(target=self._read, daemon=True).start()

    def ready(self) -> bool:
        """Wait for the child's first line, once."""
        if not self._ready:
            self._ready = self._line(START_LIMIT) == READY
        return self._ready

    def ask(self, request: tuple[str, str, str, float], limit: float) -> str | None:
        """The reply to one request, or None after the limit or the child's death."""
        try:
            self._input().write(json.dumps(request) + "\n")
            self._input().flush()
        except OSError:
            self.died = True
            return None
        return self._line(limit)

    def kill(self) -> None:
        """End and reap the process; its reader ends with it."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):  # unsent bytes for a dead process
            self._input().close()

    def _line(self, limit: float) -> str | None:
        try:
            line = self._lines.get(timeout=limit)
        except Empty:
            return None
        self.died = line is None
        return line

    def _read(self) -> None:
        output = self._process.stdout
        assert output is not None
        with output:
            for line in output:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _input(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

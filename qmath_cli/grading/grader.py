"""The grader that the rest of the program calls: two answers in, a verdict out, whatever the answers contain.

A child process does the algebra (`child`). It is started for the first pair that needs it and reused; if a pair
exceeds the time limit, the process is killed and replaced. Promises: a verdict within about five seconds once the child
runs, no exception because of an answer's content, safe use from several threads (one pair at a time), no process left
after `close` or after the end of the parent. Equal texts and very long ones are decided without the child.

One pair is in the child at a time. Sending several ahead would save the way there and back, less than 0.1 ms of the
0.4 ms and more that a plain pair takes; and a pair that ends the child would cost the others their verdicts.
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

from qmath_cli.grading.child import EXACT, READY, failed
from qmath_cli.records import Mark, Verdict
from qmath_cli.settings import Grade

_LIMIT_S = 2.5  # for one pair, without the start of the child; Qwen's evaluation allows 3 s
_START_LIMIT_S = 60.0  # until the child has imported sympy, on a slow machine
MAX_LENGTH = 4000  # characters; a longer answer is not read as mathematics

_ROOT = str(Path(__file__).resolve().parents[2])
# `-P` and the last place on the path: a `random.py` in the working directory must not be imported.
_PROGRAM = f"import sys; sys.path.append({_ROOT!r}); from qmath_cli.grading.child import main; main(*sys.argv[1:])"


class Grader:
    """Compares answers under one set of rules; an `Equivalence`. Close it, or use it in a `with` block.

    Args:
        grade: The rules.
        limit: Seconds that one pair may take.
        exact: Whether the strict rules refuse a rounded value.
    """

    def __init__(self, grade: Grade, limit: float = _LIMIT_S, *, exact: bool = False) -> None:
        self._grade = grade
        self._limit = limit
        self._rules = _rules(grade, exact=exact)
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def __enter__(self) -> Grader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, answer: str, reference: str) -> Verdict:
        """Compare two answers.

        Args:
            answer: The answer; for the official grade in the normal form of `official.normal_form`.
            reference: The expected answer, likewise.

        Returns:
            The verdict. A pair that could not be graded is undecided under the strict rules, wrong under the official
            ones; `why` is the reason.
        """
        if answer.strip() == reference.strip():
            return Verdict(Mark.CORRECT, "same text")
        if max(len(answer), len(reference)) > MAX_LENGTH:
            return failed(self._grade, f"an answer is longer than {MAX_LENGTH} characters")
        with self._lock:
            return self._grade_in_child(answer, reference)

    def follows(self, grade: Grade, *, exact: bool) -> bool:
        """Whether these are its rules."""
        return self._rules == _rules(grade, exact=exact)

    def warm(self) -> None:
        """Start the child process, so that it loads while the caller does other work."""
        with self._lock:
            self._child = self._child or _Child(self._rules)

    def close(self) -> None:
        """End the child process, if there is one."""
        with self._lock:
            self._stop_child()

    def _grade_in_child(self, answer: str, reference: str) -> Verdict:
        if self._child is not None and self._child.gone():
            self._stop_child()
        child = self._child = self._child or _Child(self._rules)
        try:
            if not child.ready():
                self._stop_child()
                return failed(self._grade, "the process that compares answers did not start")
            reply = child.request((answer, reference, self._limit + 1), self._limit)
        except BaseException:  # Ctrl-C: the reply that is still to come must not become that of the next pair
            self._stop_child()
            raise
        if reply is None:
            why = "the process that compares answers crashed" if child.died else f"no verdict within {self._limit:g} s"
            self._stop_child()
            self._child = _Child(self._rules)  # loads before the next pair
            return failed(self._grade, why)
        mark, rule, why = json.loads(reply)
        return Verdict(Mark(mark), rule, why)

    def _stop_child(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


def _rules(grade: Grade, *, exact: bool) -> list[str]:
    """The arguments of the child process."""
    return [grade.value, *([EXACT] if exact else [])]


class _Child:
    """One child process, and a thread that reads its lines: Windows cannot wait for a pipe with a timeout."""

    def __init__(self, rules: list[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, *rules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C in the terminal goes to the parent only
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the grading process has no pipes")
        self._input = self._process.stdin
        self._lines: Queue[str | None] = Queue()
        self._ready = False
        self.died = False
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def ready(self) -> bool:
        """Wait for the child's first line, once."""
        if not self._ready:
            self._ready = self._line(_START_LIMIT_S) == READY
        return self._ready

    def gone(self) -> bool:
        """Whether the process has ended by itself, or by someone else's hand, since its last reply."""
        return self._process.poll() is not None

    def request(self, request: tuple[str, str, float], limit: float) -> str | None:
        """The reply to one request; None if it takes longer than `limit` seconds or the process has died."""
        try:
            self._input.write(json.dumps(request) + "\n")
            self._input.flush()
        except OSError:
            self.died = True
            return None
        return self._line(limit)

    def kill(self) -> None:
        """Kill and reap the process; the reading thread ends with it."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):  # closing flushes, and the reader of the pipe is gone
            self._input.close()

    def _line(self, limit: float) -> str | None:
        try:
            line = self._lines.get(timeout=limit)
        except Empty:
            return None
        self.died = line is None
        return line

    def _read(self, output: IO[str]) -> None:
        with output:
            for line in output:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

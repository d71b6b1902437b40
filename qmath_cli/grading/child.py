r"""The grader's child process: reads pairs of answers from stdin, writes verdicts to stdout, one JSON line each.

This is the only place where sympy sees an answer. Whatever an answer makes it do (recursion, memory, a computation
without end) ends here: a watchdog thread in C, which needs no cooperation of the interpreter, ends the process at the
limit that comes with the pair, so that no computation outlives the parent either. A pair that fails in any other way
gets an honest verdict: wrong for the official rules, which say so, undecided for the strict ones.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import warnings
from typing import TextIO

from qmath_cli.records import Mark, Verdict
from qmath_cli.settings import Grade

_ACTIONS = ("os.", "subprocess.", "socket.", "shutil.", "ctypes.", "pty.", "winreg.", "webbrowser.", "urllib.")
_LOOKING = {"os.listdir", "os.scandir", "os.walk"}  # what an import does

MEMORY = 2 * 2**30  # bytes of address space
READY = "ready"


def main() -> None:
    """Serve until stdin ends."""
    _limit_memory()
    warnings.simplefilter("ignore")
    answers, requests = sys.stdout, sys.stdin
    sys.dont_write_bytecode = True
    sys.stdout = sys.stderr  # a library that prints must not be taken for a verdict
    _warm_up()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        sys.addaudithook(_calculate_only)
        _say(answers, READY)
        for line in requests:
            grade, answer, reference, limit = json.loads(line)
            faulthandler.dump_traceback_later(limit, exit=True, file=nowhere)
            verdict = judge(Grade(grade), answer, reference)
            faulthandler.cancel_dump_traceback_later()
            _say(answers, json.dumps([verdict.mark, verdict.rule, verdict.why]))


def _calculate_only(event: str, arguments: tuple[object, ...]) -> None:
    """A second line of defence: if a text should ever be evaluated, it cannot start, write, send or delete anything."""
    writes = (
        event == "open" and len(arguments) > 1 and isinstance(arguments[1], str) and arguments[1] not in {"r", "rb"}
    )
    if writes or (event.startswith(_ACTIONS) and event not in _LOOKING):
        raise PermissionError(event)


def judge(grade: Grade, answer: str, reference: str) -> Verdict:
    """The verdict of one grader; failures of the machinery become verdicts too."""
    try:
        return _official(answer, reference) if grade is Grade.OFFICIAL else _strict(answer, reference)
    except MemoryError:
        return failed(grade, "out of memory")
    except RecursionError:
        return failed(grade, "nested too deeply")
    except Exception as exc:  # noqa: BLE001  parser and algebra raise anything at hostile text; the verdict says what
        return failed(grade, f"{type(exc).__name__}: {str(exc)[:80]}")


def failed(grade: Grade, why: str) -> Verdict:
    """What a pair gets that could not be graded: the official rules count it as wrong."""
    return Verdict(Mark.WRONG if grade is Grade.OFFICIAL else Mark.UNDECIDED, "failure", why)


def _official(answer: str, reference: str) -> Verdict:
    from qmath_cli.grading.official import match, symbolic

    same = match.equal(answer, reference, symbolic.symbolic_equal)
    return Verdict(Mark.CORRECT if same else Mark.WRONG, "official")


def _strict(answer: str, reference: str) -> Verdict:
    from qmath_cli.grading.strict.compare import compare

    return compare(answer, reference)


def _warm_up() -> None:
    """Pay for the imports and the parser's tables before the first pair's clock runs."""
    judge(Grade.STRICT, r"\frac{1}{2}x", r"x/2")


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows: the time limit alone holds
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ValueError, OSError):  # macOS refuses some limits; the time limit alone holds
        return


def _say(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()

"""The grader's child process: it reads pairs of answers from stdin and writes verdicts to stdout, one JSON line each.

sympy handles answers in this process only, so deep recursion, memory or a computation without end affect nothing
else. The watchdog thread of `faulthandler`, which is written in C and needs no interpreter lock, ends the process at
the time limit of the pair. So no computation outlives the parent either. A pair that fails in any other way gets a
verdict: wrong under the official rules, which define it so, undecided under the strict ones. Its reason is for people;
a developer gets the exception by calling the comparison itself.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import sys
import warnings
from typing import TextIO

from qmath_cli.records import Mark, Verdict
from qmath_cli.settings import Grade

_BLOCKED_EVENTS = ("os.", "subprocess.", "socket.", "shutil.", "ctypes.", "pty.", "winreg.", "webbrowser.", "urllib.")
_ALLOWED_EVENTS = {"os.listdir", "os.scandir", "os.walk"}  # what an import needs

_MEMORY = 2 * 2**30  # bytes of address space
_FIRST_PAIRS = {
    Grade.OFFICIAL: ((r"\frac{1}{2}x", "x/2"),),
    Grade.STRICT: ((r"\sqrt{8}", r"2\sqrt{2}"), ("x^2<4", "(-2,2)")),
}
READY = "ready"  # the first line of output, once the imports are done
EXACT = "exact"  # the argument that has the strict rules refuse a rounded value


def main(name: str, *options: str) -> None:
    """Grade pairs under the rules of this name until stdin ends."""
    grade, exact = Grade(name), EXACT in options
    gc.disable()  # imports make no garbage, and sympy's objects would be searched for it many times over
    _limit_memory()
    warnings.simplefilter("ignore")
    answers, requests = sys.stdout, sys.stdin
    sys.stdout = sys.stderr  # a library that prints must not write into the verdicts
    if grade is Grade.OFFICIAL:
        sys.modules["numpy"] = None  # type: ignore[assignment]  # sympy's parser imports it if it can, and needs it not
    for answer, reference in _FIRST_PAIRS[grade]:  # imports what the hook below would refuse, before the first pair
        judge(grade, answer, reference)
    sys.dont_write_bytecode = True  # not before: some installers leave compiling to the first import
    gc.freeze()
    gc.enable()
    with open(os.devnull, "w", encoding="utf-8") as null:
        sys.addaudithook(_forbid_side_effects)
        _write_line(answers, READY)
        for line in requests:
            answer, reference, limit = json.loads(line)
            faulthandler.dump_traceback_later(limit, exit=True, file=null)
            verdict = judge(grade, answer, reference, exact=exact)
            faulthandler.cancel_dump_traceback_later()
            _write_line(answers, json.dumps([verdict.mark, verdict.rule, verdict.why]))


def _forbid_side_effects(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook: even if a text were evaluated, it could not start, write, send or delete anything."""
    writes = (
        event == "open" and len(arguments) > 1 and isinstance(arguments[1], str) and arguments[1] not in {"r", "rb"}
    )
    if writes or (event.startswith(_BLOCKED_EVENTS) and event not in _ALLOWED_EVENTS):
        raise PermissionError(event)


def judge(grade: Grade, answer: str, reference: str, *, exact: bool = False) -> Verdict:
    """The verdict of one grader on one pair; an exception becomes a verdict too."""
    try:
        return _official(answer, reference) if grade is Grade.OFFICIAL else _strict(answer, reference, exact=exact)
    except MemoryError:
        return failed(grade, "the comparison needs more memory than it may use")
    except RecursionError:
        return failed(grade, "an answer is nested too deeply")
    except Exception:  # noqa: BLE001  parser and algebra may raise anything
        return failed(grade, "the answers could not be compared: an internal error")


def failed(grade: Grade, why: str) -> Verdict:
    """The verdict on a pair that could not be graded; the official rules count it as wrong."""
    return Verdict(Mark.WRONG if grade is Grade.OFFICIAL else Mark.UNDECIDED, "failure", why)


def _official(answer: str, reference: str) -> Verdict:
    from qmath_cli.grading.official import match, symbolic

    same = match.equal(answer, reference, symbolic.symbolic_equal)
    return Verdict(Mark.CORRECT if same else Mark.WRONG, "official")


def _strict(answer: str, reference: str, *, exact: bool) -> Verdict:
    from qmath_cli.grading.strict.verdict import compare

    return compare(answer, reference, exact=True) if exact else compare(answer, reference)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no memory limit; the time limit remains
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ValueError, OSError):  # macOS refuses some limits; the time limit remains
        return


def _write_line(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()

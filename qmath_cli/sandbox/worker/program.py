"""Runs one program in a live namespace, inside the worker.

The behaviour is that of the tool that Qwen2.5-Math was trained with: one namespace for all programs of a solution, the
value of a last expression shown, `sys.exit` as an ordinary end, the last line of a traceback with the source line it
points to. This module restricts nothing; the layers around it do.
"""

from __future__ import annotations

import ast
import linecache
import sys
import textwrap
import threading
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass

MAX_ERROR = 300  # characters of an error message
MAX_VALUE = 200_000  # characters of the repr of a last expression
MAX_LINE = 100  # characters of a source line in an error message
_VALUE = "_qmath_value_"


@dataclass(frozen=True, slots=True)
class ProgramReport:
    """How a program ended: `status` as in `records.RunStatus`, the repr of its last expression, its error line."""

    status: str
    value: str = ""
    error: str = ""


Check = Callable[[ast.Module, list[str]], str]  # returns the error line of a refused program, or an empty string


class Namespace:
    """The global names of all programs of a solution: those of the module `__main__`."""

    def __init__(self, builtins: types.ModuleType, check: Check) -> None:
        self.module = types.ModuleType("__main__")
        self.module.__dict__["__builtins__"] = builtins
        self._check = check
        self._count = 0
        sys.modules["__main__"] = self.module

    def run(self, source: str) -> ProgramReport:
        """Run a program to its end. What it raises is in the report."""
        source = dedent(source)
        self._count += 1
        name = f"<program {self._count}>" if self._count > 1 else "<program>"
        lines = source.splitlines(keepends=True)
        linecache.cache[name] = (len(source), None, lines, name)
        try:
            tree = ast.parse(source, name)
            if refusal := self._check(tree, lines):
                return ProgramReport("blocked", error=refusal)
            code = compile(keep_value(tree), name, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
            return ProgramReport("error", error=syntax_error(exc, lines))
        try:
            return ProgramReport("ok", value=self._execute(code))
        except SystemExit as exc:
            return ProgramReport("ok", value=exit_message(exc))
        except BaseException as exc:  # noqa: BLE001  a program may raise anything, KeyboardInterrupt included
            return failure_report(exc, name, lines)

    def _execute(self, code: types.CodeType) -> str:
        space = self.module.__dict__
        space.pop(_VALUE, None)
        exec(code, space)  # noqa: S102  this is what the worker is for
        value = space.pop(_VALUE, None)
        shown = "" if value is None else repr(value)
        join_threads()
        return shown[:MAX_VALUE]


def dedent(source: str) -> str:
    """Remove the common indentation of a program that is indented as a whole, as in a list item."""
    first = next((line for line in source.splitlines() if line.strip()), "")
    return textwrap.dedent(source) if first[:1] in (" ", "\t") else source


def keep_value(tree: ast.Module) -> ast.Module:
    """Assign the value of a last expression to a name that `Namespace` reads."""
    if tree.body and isinstance(last := tree.body[-1], ast.Expr) and not _is_write(last.value):
        target = ast.Name(_VALUE, ast.Store())
        tree.body[-1] = ast.fix_missing_locations(ast.copy_location(ast.Assign([target], last.value), last))
    return tree


def _is_write(node: ast.expr) -> bool:
    """Whether this is `sys.stdout.write(...)`, which returns a count that is not worth showing."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "write"


def exit_message(exc: SystemExit) -> str:
    """The text of `sys.exit("text")`; empty for numbers."""
    return exc.code[:MAX_VALUE] if isinstance(exc.code, str) else ""


def failure_report(exc: BaseException, name: str, lines: list[str]) -> ProgramReport:
    """The report on a program that raised: `blocked` for a refusal, `memory` for exhausted memory, else `error`."""
    status = "error"
    if isinstance(exc, PermissionError):
        status = "blocked"
    elif isinstance(exc, MemoryError):
        status = "memory"
    return ProgramReport(status, error=error_line(exc, name, lines))


def error_line(exc: BaseException, name: str, lines: list[str]) -> str:
    """The last traceback line and its place: `NameError: name 'x' is not defined (line 3: print(x))`."""
    message = describe(exc)
    number = 0
    trace = exc.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            number = trace.tb_lineno
        trace = trace.tb_next
    return message + location(number, lines)


def describe(exc: BaseException) -> str:
    """Type and first line of the message, at most `MAX_ERROR` characters, even if its `__str__` raises."""
    try:
        parts = traceback.format_exception_only(type(exc), exc)
        text = parts[-1] if isinstance(exc, SyntaxError) else parts[0]
        return (text.strip().splitlines() or [type(exc).__name__])[0][:MAX_ERROR]
    except BaseException:  # noqa: BLE001  the program's own class may raise anything while it is printed
        return "the program raised an error that cannot be printed"


def syntax_error(exc: BaseException, lines: list[str]) -> str:
    """The error line for a program that does not compile."""
    if isinstance(exc, SyntaxError):
        return f"{type(exc).__name__}: {exc.msg}"[:MAX_ERROR] + location(exc.lineno or 0, lines)
    if isinstance(exc, RecursionError | MemoryError):
        return f"{type(exc).__name__}: the program is nested too deeply"
    return describe(exc)


def location(number: int, lines: list[str]) -> str:
    """The suffix ` (line 3: print(x))`, or an empty string if the line is not known."""
    if not 0 < number <= len(lines):
        return ""
    text = lines[number - 1].strip()
    return f" (line {number}: {text[:MAX_LINE]}{'…' if len(text) > MAX_LINE else ''})"


def join_threads() -> None:
    """Wait for the threads that a script would wait for at its end, but not for those of pools left open."""
    pools = sys.modules.get("concurrent.futures.thread")
    idle = getattr(pools, "_threads_queues", {})
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon and thread not in idle:
            thread.join()

"""What takes longest to start, started before the rest of the program is imported.

A worker for programs and the process that compares answers both import sympy, which takes about as long as everything
else before a first answer. `start` looks at the command line for what will probably be needed, and starts it in the
background. A wrong guess costs some processor time and nothing else: what is not taken is ended. Importing this module
costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qmath_cli.errors import QmathError

if TYPE_CHECKING:
    from qmath_cli.grading.grader import Grader
    from qmath_cli.sandbox.executor import RestrictedExecutor
    from qmath_cli.settings import Grade, Settings

_WORD = re.compile(r"[a-z][a-z-]*")  # a command, or a mistake: what is no such word is a problem
_NOTHING_RUNS = {"-h", "--help", "--version", "--show-prompt", "--install-completion", "--show-completion"}
_OWN_EXECUTOR = ("--exec-", "--allow-basic", "--mode=cot")  # options that ask for another executor, or for none
_OWN_GRADER = ("--grade", "--exact")


class Ahead:
    """An executor and a grader that may have been started already; each is handed out once. Close it."""

    def __init__(self, executor: RestrictedExecutor | None = None, grader: Grader | None = None) -> None:
        self._executor = executor
        self._grader = grader

    def executor(self, settings: Settings) -> RestrictedExecutor:
        """The executor for these settings, which the caller closes."""
        from qmath_cli.runtime.executors import limits_of, open_executor

        found, self._executor = self._executor, None
        if found is None:
            return open_executor(settings)
        if found.limits == limits_of(settings) and found.allow_basic == settings.allow_basic_executor:
            return found
        found.close()
        return open_executor(settings)

    def grader(self, grade: Grade, *, exact: bool = False) -> Grader:
        """A grader with these rules, which the caller closes."""
        from qmath_cli.grading.grader import Grader

        found, self._grader = self._grader, None
        if found is not None and found.follows(grade, exact=exact):
            return found
        if found is not None:
            found.close()
        return Grader(grade, exact=exact)

    def close(self) -> None:
        """End what nobody took."""
        executor, self._executor = self._executor, None
        grader, self._grader = self._grader, None
        for unused in (executor, grader):
            if unused is not None:
                unused.close()


def start(arguments: Sequence[str], environ: Mapping[str, str]) -> Ahead:
    """Start what a command line will probably need.

    Args:
        arguments: The command line without the program's name.
        environ: The environment.
    """
    first = arguments[0] if arguments else ""
    if _NOTHING_RUNS.intersection(arguments) or "_QMATH_COMPLETE" in environ:
        return Ahead()
    if first == "check":
        return Ahead(grader=None if _has(arguments, _OWN_GRADER) else _grader())
    solves = first in {"solve", "repl"} or not _WORD.fullmatch(first)
    words_only = "cot" in arguments or _has(arguments, _OWN_EXECUTOR)
    return Ahead(_executor(environ)) if solves and not words_only else Ahead()


def _has(arguments: Sequence[str], options: tuple[str, ...]) -> bool:
    return any(argument.startswith(options) for argument in arguments)


def _grader() -> Grader:
    from qmath_cli.grading.grader import Grader
    from qmath_cli.settings import Grade

    grader = Grader(Grade.STRICT)
    grader.warm()
    return grader


def _executor(environ: Mapping[str, str]) -> RestrictedExecutor | None:
    """The executor for the settings of file and environment; None where they want none, or the command will fail."""
    from qmath_cli import paths
    from qmath_cli.records import Mode
    from qmath_cli.runtime.executors import open_executor
    from qmath_cli.settings import resolve

    try:
        settings = resolve(paths.find(environ).config_file, environ).settings
        return None if settings.mode is Mode.COT else open_executor(settings)
    except QmathError:
        return None

"""Restricted executors with the user's limits: one for solving, one for a single program."""

from __future__ import annotations

import re
from collections.abc import Callable

from qmath_cli.sandbox.executor import PRELOAD, RestrictedExecutor
from qmath_cli.sandbox.limits import Limits
from qmath_cli.settings import Settings

OpenExecutor = Callable[[Settings], RestrictedExecutor]
"""Opens an executor for solving; the caller closes it."""

_SHOWN_CHARACTERS = 1 << 16  # of a single program's output: more than a model is given


def open_executor(settings: Settings) -> RestrictedExecutor:
    """The executor for solving: workers are prepared in advance, libraries included. Close it."""
    return RestrictedExecutor(limits_of(settings), allow_basic=settings.allow_basic_executor)


def limits_of(settings: Settings) -> Limits:
    """The limits of programs while solving."""
    return Limits(seconds=settings.exec_timeout, memory=settings.exec_memory << 20)


def open_single_executor(settings: Settings, code: str = "") -> RestrictedExecutor:
    """An executor for one program, whose output is for a person: one worker, no text where the program prints none.

    Args:
        settings: limits, and whether programs may run where only Python restricts them.
        code: the program; the libraries that it names are imported before the worker is confined.
    """
    limits = Limits(seconds=settings.exec_timeout, memory=settings.exec_memory << 20, text=_SHOWN_CHARACTERS)
    named = [library for library in PRELOAD if re.search(rf"\b{library}\b", code)]
    return RestrictedExecutor(limits, allow_basic=settings.allow_basic_executor, preload=named, empty="", spares=False)

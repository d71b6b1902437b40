"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The outcome of a check."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    Attributes:
        name: The name of the check.
        status: Its outcome.
        detail: What was found, in one line.
        fix: A command or a short instruction that solves the problem; empty if there is none.
    """

    name: str
    status: Status
    detail: str
    fix: str = ""

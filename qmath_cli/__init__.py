"""qmath: Qwen2.5-Math on this machine, offline. The public API; the program itself starts in `app`.

    import qmath_cli as qmath

    with qmath.open_model("demo") as model:
        solution = model.solve("Find the roots of x^2 - 5x + 6 = 0.")
    print(solution.answer)

Importing this package imports nothing else: each name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from qmath_cli.api import Model, Solution, open_model
    from qmath_cli.errors import (
        DataError,
        DoesNotFit,
        EngineUnusable,
        ExecutorUnusable,
        IntegrityError,
        ModelMissing,
        NetworkError,
        PromptTooLong,
        QmathError,
        ServerUnusable,
        UsageError,
    )
    from qmath_cli.grading.check import check, check_many
    from qmath_cli.records import (
        Event,
        Finish,
        Language,
        Mark,
        Mode,
        ModelInfo,
        ModelKind,
        Pick,
        Problem,
        ProgramFinished,
        ProgramRun,
        ProgramStarted,
        Sample,
        SampleFinished,
        TextDelta,
        Verdict,
    )

#: Where each public name comes from.
_HOMES = {
    "qmath_cli.api": ("Model", "Solution", "open_model"),
    "qmath_cli.errors": (
        *("DataError", "DoesNotFit", "EngineUnusable", "ExecutorUnusable", "IntegrityError", "ModelMissing"),
        *("NetworkError", "PromptTooLong", "QmathError", "ServerUnusable", "UsageError"),
    ),
    "qmath_cli.grading.check": ("check", "check_many"),
    "qmath_cli.records": (
        *("Event", "Finish", "Language", "Mark", "Mode", "ModelInfo", "ModelKind", "Pick", "Problem"),
        *("ProgramFinished", "ProgramRun", "ProgramStarted", "Sample", "SampleFinished", "TextDelta", "Verdict"),
    ),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "DataError",
    "DoesNotFit",
    "EngineUnusable",
    "Event",
    "ExecutorUnusable",
    "Finish",
    "IntegrityError",
    "Language",
    "Mark",
    "Mode",
    "Model",
    "ModelInfo",
    "ModelKind",
    "ModelMissing",
    "NetworkError",
    "Pick",
    "Problem",
    "ProgramFinished",
    "ProgramRun",
    "ProgramStarted",
    "PromptTooLong",
    "QmathError",
    "Sample",
    "SampleFinished",
    "ServerUnusable",
    "Solution",
    "TextDelta",
    "UsageError",
    "Verdict",
    "__version__",
    "check",
    "check_many",
    "open_model",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever the name stands for
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__

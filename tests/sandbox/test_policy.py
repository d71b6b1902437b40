"""The static rules: a clear message for what cannot work here, and no obstacle to mathematics."""

from __future__ import annotations

import ast

import pytest

from qmath_cli.sandbox.worker.policy import Import, advice, judge, refusals


@pytest.mark.parametrize(
    ("module", "verdict"),
    [
        ("sympy.stats", Import.ALLOWED),
        ("math", Import.ALLOWED),
        ("collections.abc", Import.ALLOWED),
        ("numpy.linalg", Import.ALLOWED),
        ("subprocess", Import.REFUSED),
        ("socket", Import.REFUSED),
        ("ctypes.util", Import.REFUSED),
        ("numpy.f2py", Import.REFUSED),
        ("sympy.utilities.autowrap", Import.REFUSED),
        ("sympy.utilities.lambdify", Import.ALLOWED),
        ("matplotlib.pyplot", Import.ABSENT),
        ("tkinter", Import.ABSENT),
        ("requests", Import.ABSENT),
        ("no_such_library", Import.ALLOWED),
    ],
)
def test_imports_are_allowed_refused_or_absent(module: str, verdict: Import) -> None:
    """By an allow-list of roots and a short list of parts."""
    assert judge(module) is verdict
    assert verdict is Import.ALLOWED or module.partition(".")[0] in advice(module)


@pytest.mark.parametrize(
    "code",
    [
        "x.__globals__",
        "print(f.__globals__)",
        "match g:\n    case object(gi_frame=f): pass",
        "__builtins__",
        "import os, socket",
        "from subprocess import run",
        "e.__traceback__.tb_frame",
    ],
)
def test_what_has_no_use_is_refused_before_it_runs(code: str) -> None:
    """With an error message."""
    assert next(refusals(ast.parse(code)))[1].startswith("PermissionError: ")


@pytest.mark.parametrize(
    "code",
    [
        "type(x).__name__",
        "super().__init__()",
        "class V:\n    def __add__(self, o): return self.__class__(o)",
        "a.__dict__, f.__doc__, x.__mul__(2)",
        "try:\n    import socket\nexcept Exception:\n    pass",
        "if __name__ == '__main__': pass",
    ],
)
def test_what_programs_usually_do_is_allowed(code: str) -> None:
    """Dunder methods are defined and called, and an import inside `try` may fail as the program expects."""
    assert list(refusals(ast.parse(code))) == []

"""Runs the programs of a solution while the corpus is made, with the output that a model would read.

The rules are those of the package's executor: the printed text, then the value of a last expression, or the
last line of the traceback with its source line; `Done` if there is no output. The programs run in this
process without limits: only the generator's own programs may be run here, never a model's.
"""

from __future__ import annotations

import ast
import contextlib
import io
import traceback
from dataclasses import dataclass, field
from types import CodeType


@dataclass(slots=True)
class Session:
    """The namespace of one solution: later programs see the names of earlier ones."""

    names: dict[str, object] = field(default_factory=lambda: {"__name__": "__main__"})

    def run(self, source: str) -> str:
        """The text fed back for `source`: its output, or its output and one error line."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                self._execute(source)
            except Exception as error:  # noqa: BLE001 - whatever the program raises is its result
                print(_error_line(error, source))
        return printed.getvalue().rstrip("\n") or "Done"

    def _execute(self, source: str) -> None:
        tree = ast.parse(source)
        last = tree.body[-1]
        if isinstance(last, ast.Expr):
            body = ast.Module(tree.body[:-1], type_ignores=[])
            exec(_compiled(body, "exec"), self.names)  # noqa: S102 - our own programs
            value = eval(_compiled(ast.Expression(last.value), "eval"), self.names)  # noqa: S307
            if value is not None:
                print(repr(value))
        else:
            exec(_compiled(tree, "exec"), self.names)  # noqa: S102


def _compiled(tree: ast.Module | ast.Expression, mode: str) -> CodeType:
    return compile(tree, "<program>", mode)


def _error_line(error: Exception, source: str) -> str:
    """`NameError: name 'x' is not defined (line 3: print(x))`."""
    text = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == "<program>" and frame.lineno
    ]
    if not lines:
        return text
    return f"{text} (line {lines[-1]}: {source.splitlines()[lines[-1] - 1].strip()})"

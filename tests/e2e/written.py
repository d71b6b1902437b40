"""`qmath` with a model that writes what a test wrote down, and an executor that prints it; all else is real.

    python written.py SCRIPTS.json [arguments of `qmath`]

SCRIPTS.json is a list: what each sequence writes, as one text that ends by itself, or as a list of stretches, each a
text and why it ends (a value of `Stop`). A program `print(...)` prints what stands between the brackets.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qmath_cli import app
from qmath_cli.records import ModelInfo, Output, RunStatus, Stop
from qmath_cli.runtime import tools as runtime
from qmath_cli.runtime.tools import OpenTools
from qmath_cli.settings import Settings
from qmath_cli.solving.progress import Tools
from qmath_cli.solving.vote import same_text
from qmath_cli.terminal.repl import loop
from tests.scripted import EchoExecutor, ScriptedEngine


class PrintingExecutor(EchoExecutor):
    """Prints what stands between the brackets of `print`."""

    def open(self) -> PrintingExecutor:
        return self

    def run(self, code: str) -> Output:
        return Output(code.strip().removeprefix("print(").removesuffix(")"), RunStatus.OK, 0.0)


def main() -> int:
    """Run a command of `qmath`."""
    scripts, *arguments = sys.argv[1:]
    written = json.loads(Path(scripts).read_text(encoding="utf-8"))
    engine = ScriptedEngine([
        [(one, Stop.END)] if isinstance(one, str) else [(text, Stop(stop)) for text, stop in one] for one in written
    ])  # fmt: skip

    @contextmanager
    def open_tools(info: ModelInfo, settings: Settings, *_args: object, **_options: object) -> Iterator[OpenTools]:
        yield OpenTools(info, Tools(engine, PrintingExecutor(), same_text), settings=settings)

    for module in (runtime, loop):
        module.open_tools = open_tools  # type: ignore[assignment]
    return app.run(arguments)


if __name__ == "__main__":
    sys.exit(main())

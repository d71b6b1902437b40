"""`qmath exec`: run a program in the executor that solving uses, and see which layers restricted it.

File or stdin -> one worker -> the program's output on stdout (its error on stderr), or one JSON object -> exit code.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import invocation
from qmath_cli.commands.problem.encoding import decode
from qmath_cli.errors import DataError, ExitCode, UsageError
from qmath_cli.records import Output, Protection, RunStatus
from qmath_cli.runtime.executors import open_single_executor
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Layer
from qmath_cli.terminal.output import Terminal

SCHEMA = "qmath.exec/1"
READ = 8 << 20  # bytes of a program that are read at all; the executor's own limit is lower


def command(
    context: typer.Context,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="The program; - or nothing reads standard input.")
    ] = None,
    layers: Annotated[
        bool,
        typer.Option("--layers", rich_help_panel=o.OUTPUT, help="Show which layers restrict programs on this system."),
    ] = False,
    exec_timeout: o.ExecTimeout = None,
    exec_memory: o.ExecMemory = None,
    allow_basic_executor: o.AllowBasic = None,
    as_json: o.Json = False,
) -> int:
    """Run a Python program in the restricted executor.

    Exit code: 0 when the program ran to its end, 124 when it hit its time limit, 3 when it ended in any other way.
    """
    here = invocation(context)
    settings = here.settings(
        exec_timeout=exec_timeout, exec_memory=exec_memory, allow_basic_executor=allow_basic_executor
    )
    if layers and file is None:
        with open_single_executor(settings) as executor:
            show_layers(here.terminal, executor.layers, executor.protection, as_json=as_json)
        return ExitCode.OK
    code, refused = program_text(read(file))
    with open_single_executor(settings, code) as executor:
        output = refused or run(executor, code)
        found, protection = executor.layers, executor.protection
    if as_json:
        here.terminal.json(as_record(output, found, protection))
    else:
        show(here.terminal, output)
        if layers:
            show_layers(here.terminal, found, protection, as_json=False)
    return exit_code(output.status)


def run(executor: RestrictedExecutor, code: str) -> Output:
    """Run one program in a fresh worker."""
    worker = executor.open()
    try:
        return worker.run(code)
    finally:
        worker.close()


def read(file: str | None) -> bytes:
    """The program's bytes. Raises `DataError` where there is no such file."""
    if file is None or file == "-":
        return sys.stdin.buffer.read(READ)
    try:
        with Path(file).open("rb") as stream:
            return stream.read(READ)
    except OSError as exc:
        raise DataError(f"cannot read {file}: {exc.strerror}") from exc


def program_text(source: bytes) -> tuple[str, Output | None]:
    """A program's text, and the output of one whose bytes are no text; None where they are."""
    try:
        return decode(source, "the program").text, None
    except UsageError as exc:
        error = f"SyntaxError: {exc.message}"
        return "", Output(error, RunStatus.ERROR, 0.0, error)


def as_record(output: Output, layers: tuple[Layer, ...], protection: Protection) -> dict[str, object]:
    """The JSON object that `--json` prints."""
    return {
        "schema": SCHEMA,
        "status": output.status.value,
        "output": output.text,
        "error": output.error,
        "seconds": round(output.seconds, 4),
        "protection": protection.value,
        "layers": [asdict(layer) for layer in layers],
    }


def show(terminal: Terminal, output: Output) -> None:
    """What the program printed on stdout, its error line on stderr."""
    text = output.text.removesuffix(output.error).removesuffix("\n")
    if text:
        terminal.line(text)
    if output.error:
        terminal.note(output.error)


def show_layers(terminal: Terminal, layers: tuple[Layer, ...], protection: Protection, *, as_json: bool) -> None:
    """One line per layer: what it restricts, which side enforces it, and how."""
    if as_json:
        terminal.json({"schema": SCHEMA, "protection": protection.value, "layers": [asdict(layer) for layer in layers]})
        return
    for layer in layers:
        terminal.line(f"{layer.guard.value:<26}{layer.hold.value:<9}{layer.detail}")
    terminal.line(f"protection: {protection.value}")


def exit_code(status: RunStatus) -> int:
    """The exit code of a run: 0, 124 (time limit) or 3."""
    if status is RunStatus.OK:
        return ExitCode.OK
    return ExitCode.TIMEOUT if status is RunStatus.TIMEOUT else ExitCode.NO_ANSWER

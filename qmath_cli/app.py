"""The Typer app, the single catch, and the exit codes.

`run` is the frame that has all the fear: it turns every `QmathError` into one line and a hint, Ctrl-C into 130, SIGTERM
into 143, a closed pipe into silence. The commands are the work, without any.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from qmath_cli import __version__
from qmath_cli.commands import bench, check, convert, doctor, pull, repl, rm, solve, verify
from qmath_cli.commands import eval as eval_
from qmath_cli.commands import exec as exec_
from qmath_cli.commands import list as list_
from qmath_cli.commands.frame import Frame, frame
from qmath_cli.commands.line import arrange
from qmath_cli.errors import ExitCode, Interrupted, QmathError, Terminated, UsageError
from qmath_cli.terminal.output import Terminal, drop_stdout

#: Every command, in the order in which `--help` shows them.
COMMANDS: dict[str, Callable[..., int]] = {
    "solve": solve.command,
    "repl": repl.command,
    "exec": exec_.command,
    "check": check.command,
    "eval": eval_.command,
    "bench": bench.command,
    "doctor": doctor.command,
    "list": list_.command,
    "pull": pull.command,
    "rm": rm.command,
    "verify": verify.command,
    "convert": convert.command,
}

#: A problem may start with a minus sign, and mathematics is full of what looks like options.
_LOOSE = {"solve": {"ignore_unknown_options": True}}

app = typer.Typer(
    name="qmath",
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _named(command: Callable[..., int]) -> Callable[..., int]:
    """Ctrl-C under its own name: Typer turns a KeyboardInterrupt into a silent exit before `run` can see it."""

    @functools.wraps(command)
    def guarded(*args: Any, **options: Any) -> int:  # noqa: ANN401  whatever the command takes
        try:
            return command(*args, **options)
        except KeyboardInterrupt as exc:
            raise Interrupted("interrupted") from exc

    return guarded


for _name, _command in COMMANDS.items():
    app.command(_name, context_settings=_LOOSE.get(_name))(_named(_command))


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Solve mathematics with Qwen2.5-Math on this machine, with the network off.

    qmath 'PROBLEM' is short for qmath solve 'PROBLEM'; qmath alone starts the REPL.
    """
    if version:
        frame(context).terminal.line(f"qmath {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return the exit code. Never raises."""
    terminal = Terminal.standard()
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        return _program(arguments, terminal)
    except QmathError as exc:
        return _report(terminal, exc, as_json="--json" in arguments)
    except TyperException as exc:
        return _report(terminal, _usage(exc), as_json="--json" in arguments)
    except (KeyboardInterrupt, typer.Abort):
        return _report(terminal, Interrupted("interrupted"), as_json="--json" in arguments)
    except BrokenPipeError:
        drop_stdout()
        return ExitCode.OK
    except Exception:  # noqa: BLE001  the one catch: anything else is our bug, and shows its trace
        terminal.note(traceback.format_exc())
        return ExitCode.UNEXPECTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _program(arguments: Sequence[str], terminal: Terminal) -> int:
    """The main program without error handling."""
    interactive = terminal.interactive and sys.stdin is not None and sys.stdin.isatty()
    arranged = arrange(arguments, COMMANDS, interactive=interactive)
    code = app(args=arranged, prog_name="qmath", standalone_mode=False, obj=Frame(terminal, dict(os.environ)))
    return code if isinstance(code, int) else ExitCode.OK


def _usage(exc: TyperException) -> QmathError:
    """What Typer found wrong with the options, as one of our own errors."""
    message = str(getattr(exc, "format_message", exc.__str__)())
    return UsageError(message[:1].lower() + message[1:].rstrip("."), "qmath COMMAND --help shows the options")


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated("terminated")


def _report(terminal: Terminal, exc: QmathError, *, as_json: bool) -> int:
    terminal.error(exc.message, exc.hint)
    if as_json:
        terminal.json({"error": {"code": int(exc.exit_code), "message": exc.message, "hint": exc.hint}})
    return exc.exit_code

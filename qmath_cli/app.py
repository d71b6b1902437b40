"""The commands by name, the single catch, and the exit codes.

`run` is the frame that has all the fear: it turns every `QmathError` into one line and a hint, Ctrl-C into 130, SIGTERM
into 143, a closed pipe into silence. The commands are the work, without any.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Collection, Sequence
from types import FrameType
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from qmath_cli import __version__
from qmath_cli.commands.argv import arrange
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, Interrupted, QmathError, Terminated, UsageError
from qmath_cli.terminal.output import ReaderGone, Terminal, drop_stdout

#: Every command in the order in which `--help` shows them, with the first sentence of its own help: a test compares
#: them. Here, so that showing the list, or running one command, does not import all the others.
COMMANDS = {
    "solve": "Solve one problem: in words (cot), or with programs that run in a restricted executor (tir).",
    "repl": "Talk to a model: problems and /commands.",
    "exec": "Run a Python program in the restricted executor.",
    "check": "Compare two answers: equal (exit code 0), different (4) or undecided (3).",
    "eval": "Measure models on a benchmark, with intervals and the published figures beside them.",
    "bench": "Measure load time, time to the first token, prefill and decode on this machine.",
    "doctor": "Examine this installation: each line is ok, a warning or a problem, with one command that helps.",
    "list": "Show the models on this machine; with --all, also those that `qmath pull` can get.",
    "pull": "Download a released model and convert it, in one pass, shard by shard.",
    "rm": "Remove models.",
    "verify": "Read models again and compare them with their records.",
    "convert": "Convert a Hugging Face checkpoint of Qwen2.5-Math to GGUF, in one pass.",
}

#: A problem may start with a minus sign, and mathematics is full of what looks like options.
_LOOSE = {"solve": {"ignore_unknown_options": True}}


def program(wanted: Collection[str]) -> typer.Typer:
    """The Typer app, with the commands in `wanted` imported and the others known by name and summary only."""
    app = typer.Typer(
        name="qmath",
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    for name, summary in COMMANDS.items():
        command = _load(name) if name in wanted else _absent
        app.command(name, help=None if name in wanted else summary, context_settings=_LOOSE.get(name))(command)
    return app


def _load(name: str) -> Callable[..., int]:
    """A command's function, with Ctrl-C under its own name.

    Typer would turn a KeyboardInterrupt into a silent exit before `run` could see it.
    """
    command: Callable[..., int] = importlib.import_module(f"qmath_cli.commands.{name}").command

    @functools.wraps(command)
    def guarded(*args: Any, **options: Any) -> int:  # noqa: ANN401  whatever the command takes
        try:
            return command(*args, **options)
        except KeyboardInterrupt as exc:
            raise Interrupted("interrupted") from exc

    return guarded


def _absent() -> int:
    raise AssertionError("a command that was not asked for is never run")


def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Solve mathematics with Qwen2.5-Math on this machine, with the network off.

    qmath 'PROBLEM' is short for qmath solve 'PROBLEM'; qmath alone starts the REPL.
    """
    if version:
        invocation(context).terminal.line(f"qmath {__version__}")
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
    except (ReaderGone, BrokenPipeError):
        drop_stdout()
        return ExitCode.OK
    except Exception:  # noqa: BLE001  the one catch: anything else is our bug, and shows its trace
        terminal.note(traceback.format_exc())
        return ExitCode.UNEXPECTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _program(arguments: Sequence[str], terminal: Terminal) -> int:
    """The main program without error handling."""
    environ = dict(os.environ)
    interactive = terminal.interactive and sys.stdin is not None and sys.stdin.isatty()
    arranged = arrange(arguments, COMMANDS, interactive=interactive)
    wanted = COMMANDS if "_QMATH_COMPLETE" in environ else arranged[:1]
    code = program(wanted)(args=arranged, prog_name="qmath", standalone_mode=False, obj=Invocation(terminal, environ))
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

"""The command line: builds the Typer app, runs one command, and turns every error into an exit code.

`run` is the only place that handles errors of a command: a `QmathError` becomes a message with a hint, Ctrl-C exits
with 130, SIGTERM with 143, and a closed stdout ends the program silently. Commands only raise.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from qmath_cli import __version__, signals
from qmath_cli.commands.argv import arrange
from qmath_cli.commands.help_page import GroupedCommand, GroupedProgram, page_width
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, Interrupted, QmathError, Terminated, TerminationSignal, UsageError
from qmath_cli.runtime.ahead import Ahead
from qmath_cli.terminal.output import StdoutClosed, Terminal, drop_stdout

#: Every command with the first sentence of its help (a test compares the two). With this table, `qmath --help` imports
#: no command, and running a command imports no other.
COMMANDS = {
    "solve": "Solve one problem: in words (cot), or with programs that run in a restricted executor (tir).",
    "repl": "Talk to a model: problems and /commands.",
    "history": "Find solved problems again, show and export them.",
    "batch": "Solve many problems from a file in one batch; after a kill the same command goes on.",
    "exec": "Run a Python program in the restricted executor.",
    "check": "Compare two answers: equal (exit code 0), different (4) or undecided (3).",
    "score": "Score the steps of a solution that anybody wrote, and mark the first doubtful one.",
    "eval": "Measure models on a benchmark, with intervals and the published figures beside them.",
    "compare": "Measure how far the predictions of models are from those of a base, on the same text.",
    "bench": "Measure load time, time to the first token, prefill and decode on this machine.",
    "render": "Draw a text with LaTeX or Markdown as the terminal shows a solution, on a pipe too.",
    "doctor": "Examine this installation: each line is ok, a warning or a problem, with one command that helps.",
    "list": "Show the models on this machine; with --all, also those that can be pulled; with --server, those there.",
    "pull": "Download a released model and convert it, in one pass, shard by shard.",
    "add": "Give a GGUF or a checkpoint of one's own a name.",
    "rm": "Remove models.",
    "verify": "Read models again and compare them with their records.",
    "imatrix": "Measure an importance matrix: how much each column of each matrix counts when the model reads a text.",
    "convert": "Convert a Hugging Face checkpoint of Qwen2.5-Math to GGUF, in one pass.",
}

#: What Typer's parser says of a value, in the words of our own errors.
_IN_WORDS = (
    (re.compile(r"Input should be a valid integer.*"), "a whole number is needed"),
    (re.compile(r"Input should be a valid number.*"), "a number is needed"),
    (re.compile(r"Input should be greater than or equal to (\S+)"), r"the value is at least \1"),
    (re.compile(r"Input should be less than or equal to (\S+)"), r"the value is at most \1"),
    (re.compile(r"Input should be ('.*)"), r"the value is \1"),
    (re.compile(r"Value error, "), ""),
)

#: A problem may start with a minus sign and contain words that look like options.
_CONTEXT_SETTINGS = {"solve": {"ignore_unknown_options": True}}


def program(wanted: Collection[str]) -> typer.Typer:
    """Build the Typer app.

    Args:
        wanted: The commands that are imported; the others have only their name and summary.
    """
    app = typer.Typer(
        name="qmath",
        cls=GroupedProgram,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "terminal_width": page_width()},
    )
    app.callback(invoke_without_command=True)(_root)
    for name, summary in COMMANDS.items():
        command = _load(name) if name in wanted else _not_imported
        shown = None if name in wanted else summary
        app.command(name, cls=GroupedCommand, help=shown, context_settings=_CONTEXT_SETTINGS.get(name))(command)
    return app


def _load(name: str) -> Callable[..., int]:
    """Import a command's function.

    The function raises `Interrupted` instead of `KeyboardInterrupt`, which Typer would turn into a silent exit.
    """
    command: Callable[..., int] = importlib.import_module(f"qmath_cli.commands.{name}").command

    @functools.wraps(command)
    def guarded(*args: Any, **options: Any) -> int:  # noqa: ANN401  whatever the command takes
        try:
            return command(*args, **options)
        except KeyboardInterrupt as exc:
            raise Interrupted("interrupted") from exc

    return guarded


def _not_imported() -> int:
    raise RuntimeError("this command was not imported")


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


def run(arguments: Sequence[str], ahead: Ahead | None = None) -> int:
    """Run one command line.

    Args:
        arguments: The command line without the program's name.
        ahead: What was started for it before the import of this module.

    Returns:
        The exit code. No exception of a command is raised.
    """
    terminal = Terminal.standard()
    try:
        with signals.raised():
            return _program(arguments, terminal, ahead or Ahead())
    except (QmathError, TyperException, KeyboardInterrupt, typer.Abort, TerminationSignal) as exc:
        return _report(terminal, _error(exc), as_json="--json" in arguments)
    except (StdoutClosed, BrokenPipeError):
        drop_stdout()
        return ExitCode.OK
    except Exception:  # noqa: BLE001  any other exception is a defect of the program: show its trace
        terminal.note(traceback.format_exc())
        return ExitCode.UNEXPECTED


def _program(arguments: Sequence[str], terminal: Terminal, ahead: Ahead) -> int:
    """Run one command line without error handling."""
    environ = dict(os.environ)
    interactive = terminal.interactive and sys.stdin is not None and sys.stdin.isatty()
    arranged = arrange(arguments, COMMANDS, interactive=interactive)
    wanted = completed_command(environ) if "_QMATH_COMPLETE" in environ else arranged[:1]
    here = Invocation(terminal, environ, ahead)
    code = program(wanted)(args=arranged, prog_name="qmath", standalone_mode=False, obj=here)
    return code if isinstance(code, int) else ExitCode.OK


def completed_command(environ: Mapping[str, str]) -> list[str]:
    """The command whose arguments a shell completes, if it is named yet: no other is imported for a press of TAB.

    Args:
        environ: The environment, with the line as Typer's scripts for bash, and for the other shells, hand it over.
    """
    words = (environ.get("COMP_WORDS") or environ.get("_TYPER_COMPLETE_ARGS") or "").split()
    return [word for word in words[1:] if word in COMMANDS][:1]


def _error(exc: BaseException) -> QmathError:
    """What ended a command, as one of our errors; Typer's own are usage errors."""
    if isinstance(exc, QmathError):
        return exc
    if isinstance(exc, TerminationSignal):
        return Terminated("terminated")
    if isinstance(exc, KeyboardInterrupt | typer.Abort):
        return Interrupted("interrupted")
    message = str(getattr(exc, "format_message", exc.__str__)())
    for pattern, words in _IN_WORDS:
        message = pattern.sub(words, message)
    return UsageError(message[:1].lower() + message[1:].rstrip("."), "qmath COMMAND --help lists the options")


def _report(terminal: Terminal, exc: QmathError, *, as_json: bool) -> int:
    terminal.error(exc.message, exc.hint)
    if as_json:
        error = {"code": int(exc.exit_code), "message": exc.message, "hint": exc.hint}
        terminal.json({"schema": "qmath.error/1", "error": error})
    return exc.exit_code

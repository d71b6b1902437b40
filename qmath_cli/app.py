"""The Typer app, the single catch, and the exit codes.

`run` is the frame that has all the fear: it turns every `QmathError` into one line and a hint, Ctrl-C into 130, SIGTERM
into 143, a closed pipe into silence. The commands are the work, without any.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer

from qmath_cli import __version__
from qmath_cli.commands.frame import Frame
from qmath_cli.errors import ExitCode, QmathError, Terminated
from qmath_cli.terminal.output import Terminal, drop_stdout

app = typer.Typer(
    name="qmath",
    help="Qwen2.5-Math in the terminal, offline.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Solve mathematics with Qwen2.5-Math on this machine, with the network off."""
    if version:
        frame_of(context).terminal.line(f"qmath {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        frame_of(context).terminal.line(context.get_help())


def frame_of(context: typer.Context) -> Frame:
    """The frame that `run` put into the context."""
    found = context.find_object(Frame)
    return found if found is not None else Frame(Terminal.standard())


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return the exit code. Never raises."""
    terminal = Terminal.standard()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = app(args=list(arguments), standalone_mode=False, obj=Frame(terminal))
    except QmathError as exc:
        return _report(terminal, exc, as_json="--json" in arguments)
    except (KeyboardInterrupt, typer.Abort):
        terminal.note("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        drop_stdout()
        return ExitCode.OK
    except Exception:  # noqa: BLE001  the one catch: anything else is our bug, and shows its trace
        terminal.note(traceback.format_exc())
        return ExitCode.UNEXPECTED
    return code if isinstance(code, int) else ExitCode.OK


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated("terminated")


def _report(terminal: Terminal, exc: QmathError, *, as_json: bool) -> int:
    terminal.error(exc.message, exc.hint)
    if as_json:
        terminal.json({"error": {"code": int(exc.exit_code), "message": exc.message, "hint": exc.hint}})
    return exc.exit_code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

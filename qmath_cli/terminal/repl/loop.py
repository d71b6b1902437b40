"""The loop: read, do, show, again; nothing that goes wrong inside ends it.

Ctrl-C stops what runs. At an empty prompt the first press says how to leave and the second leaves with 130; Ctrl-D and
/quit leave with 0. Whatever is read is a problem unless it starts with a slash (or is `exit` or `quit` alone).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from qmath_cli.errors import ExitCode, QmathError, Terminated
from qmath_cli.settings import Settings
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.repl import slash
from qmath_cli.terminal.repl.conversation import Conversation, Hooks
from qmath_cli.terminal.repl.reader import Reader, reader
from qmath_cli.terminal.repl.session import Session
from qmath_cli.terminal.style import Style


def repl(terminal: Terminal, style: Style, settings: Settings, hooks: Hooks, environ: Mapping[str, str]) -> ExitCode:
    """Run a session to its end; the model starts loading at once."""
    talk = Conversation(terminal, style, Session(settings), hooks)
    source = reader(
        terminal,
        environ,
        hooks.history if settings.history else None,
        lambda line: slash.candidates(talk, line),
    )
    if terminal.interactive:
        terminal.note("qmath: type a problem, or /help")
    talk.machine.prepare(settings)
    try:
        return _loop(talk, source)
    finally:
        talk.machine.close()


def _loop(talk: Conversation, source: Reader) -> ExitCode:
    warned = False
    while True:
        try:
            message = source.read()
        except EOFError:
            return ExitCode.OK
        except KeyboardInterrupt:
            if warned:
                return ExitCode.INTERRUPTED
            talk.terminal.note("press Ctrl-C again, or Ctrl-D, to leave")
            warned = True
            continue
        warned = False
        try:
            _do(talk, message)
        except slash.Leave:
            return ExitCode.OK


def _do(talk: Conversation, message: str) -> None:
    """One message. Only `Leave` and the end of the process (SIGTERM, a closed terminal) come through."""
    try:
        if message.startswith("/"):
            slash.dispatch(talk, message)
        elif message.strip() in {"exit", "quit"}:
            raise slash.Leave
        elif message.strip():
            talk.ask(message)
    except Terminated:
        raise
    except QmathError as exc:
        talk.terminal.error(exc.message, exc.hint)
    except KeyboardInterrupt:
        talk.terminal.note(f"{os.linesep}interrupted")

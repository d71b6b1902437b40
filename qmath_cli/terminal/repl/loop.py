"""The loop of a session: reads a message, executes it, shows the result. An error does not end the session.

A message that starts with a slash is a command, `exit` and `quit` alone end the session, an empty one shows the next
step of a hidden solution, and every other message is a problem. Where it reads as a question about the last solution,
the session offers to follow that. Ctrl-C interrupts a running command or solution. At an
empty prompt, the first Ctrl-C shows how to quit and the second exits with 130; Ctrl-D and /quit exit with 0.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from qmath_cli.errors import ExitCode, QmathError
from qmath_cli.models import lockfile
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.prompting.select import select
from qmath_cli.records import Language
from qmath_cli.records.activity import Loading
from qmath_cli.runtime.executors import OpenExecutor, open_executor
from qmath_cli.runtime.servers.reach import described
from qmath_cli.runtime.tools import Hooks, OpenTools, open_tools
from qmath_cli.settings import Settings
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.repl import model_choice, slash
from qmath_cli.terminal.repl.background import BackgroundModel, Open
from qmath_cli.terminal.repl.conversation import Conversation
from qmath_cli.terminal.repl.reader import FOLLOWING, PROMPT, Reader, confirmed, open_reader
from qmath_cli.terminal.repl.session import Session
from qmath_cli.terminal.restored import restored
from qmath_cli.terminal.solving_status import SolvingStatus
from qmath_cli.terminal.style import Style

OFFER = "is this about the solution above (/follow on)?"


@restored()
def repl(
    terminal: Terminal,
    style: Style,
    settings: Settings,
    paths: Paths,
    environ: Mapping[str, str],
    *,
    force: bool = False,
    verbose: bool = False,
    executor: OpenExecutor = open_executor,
) -> ExitCode:
    """Run a session until the user ends it. The model is loaded in the background.

    Args:
        terminal: Where the session is shown.
        style: How it is drawn.
        settings: The initial settings.
        paths: The folders of models, sessions, the history, and what was typed.
        environ: The environment, for the type of the terminal.
        force: Load models even if they do not seem to fit into memory.
        verbose: Also show llama.cpp's own warnings.
        executor: Opens the executor for programs.

    Returns:
        The exit code.
    """
    lock = lockfile.load()
    status = SolvingStatus()
    hooks = Hooks(on_activity=status.activity, executor=executor)
    model = BackgroundModel(open_for(paths, lock, force=force, verbose=verbose, hooks=hooks))
    conversation = Conversation(terminal, style, Session(settings), model, paths, status, force=force)
    history = paths.typed if settings.history else None
    names = model_choice.names(paths, lock)
    reader = open_reader(terminal, environ, history, partial(slash.candidates, conversation, names))
    model.prepare(settings)
    if terminal.interactive:
        _greet(terminal, settings, paths, lock)
    try:
        return _loop(conversation, reader)
    finally:
        model.close()


def _greet(terminal: Terminal, settings: Settings, paths: Paths, lock: Lock) -> None:
    """Say what will solve the problems; or what is wrong with it, before a problem is typed for it."""
    try:
        terminal.note(model_choice.opening(settings, paths, lock))
    except QmathError as exc:
        terminal.error(exc.message, exc.hint)
        terminal.note("qmath: /model shows the models that are here, /help the commands")


def open_for(paths: Paths, lock: Lock, *, force: bool, verbose: bool = False, hooks: Hooks | None = None) -> Open:
    """Return a function that opens the model of given settings.

    Args:
        paths: Where models are stored.
        lock: All models.
        force: Load models even if they do not seem to fit into memory.
        verbose: The notes on a model include llama.cpp's own warnings.
        hooks: Told how far loading and reading have come, and how the executor is opened.
    """
    hooks = hooks or Hooks()

    @contextmanager
    def open_(settings: Settings) -> Iterator[OpenTools]:
        hooks.on_activity(Loading(settings.model or "the model"))
        info = described(settings, paths, lock)
        mode = select(info, Language.EN, settings.mode).mode
        with open_tools(info, settings, paths, lock, mode=mode, force=force, hooks=hooks) as opened:
            more = tuple(f"llama.cpp: {line}" for line in opened.engine_warnings) if verbose else ()
            yield replace(opened, notes=(*opened.notes, *more))

    return open_


def _loop(conversation: Conversation, reader: Reader) -> ExitCode:
    warned = False
    while True:
        try:
            message = reader.read(FOLLOWING if conversation.session.follow else PROMPT)
        except EOFError:
            return ExitCode.OK
        except KeyboardInterrupt:
            if warned:
                return ExitCode.INTERRUPTED
            conversation.terminal.note("press Ctrl-C again, or Ctrl-D, to quit")
            warned = True
            continue
        warned = False
        try:
            if _follows(conversation, message, asks=reader.asks):
                with reader.between():
                    _execute(conversation, message)
        except slash.Quit:
            return ExitCode.OK
        if reader.asks and message.strip():
            conversation.terminal.line()  # air between one turn and the next


def _execute(conversation: Conversation, message: str) -> None:
    """Execute one message and show its errors. Only `Quit`, SIGTERM and a closed terminal end the session."""
    try:
        if message.startswith("/"):
            slash.dispatch(conversation, message)
        elif message.strip() in {"exit", "quit"}:
            raise slash.Quit
        elif message.strip():
            conversation.ask(message)
        else:
            conversation.next_step()
    except QmathError as exc:
        conversation.terminal.error(exc.message, exc.hint)
    except KeyboardInterrupt:
        conversation.terminal.note(f"{os.linesep}interrupted")


def _follows(conversation: Conversation, message: str, *, asks: bool) -> bool:
    """Offer to follow the last solution where a message seems to be about it. False: the input ended instead."""
    if not asks or message.startswith("/") or not conversation.may_mean_the_last(message):
        return True
    try:
        follow = confirmed(conversation.terminal, OFFER)
    except KeyboardInterrupt:
        conversation.terminal.note(f"{os.linesep}interrupted")
        return False
    if follow is None:
        return False
    conversation.follow(on=follow)
    if follow:
        conversation.terminal.note("follow is on; /follow off ends it")
    return True

"""A conversation whose model writes what a test wrote down: for tests without a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from qmath_cli.paths import find
from qmath_cli.records import Mode, ModelInfo, Stop
from qmath_cli.runtime.tools import OpenTools
from qmath_cli.settings import Settings
from qmath_cli.solving.progress import Tools
from qmath_cli.solving.vote import same_text
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.repl.background import BackgroundModel
from qmath_cli.terminal.repl.conversation import Conversation
from qmath_cli.terminal.repl.session import Session
from qmath_cli.terminal.style import Style
from tests.scripted import EchoExecutor, Script, ScriptedEngine

MODEL = ModelInfo("7b-instruct:q8_0", Path("x.gguf"))


@dataclass
class Scripted:
    """A conversation, its engine and executor, and the streams that it writes to."""

    conversation: Conversation
    engine: ScriptedEngine
    executor: EchoExecutor
    out: io.StringIO
    err: io.StringIO

    @property
    def session(self) -> Session:
        return self.conversation.session


def scripted(home: Path, *scripts: str | Script, **settings: object) -> Scripted:
    """A conversation whose model writes the scripts, one per sequence; a text is a script that ends by itself.

    Args:
        home: where sessions are kept.
        scripts: what the model writes.
        settings: settings of the session; the mode is CoT if none is given.
    """
    engine = ScriptedEngine([[(one, Stop.END)] if isinstance(one, str) else one for one in scripts])
    executor = EchoExecutor()

    @contextmanager
    def open_(_settings: Settings) -> Iterator[OpenTools]:
        yield OpenTools(MODEL, Tools(engine, executor, same_text))

    out, err = io.StringIO(), io.StringIO()
    session = Session(replace(Settings(mode=Mode.COT), **settings))  # type: ignore[arg-type]
    paths = find({"QMATH_HOME": str(home)})
    conversation = Conversation(Terminal(out, err), Style(), session, BackgroundModel(open_), paths)
    return Scripted(conversation, engine, executor, out, err)

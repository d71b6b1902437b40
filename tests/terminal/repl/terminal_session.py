"""A session in a real pseudo-terminal: started, typed into, and read as a person reads it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect

from tests.e2e import run, slow, written

PROMPT = r"qmath(?: \(following\))?>"
CONTINUED = r"\.\.\.>"  # the prompt of a message's second line
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07|[=>]|\([AB0])")


def environment(home: Path, **more: str) -> dict[str, str]:
    """A terminal's environment with its own home."""
    dropped = {name for name in os.environ if name.startswith(("QMATH_", "LC_", "NO_COLOR"))}
    kept = {name: value for name, value in run.environment(home).items() if name not in dropped}
    # PROMPT_TOOLKIT_NO_CPR: this pseudo-terminal does not report the position of its cursor
    return {**kept, "QMATH_HOME": str(home), "TERM": "xterm", "LANG": "C.UTF-8", "PROMPT_TOOLKIT_NO_CPR": "1", **more}


@contextmanager
def spawned(home: Path, *arguments: str, columns: int = 80, **more: str) -> Iterator[Any]:
    """`qmath` with these arguments in a pseudo-terminal; killed if it still runs at the end."""
    with _spawned(["-m", "qmath_cli", *arguments], environment(home, **more), columns) as child:
        yield child


@contextmanager
def spawned_slowly(home: Path, what: str, *arguments: str, columns: int = 240, **more: str) -> Iterator[Any]:
    """The same, with one thing in it that does not end: see `slow`."""
    with _spawned([slow.__file__, what, str(home), *arguments], environment(home, **more), columns) as child:
        yield child


@contextmanager
def spawned_written(
    home: Path, scripts: Sequence[object], *arguments: str, columns: int = 80, **more: str
) -> Iterator[Any]:
    """`qmath` with a model that writes these scripts: see `written`."""
    path = home / "scripts.json"
    path.write_text(json.dumps(scripts), encoding="utf-8")
    environ = environment(home, QMATH_TRY_UNKNOWN="on", **more)  # what is written does not depend on what is asked
    with _spawned(["-m", written.__name__, str(path), *arguments], environ, columns) as child:
        yield child


@contextmanager
def _spawned(arguments: list[str], environ: dict[str, str], columns: int) -> Iterator[Any]:
    child = pexpect.spawn(
        sys.executable,
        arguments,
        env=environ,
        encoding="utf-8",
        codec_errors="replace",
        timeout=run.TIMEOUT_S,
        dimensions=(50, columns),
    )
    try:
        yield child
    finally:
        child.close(force=True)


@contextmanager
def session(home: Path, *arguments: str, **more: str) -> Iterator[Any]:
    """A REPL at its first prompt, with the model loaded, so that what follows is what is tested.

    It is wide: a message that is wrapped as it is typed could be taken for an answer.
    """
    with spawned(home, "repl", *arguments, columns=240, **more) as child:
        child.expect(PROMPT)
        ask(child, "/context")
        yield child


def ask(child: Any, message: str) -> str:
    """Type a message, wait for the next prompt, and return what was printed in between."""
    child.send(f"{message}\r")
    child.expect("\r\n")  # prompt_toolkit has accepted the line
    child.expect(PROMPT)
    return readable(child.before)


def end_of(child: Any) -> tuple[int | None, int | None]:
    """Wait for the end; its exit code, and the signal that ended it."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.signalstatus


def readable(text: str) -> str:
    """What stands on the screen, without what moves the cursor or colours it."""
    return _ESCAPES.sub("", text).replace("\r", "")

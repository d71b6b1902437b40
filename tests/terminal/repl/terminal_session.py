"""A session in a real pseudo-terminal: spawned, typed into, read as a person reads it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect

PROMPT = "qmath>"
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07|[=>]|\([AB0])")
_PATIENCE = 60  # seconds for anything at all; a hang fails, slowness does not


def environment(home: Path, **more: str) -> dict[str, str]:
    """A terminal's environment with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QMATH_", "LC_", "NO_COLOR"))}
    # PROMPT_TOOLKIT_NO_CPR: a pseudo-terminal with nobody behind it does not answer where the cursor is
    return {**kept, "QMATH_HOME": str(home), "TERM": "xterm", "LANG": "C.UTF-8", "PROMPT_TOOLKIT_NO_CPR": "1", **more}


@contextmanager
def spawned(home: Path, *arguments: str, columns: int = 80, **more: str) -> Iterator[Any]:
    """`qmath` with these arguments in a pseudo-terminal; ended by force if it is still there."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "qmath_cli", *arguments],
        env=environment(home, **more),
        encoding="utf-8",
        codec_errors="replace",
        timeout=_PATIENCE,
        dimensions=(50, columns),
    )
    try:
        yield child
    finally:
        child.close(force=True)


@contextmanager
def session(home: Path, *arguments: str, **more: str) -> Iterator[Any]:
    """A REPL at its first prompt, with the model loaded, so that what follows is what is tested.

    It is wide: a message that is broken into rows as it is typed cannot be told from an answer.
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

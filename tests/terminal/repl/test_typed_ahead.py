"""What is typed while the model writes: unseen until the prompt, offered there, and the terminal as it was."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pexpect = pytest.importorskip("pexpect")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals exist on POSIX only", allow_module_level=True)

import termios  # noqa: E402  POSIX only: after the skip

from qmath_cli.terminal.repl.typed_ahead import edited  # noqa: E402  after the skip
from tests.e2e import slow  # noqa: E402
from tests.e2e.watched import lines_of, wait_until  # noqa: E402
from tests.terminal.repl.terminal_session import PROMPT, environment, readable, spawned_slowly  # noqa: E402

PERCENT = "What is 12% of 450?"
ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home, so that the preflight runs once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _not_started(home: Path) -> None:
    for name in ("started", "go"):
        (home / name).unlink(missing_ok=True)


def echoes(child: Any) -> bool:
    """Whether the terminal echoes what is typed, and collects lines, as a shell expects of it."""
    modes = termios.tcgetattr(child.child_fd)[3]
    return modes & (termios.ECHO | termios.ICANON) == termios.ECHO | termios.ICANON


def asked(home: Path, child: Any) -> None:
    """A session in which a problem was typed and the model has stopped in the middle of its text."""
    child.expect(PROMPT)
    child.send(f"{PERCENT}\r")
    wait_until("the model has stopped", lambda: lines_of(home / "started"))
    with contextlib.suppress(pexpect.TIMEOUT):
        while True:
            child.read_nonblocking(4096, timeout=0.2)
    child.buffer = ""  # what was drawn so far has prompts, too


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("why?", "why?"),
        ("why?\n", "why?"),
        ("\n\n\n", ""),
        ("one\rtwo\n", "one\ntwo"),
        ("whz\x7fy?", "why?"),
        ("nonsense\x15why?", "why?"),
        ("one\ntwo\x15three", "one\nthree"),
        ("why so\x17not", "why not"),
        (f"a{ESCAPE}[A{ESCAPE}[1;5C{ESCAPE}OHb{ESCAPE}", "ab"),
        (f"{ESCAPE}[200~x + 1\r= 2{ESCAPE}[201~", "x + 1\n= 2"),
        ("\x04\x00\x0c12\t3", "12 3"),
        ("\x7f\x7f", ""),
        ("求 4 + 5 的值", "求 4 + 5 的值"),
    ],
)
def test_keys_edit_what_is_typed_unseen(typed: str, text: str) -> None:
    """Those that delete delete, those that type nothing are left out, and line breaks at the ends are no message."""
    assert edited(typed) == text


def test_it_is_not_echoed_and_offered_at_the_next_prompt(home: Path) -> None:
    """It does not stand in the text, it is not sent, and Enter sends it."""
    with spawned_slowly(home, "decode", "repl") as child:
        asked(home, child)
        assert not echoes(child)
        child.send("/co")
        child.send("ntext\r")
        time.sleep(0.2)  # long enough for an echo
        (home / "go").touch()
        child.expect(PROMPT)
        assert "ntext" not in readable(child.before)
        child.expect("/context")
        assert child.expect(["tokens", pexpect.TIMEOUT], timeout=0.5) == 1
        child.send("\r")
        child.expect("tokens")
        child.expect(PROMPT)
        child.sendcontrol("d")
        child.expect(pexpect.EOF)


def test_ctrl_c_drops_it(home: Path) -> None:
    """As in a shell."""
    with spawned_slowly(home, "decode", "repl") as child:
        asked(home, child)
        child.send("nonsense")
        child.sendcontrol("c")
        child.expect("interrupted")
        child.expect(PROMPT)
        child.send("/context\r")
        child.expect(PROMPT)
        assert "nonsense" not in child.before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whatever_ends_it_the_terminal_is_as_before(home: Path, number: signal.Signals) -> None:
    """A signal in the middle of the text."""
    with spawned_slowly(home, "decode", "repl") as child:
        assert echoes(child)
        asked(home, child)
        assert not echoes(child)
        os.kill(child.pid, number)
        if number == signal.SIGINT:
            child.expect("interrupted")
            child.expect(PROMPT)
            child.sendcontrol("d")
        child.expect(pexpect.EOF)
        assert echoes(child)


def test_on_a_dumb_terminal_a_line_is_the_next_message(home: Path) -> None:
    """It is shown at its prompt, since nothing was echoed when it was typed."""
    with spawned_slowly(home, "decode", "repl", TERM="dumb") as child:
        asked(home, child)
        child.send("/context\n")
        (home / "go").touch()
        child.expect(PROMPT)
        assert "/context" not in child.before
        child.expect("/context")
        child.expect("tokens")


def test_a_suspended_session_gives_the_terminal_back(home: Path) -> None:
    """Ctrl-Z in the middle of the text, in a shell; `fg` goes on where it was, and nothing typed is echoed."""
    command = shlex.join([sys.executable, slow.__file__, "decode", str(home), "repl"])
    child = pexpect.spawn(
        "bash", ["--norc", "-i"], env={**environment(home), "PS1": "shell> "}, encoding="utf-8", timeout=60
    )
    try:
        child.expect("shell> ")
        child.sendline(command)
        asked(home, child)
        child.sendcontrol("z")
        child.expect("Stopped")
        child.expect("shell> ")
        child.sendline("stty -a; echo listed")
        child.expect("\nlisted")
        assert " echo " in child.before
        assert "-icanon" not in child.before
        child.sendline("fg")
        child.expect("repl")
        (home / "go").touch()
        child.expect("54")
        child.expect(PROMPT)
        child.sendcontrol("d")
        child.expect("shell> ")
    finally:
        child.close(force=True)

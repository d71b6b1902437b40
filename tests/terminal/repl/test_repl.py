"""The REPL in a real pseudo-terminal: typing, pasting, interrupting, leaving."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pexpect = pytest.importorskip("pexpect")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals as POSIX has them", allow_module_level=True)

from tests.terminal.repl.terminal_session import PROMPT, ask, end_of, readable, session, spawned  # noqa: E402  after the skip

PERCENT = "What is 12% of 450?"
ROOTS = "Find the roots of x^2 - 5x + 6 = 0."
PASTE = "\x1b[200~{}\x1b[201~"
INTERRUPT = "\x03"


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One session for the tests that leave it as they found it."""
    with session(tmp_path_factory.mktemp("home")) as found:
        yield found


def messages(home: Path) -> list[str]:
    """What the history file holds, message by message."""
    entries: list[str] = []
    for line in (home / "state" / "history").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            entries.append("")
        elif line.startswith("+"):
            entries[-1] += f"\n{line[1:]}" if entries[-1] else line[1:]
    return entries


# ---------------------------------------------------------------- problems and commands


def test_a_problem_is_solved_and_remembered(child: Any) -> None:
    """The working is drawn; the commands that look at it find it."""
    said = ask(child, ROOTS)
    assert "→ 2, 3" in said
    assert "╭─ answer ─╮" in said
    assert "equal" in ask(child, "/check 3, 2")
    assert "different" in ask(child, "/check 3, 4")
    assert "solve(Eq(" in ask(child, "/code 1")
    assert "2, 3" in ask(child, "/run")
    assert "\\boxed{2, 3}" in ask(child, "/raw")
    assert "1/1  2, 3" in ask(child, "/votes")
    assert "tok/s" in ask(child, "/stats")
    assert "4096" in ask(child, "/context")


def test_retry_solves_the_same_problem_again(child: Any) -> None:
    """The old solution is replaced, not joined by a second."""
    ask(child, "/clear")
    ask(child, PERCENT)
    assert "54" in ask(child, "/retry 7")
    assert "saved 1 problem" in ask(child, "/save retried")


def test_a_session_is_saved_and_loaded(child: Any) -> None:
    """Its solutions come back as they were."""
    ask(child, PERCENT)
    before = ask(child, "/raw")
    ask(child, "/save evening")
    ask(child, "/clear")
    assert "no solution yet" in ask(child, "/raw")
    assert "loaded" in ask(child, "/load evening")
    assert ask(child, "/raw") == before


def test_an_export_is_written(child: Any, tmp_path: Path) -> None:
    """As a notebook, here."""
    ask(child, PERCENT)
    ask(child, f"/export {tmp_path / 'x.ipynb'}")
    assert json.loads((tmp_path / "x.ipynb").read_text(encoding="utf-8"))["nbformat"] == 4


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("/hlep", "did you mean /help?"),
        ("/set temprature 1", "did you mean temperature?"),
        ("/set k many", "is not a value for k"),
        ("/mode fast", "one of cot, tir"),
        ("/code 9", "there is no program 9"),
        ("/export x.docx", ".md, .tex, .ipynb, .html"),
        ("/load nothing", "there is no session"),
        ("/save ../../etc", "cannot be the name of a session"),
    ],
)
def test_a_mistake_is_told_and_the_session_goes_on(child: Any, typed: str, said: str) -> None:
    """One line that says what is wrong and what would be right."""
    ask(child, PERCENT)
    assert said in ask(child, typed)


def test_settings_are_shown_and_changed(child: Any) -> None:
    """A changed setting is used by the next problem."""
    assert "k = 3" in ask(child, "/k 3")
    assert "agree" in ask(child, PERCENT)
    assert "k = 1" in ask(child, "/set k = 1")


def test_every_command_is_in_the_help(child: Any) -> None:
    """And each has a line of its own."""
    said = ask(child, "/help")
    for name in [
        "help",
        "model",
        "mode",
        "k",
        "seed",
        "set",
        "show",
        "retry",
        "continue",
        "clear",
        "follow",
        "code",
        "run",
        "check",
        "votes",
        "raw",
        "copy",
        "export",
        "save",
        "load",
        "stats",
        "context",
        "quit",
    ]:
        assert f"/{name}" in said


def test_following_lets_a_problem_see_the_earlier_ones(child: Any) -> None:
    """The prompt grows by the conversation, and shrinks again when it is off."""
    ask(child, "/clear")
    ask(child, "/follow on")
    ask(child, PERCENT)
    alone = int(ask(child, "/context").split()[0])
    ask(child, PERCENT)
    assert int(ask(child, "/context").split()[0]) > alone
    counted = dict(re.findall(r"^(prompt|prefilled) +([0-9]+) tokens", ask(child, "/stats"), re.MULTILINE))
    assert int(counted["prefilled"]) < int(counted["prompt"]) / 2  # the conversation is in the KV cache already
    ask(child, "/follow off")


def test_a_problem_that_is_too_long_is_refused_with_the_numbers(child: Any) -> None:
    """Before anything is computed; the session goes on."""
    said = ask(child, PASTE.format("What is " + "12345678 + " * 3000 + "1?"))
    assert "the context holds 4096" in said
    assert "54" in ask(child, PERCENT)


def test_a_smaller_context_refuses_a_shorter_problem(home: Path) -> None:
    """The numbers in the message are those of this session."""
    with session(home, "--ctx", "2048") as small:
        said = ask(small, PASTE.format("What is " + "7 + " * 1000 + "1?"))
        assert re.search(r"the problem is \d,?\d{3} tokens long; the context holds 2,?048", said)
        assert "54" in ask(small, PERCENT)


# ---------------------------------------------------------------- typing more than one line


def test_a_paste_of_three_lines_is_one_message(home: Path) -> None:
    """Enter inside a paste does not send."""
    with session(home) as child:
        ask(child, PASTE.format("What is\r12% of\r450?"))
        child.send("/quit\r")
        assert end_of(child) == (0, None)
    assert messages(home)[1:] == ["What is\n12% of\n450?", "/quit"]


@pytest.mark.parametrize(
    "typed",
    ["What is\x1b\r12% of 450?\r", "What is\\\r12% of 450?\r", '"""\rWhat is\r12% of 450?\r"""\r'],
    ids=["alt-enter", "backslash", "quotes"],
)
def test_a_message_can_be_typed_on_several_lines(home: Path, typed: str) -> None:
    """In three ways; the model gets one problem."""
    with session(home) as child:
        for key in typed:
            child.send(key)
            time.sleep(0.01)  # a person types; what comes at once is taken for a paste or an escape sequence
        child.expect("54")
        child.expect(PROMPT)
        child.send("/save one\r")
        child.expect("saved 1 problem")
    saved = json.loads((home / "data" / "sessions" / "one.json").read_text(encoding="utf-8"))
    assert saved["solutions"][0]["problem"] == "What is\n12% of 450?"


def test_tab_completes_commands(home: Path) -> None:
    """A unique beginning becomes the command."""
    with session(home) as child:
        child.send("/fol\t")
        child.expect("/follow")
        child.send("\r")
        child.expect("follow is off")


# ---------------------------------------------------------------- Ctrl-C


def slow_session(home: Path, what: str) -> Any:
    """A session in which `what` takes long."""
    from tests.terminal.repl.terminal_session import environment

    script = str(Path(__file__).with_name("slow.py"))
    found = pexpect.spawn(
        sys.executable, [script, what], env=environment(home), encoding="utf-8", timeout=60, dimensions=(50, 80)
    )
    found.expect(PROMPT)
    return found


@pytest.mark.parametrize(
    ("what", "sign", "pause"),
    [("load", "loading", 0.3), ("prefill", "450", 1.0), ("decode", "450", 2.5), ("program", "print", 0.5)],
)
def test_ctrl_c_stops_what_runs_and_keeps_the_session(home: Path, what: str, sign: str, pause: float) -> None:
    """During load, prefill, decode and a program: a prompt again, what was said is kept, and `/retry` works."""
    child = slow_session(home, what)
    try:
        if what != "load":
            ask(child, "/context")  # the model is loaded
        child.send(f"{PERCENT}\r")
        child.expect(sign)
        time.sleep(pause)
        child.send(INTERRUPT)
        child.expect("interrupted")
        child.expect(PROMPT)
        if what == "load":
            assert "→ 54" in ask(child, PERCENT)
            return
        assert bool(ask(child, "/raw").strip()) == (what != "prefill")
        child.send("/retry\r")
        time.sleep(1.0)
        child.send(INTERRUPT)
        child.expect("interrupted")
        child.expect(PROMPT)
    finally:
        child.close(force=True)


def test_ctrl_c_at_the_prompt(home: Path) -> None:
    """With text it clears the line; with none it asks once, and leaves with 130 the second time."""
    with session(home) as child:
        child.send("half a problem")
        child.expect("half a problem")
        child.send(INTERRUPT)
        child.send(INTERRUPT)
        child.expect("press Ctrl-C again")
        child.expect(PROMPT)
        child.send(INTERRUPT)
        assert end_of(child) == (130, None)


# ---------------------------------------------------------------- leaving


@pytest.mark.parametrize("typed", ["\x04", "/quit\r", "exit\r", "/exit\r"], ids=["ctrl-d", "/quit", "exit", "/exit"])
def test_leaving_is_quiet(home: Path, typed: str) -> None:
    """Exit code 0."""
    with session(home) as child:
        child.send(typed)
        assert end_of(child) == (0, None)


@pytest.mark.parametrize(
    "typed", ["\x04", "/quit\r", INTERRUPT * 2, "SIGTERM"], ids=["ctrl-d", "quit", "ctrl-c", "term"]
)
def test_the_terminal_is_sane_after_every_exit(home: Path, typed: str) -> None:
    """Echo and line editing are as they were; SIGTERM exits with 143."""
    with session(home) as child:
        if typed == "SIGTERM":
            child.kill(signal.SIGTERM)
        else:
            child.send(typed)
        deadline = time.monotonic() + 30
        while child.isalive() and time.monotonic() < deadline:
            with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
                child.read_nonblocking(4096, timeout=0.2)
        local = termios.tcgetattr(child.fileno())[3]
        assert local & termios.ECHO
        assert local & termios.ICANON
        child.close()
        assert child.exitstatus == {"SIGTERM": 143, INTERRUPT * 2: 130}.get(typed, 0)


def test_a_window_can_be_resized(home: Path) -> None:
    """In the middle of a session; the next drawing has the new width."""
    with session(home) as child:
        child.setwinsize(40, 44)
        ask(child, PERCENT)
        child.setwinsize(50, 120)
        assert "54" in ask(child, PERCENT)


# ---------------------------------------------------------------- without a capable terminal


def test_a_dumb_terminal_gets_plain_lines(home: Path) -> None:
    """TERM=dumb: no escape sequence at all, and everything works."""
    with spawned(home, "repl", TERM="dumb") as child:
        child.expect(PROMPT)
        child.send(f"{PERCENT}\r")
        child.expect("54")
        child.expect(PROMPT)
        assert "\x1b" not in child.before
        child.send("\x04")
        assert end_of(child) == (0, None)


def test_a_bare_command_on_a_terminal_is_a_session(home: Path) -> None:
    """`qmath` alone."""
    with spawned(home) as child:
        child.expect(PROMPT)
        assert "type a problem" in readable(child.before)

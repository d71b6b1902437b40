"""The REPL in a real pseudo-terminal: typing, pasting, interrupting, quitting."""

from __future__ import annotations

import contextlib
import io
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
    pytest.skip("pseudo-terminals exist on POSIX only", allow_module_level=True)

from qmath_cli.terminal.repl.slash import COMMANDS  # noqa: E402  after the skip
from tests.e2e.run import TIMEOUT_S  # noqa: E402
from tests.e2e.watched import lines_of, nothing_is_left, wait_until  # noqa: E402
from tests.terminal.repl.terminal_session import (  # noqa: E402
    CONTINUED,
    PROMPT,
    ask,
    end_of,
    readable,
    session,
    spawned,
    spawned_slowly,
)

PERCENT = "What is 12% of 450?"
ROOTS = "Find the roots of x^2 - 5x + 6 = 0."
PASTE = "\x1b[200~{}\x1b[201~"
INTERRUPT = "\x03"


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One session for the tests that do not end it."""
    with session(tmp_path_factory.mktemp("home")) as opened:
        yield opened


def messages(home: Path) -> list[str]:
    """The messages in the history file."""
    entries: list[str] = []
    for line in (home / "state" / "history").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            entries.append("")
        elif line.startswith("+"):
            entries[-1] += f"\n{line[1:]}" if entries[-1] else line[1:]
    return entries


# ---------------------------------------------------------------- problems and commands


def test_a_problem_is_solved(child: Any) -> None:
    """The working is drawn, and the commands about the latest solution use it."""
    shown = ask(child, ROOTS)
    assert "→ 2, 3" in shown
    assert "╭─ answer ─╮" in shown
    assert "equal: 2, 3 and 3, 2" in ask(child, "/check 3, 2")
    assert "different: 2, 3 and 3, 4" in ask(child, "/check 3, 4")
    assert "solve(Eq(" in ask(child, "/code 1")
    assert "2, 3" in ask(child, "/run")
    assert "\\boxed{2, 3}" in ask(child, "/raw")
    assert "1/1  2, 3" in ask(child, "/votes")
    assert "tok/s" in ask(child, "/stats")
    assert "4096" in ask(child, "/context")


def test_retry_solves_the_same_problem_again(child: Any) -> None:
    """The old solution is replaced."""
    ask(child, "/clear")
    ask(child, PERCENT)
    assert "54" in ask(child, "/retry 7")
    assert "saved 1 problem" in ask(child, "/save retried")


def test_a_session_is_saved_and_loaded(child: Any) -> None:
    """With the same text."""
    ask(child, PERCENT)
    before = ask(child, "/raw")
    ask(child, "/save evening")
    ask(child, "/clear")
    assert "no solution yet" in ask(child, "/raw")
    assert "loaded" in ask(child, "/load evening")
    assert ask(child, "/raw") == before


def test_an_export_is_written(child: Any, tmp_path: Path) -> None:
    """As a notebook."""
    ask(child, PERCENT)
    ask(child, f"/export {tmp_path / 'x.ipynb'}")
    assert json.loads((tmp_path / "x.ipynb").read_text(encoding="utf-8"))["nbformat"] == 4


@pytest.mark.parametrize(
    ("typed", "message"),
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
def test_a_mistake_gives_an_error_and_a_hint(child: Any, typed: str, message: str) -> None:
    """And the session continues."""
    ask(child, PERCENT)
    assert message in ask(child, typed)
    assert "54" in ask(child, PERCENT)


def test_settings_are_shown_and_changed(child: Any) -> None:
    """A changed setting is used by the next problem."""
    assert "k = 3" in ask(child, "/k 3")
    assert "agree" in ask(child, PERCENT)
    assert "k = 1" in ask(child, "/set k = 1")


def test_the_help_fits_a_window_and_every_command_has_a_line_of_its_own(child: Any) -> None:
    """`/help` names all commands in fewer than 24 rows of a window; `/help NAME` says what one does."""
    lines = ask(child, "/help").splitlines()
    assert len(lines) < 22
    assert all(len(line) <= 100 for line in lines)
    for name, command in COMMANDS.items():
        assert any(command.usage in line for line in lines), command.usage
        assert f"{command.usage}  {command.help}" in ask(child, f"/help {name}")


def test_following_puts_the_earlier_problems_into_the_prompt(child: Any) -> None:
    """Their tokens are in the KV cache already; without `/follow` the prompt is as short as before."""
    ask(child, "/clear")
    ask(child, "/follow on")
    ask(child, PERCENT)
    alone = int(ask(child, "/context").split()[0])
    ask(child, PERCENT)
    assert int(ask(child, "/context").split()[0]) > alone
    counted = dict(re.findall(r"^(prompt|prefilled) +([0-9]+) tokens", ask(child, "/stats"), re.MULTILINE))
    assert int(counted["prefilled"]) < int(counted["prompt"]) / 2
    ask(child, "/follow off")
    ask(child, PERCENT)
    assert int(ask(child, "/context").split()[0]) == alone


def test_a_problem_that_is_too_long_is_refused_with_the_numbers(child: Any) -> None:
    """And the session continues."""
    ask(child, "/set try_unknown on")
    shown = ask(child, PASTE.format("What is " + "12345678 + " * 3000 + "1?"))
    assert "the context holds 4096" in shown
    assert "54" in ask(child, PERCENT)


def test_a_smaller_context_refuses_a_shorter_problem(home: Path) -> None:
    """The numbers in the message are those of this session."""
    with session(home, "--ctx", "2048", "--force") as small:
        shown = ask(small, PASTE.format("What is " + "7 + " * 1000 + "1?"))
        assert re.search(r"the problem is \d,?\d{3} tokens long; the context holds 2,?048", shown)
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
    [
        ["What is\x1b\r", "12% of 450?\r"],
        ["What is\\\r", "12% of 450?\r"],
        ['"""\r', "What is\r", "12% of 450?\r", '"""\r'],
    ],
    ids=["alt-enter", "backslash", "quotes"],
)
def test_a_message_can_be_typed_on_several_lines(home: Path, typed: list[str]) -> None:
    """In three ways; the model gets one problem."""
    with session(home) as child:
        *lines, last = typed
        for line in lines:
            child.send(line)
            child.expect(CONTINUED)
        child.send(last)
        child.expect("54")
        child.expect(PROMPT)
        assert "saved 1 problem" in ask(child, "/save one")
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


def test_ctrl_c_while_the_model_loads(home: Path) -> None:
    """The problem is not solved, but the load continues: the next problem uses it."""
    with spawned_slowly(home, "load", "repl") as child:
        child.expect(PROMPT)
        wait_for_starts(home, 1)
        child.send(f"{PERCENT}\r")
        child.expect("loading")
        child.send(INTERRUPT)
        child.expect("interrupted")
        child.expect(PROMPT)
        (home / "go").touch()
        assert "→ 54" in ask(child, PERCENT)
        assert starts(home) == 1
        quit_quietly(child)
    nothing_is_left(home)


@pytest.mark.parametrize("what", ["prefill", "decode", "program"])
def test_ctrl_c_stops_what_runs_and_keeps_the_session(home: Path, what: str) -> None:
    """During prefill, decode and a program: a prompt again, the text so far is kept, and `/retry` works."""
    with spawned_slowly(home, what, "repl") as child:
        child.expect(PROMPT)
        ask(child, "/context")  # the model is loaded
        for count, message in enumerate([PERCENT, "/retry"], 1):
            child.send(f"{message}\r")
            wait_for_starts(home, count)
            child.send(INTERRUPT)
            child.expect("interrupted")
            child.expect(PROMPT)
            text = ask(child, "/raw")
            assert bool(text.strip()) == (what != "prefill")
            assert ("```python" in text) == (what == "program")
        (home / "go").touch()
        assert "→ 54" in ask(child, "/retry")
        assert "saved 1 problem" in ask(child, "/save kept")
        quit_quietly(child)
    nothing_is_left(home)


def starts(home: Path) -> int:
    """How often the slow thing has started."""
    return lines_of(home / "started")


def wait_for_starts(home: Path, count: int) -> None:
    wait_until(f"{count} start(s) of the slow thing", lambda: starts(home) >= count)


def quit_quietly(child: Any) -> None:
    child.send("/quit\r")
    assert end_of(child) == (0, None)


def test_ctrl_c_at_the_prompt(home: Path) -> None:
    """It clears a line with text. At an empty one the first press shows how to quit, the second quits with 130."""
    with session(home) as child:
        child.send("half a problem")
        child.expect("half a problem")
        child.send(INTERRUPT)
        assert "seed = 0" in ask(child, "/seed")
        child.send(INTERRUPT)
        child.expect("press Ctrl-C again")
        child.expect(PROMPT)
        assert "seed = 0" in ask(child, "/seed")
        child.send(INTERRUPT)
        child.expect("press Ctrl-C again")
        child.expect(PROMPT)
        child.send(INTERRUPT)
        assert end_of(child) == (130, None)


# ---------------------------------------------------------------- quitting


@pytest.mark.parametrize("typed", ["\x04", "/quit\r", "exit\r", "/exit\r"], ids=["ctrl-d", "/quit", "exit", "/exit"])
def test_quitting_prints_nothing(home: Path, typed: str) -> None:
    """The exit code is 0."""
    with session(home) as child:
        child.send(typed)
        assert end_of(child) == (0, None)
        assert not re.sub(f"qmath>|{typed.strip()}", "", readable(child.before)).strip()  # the prompt may be redrawn


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
        deadline = time.monotonic() + TIMEOUT_S
        while child.isalive():
            assert time.monotonic() < deadline
            with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
                child.read_nonblocking(4096, timeout=0.2)
        local = termios.tcgetattr(child.fileno())[3]
        assert local & termios.ECHO
        assert local & termios.ICANON
        child.close()
        assert child.exitstatus == {"SIGTERM": 143, INTERRUPT * 2: 130}.get(typed, 0)
    nothing_is_left(home)


def test_a_window_can_be_resized(home: Path) -> None:
    """In the middle of a session; the next answer is drawn for the new width."""
    with session(home) as child:
        for columns, frame in [(24, "─{9}╮"), (120, "─{13}╮"), (24, "─{9}╮")]:
            child.setwinsize(40, columns)
            child.send("Find the derivative of x^5 + 3x^4 - 2x^3 + x.\r")
            child.expect(f"answer {frame}")
            child.expect(r"1\s+program")
            child.expect(PROMPT)


# ---------------------------------------------------------------- without a capable terminal


def test_a_dumb_terminal_gets_plain_lines(home: Path) -> None:
    """TERM=dumb: no escape sequence at all, and problems are solved."""
    with spawned(home, "repl", TERM="dumb") as child:
        child.logfile_read = io.StringIO()
        child.expect(PROMPT)
        child.send(f"{PERCENT}\r")
        child.expect("54")
        child.expect(PROMPT)
        child.send("\x04")
        assert end_of(child) == (0, None)
        assert "54" in child.logfile_read.getvalue()
        assert "\x1b" not in child.logfile_read.getvalue()


def test_a_bare_command_on_a_terminal_is_a_session(home: Path) -> None:
    """`qmath` alone; its first line names the model, the mode, the language and what to do."""
    with spawned(home) as child:
        child.expect(PROMPT)
        first = readable(child.before).splitlines()[0]
        assert first == "qmath: demo:q8_0, mode tir, in the problem's language; type a problem, or /help"


def test_a_model_that_is_not_here_is_said_before_a_problem_is_typed(home: Path) -> None:
    """With the command that gets it; the session is there all the same, and another model can be chosen."""
    with spawned(home, "repl", "-m", "7b-instruct") as child:
        child.expect(PROMPT)
        assert "hint: qmath pull 7b-instruct" in readable(child.before)
        assert "demo:q8_0" in ask(child, "/model")
        assert "model = demo" in ask(child, "/model demo")
        assert "54" in ask(child, PERCENT)


# ---------------------------------------------------------------- a question about the last solution


def test_a_question_about_the_solution_above_is_offered_to_follow_it(home: Path) -> None:
    """After a yes its prompt holds the solution, and the sign before the next message says so."""
    with session(home, "--force") as child:  # the demo knows no such questions
        ask(child, PERCENT)
        alone = tokens_of(child)
        child.send("and a third of that?\r")
        child.expect(r"is this about the solution above \(/follow on\)\? \[Y/n\] ")
        child.send("\r")
        child.expect(re.escape("qmath (following)>"))
        assert "follow is on" in readable(child.before)
        assert tokens_of(child) > alone


def test_a_no_to_the_offer_is_remembered(home: Path) -> None:
    """The question is asked by itself, and no further one is offered anything; Ctrl-D asks nothing."""
    with session(home, "--force") as child:  # the demo knows no such questions
        ask(child, PERCENT)
        for reply, solved in (("\x04", False), ("n\r", True)):
            child.send("and a third of that?\r")
            child.expect(r"\[Y/n\] ")
            child.send(reply)
            child.expect("qmath>")
            assert ("tok/s" in child.before) == solved
        assert "[Y/n]" not in ask(child, "why?")


def test_a_complete_problem_after_a_solution_is_simply_solved(home: Path) -> None:
    """Even where it begins with "why"."""
    with session(home) as child:
        ask(child, PERCENT)
        assert "[Y/n]" not in ask(child, "Why is 12% of 450 equal to 54?")


def tokens_of(child: Any) -> int:
    """The tokens that the latest solution used."""
    return int(ask(child, "/context").split()[0])


# ---------------------------------------------------------------- what a session looks like


def test_one_turn_is_separated_from_the_next_by_an_empty_line(home: Path) -> None:
    """The prompt does not touch the figures above it."""
    with session(home) as child:
        assert re.search(r"1 program *\n *\n$", ask(child, PERCENT))
        assert re.search(r"k = 1\n *\n$", ask(child, "/k"))


def test_a_long_line_that_is_wrapped_is_no_message_of_several_lines(home: Path) -> None:
    """The mark of a second line stands only before a line that was typed as one."""
    with spawned(home, "repl", columns=40) as child:
        child.expect(PROMPT)
        child.send("What is " + "1 + " * 20 + "1?")
        child.expect(r"1\?")
        assert not re.search(CONTINUED, readable(child.before))
        child.send("\x1b\rReally?")
        child.expect(CONTINUED)

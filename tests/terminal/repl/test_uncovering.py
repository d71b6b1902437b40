"""History, exports and uncovering in a real pseudo-terminal, as a person uses them."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

pexpect = pytest.importorskip("pexpect")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals exist on POSIX only", allow_module_level=True)

from tests.e2e.run import answer_record, qmath  # noqa: E402  after the skip
from tests.terminal.repl.terminal_session import PROMPT, ask, readable, session, spawned  # noqa: E402

PERCENT = "What is 12% of 450?"


def test_a_solution_is_uncovered_with_enter(home: Path) -> None:
    """At the prompt; the answer comes in its frame with the last step, and Enter is quiet after it."""
    with session(home) as child:
        ask(child, "/reveal on")
        assert "54" not in ask(child, PERCENT).replace(PERCENT, "")
        assert "different: 55" in ask(child, "/check 55")
        first = ask(child, "")
        assert "print(" in first
        assert "54" not in first
        last = ask(child, "")
        assert "→ 54" in last
        assert "╭─ answer ─╮" in last
        assert ask(child, "").strip() == ""


def test_tab_completes_the_name_of_a_file(home: Path, tmp_path: Path) -> None:
    """A file that exists is refused, and replaced where that is said."""
    path = tmp_path / "homework sheet.html"
    path.write_text("mine", encoding="utf-8")
    with session(home) as child:
        ask(child, PERCENT)
        child.send(f"/export {tmp_path}/home\t")
        child.expect("work sheet.html")
        child.send("\r")
        child.expect(r"exists\s+already")  # the line may be wrapped between the words
        child.expect(PROMPT)
        said = " ".join(ask(child, f"/export --overwrite {path}").split())  # wrapped where the path is long
        assert f"wrote {path} (1 problem)" in said
    assert "<title>What is 12% of 450?</title>" in path.read_text(encoding="utf-8")


def test_a_killed_session_leaves_its_problems(home: Path) -> None:
    """The next one brings them back; so does the command."""
    with session(home) as child:
        ask(child, PERCENT)
        child.kill(signal.SIGKILL)
        child.wait()
    with session(home) as child:
        shown = ask(child, "/history")
        assert PERCENT in shown
        assert "/load 1" in shown
        assert f"1  {PERCENT}  54" in ask(child, "/load 1")
        assert "equal: 54 and 54" in ask(child, "/check 54")
    (problem,) = answer_record(qmath(home, "history", "--json"))["problems"]
    assert problem["problem"] == PERCENT


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_list_fits_the_window(home: Path, columns: int) -> None:
    """Every problem is one row."""
    with session(home) as child:
        ask(child, PERCENT)
    with spawned(home, "history", columns=columns) as child:
        child.expect(pexpect.EOF)
        (row,) = readable(child.before).splitlines()
    assert len(row) <= columns
    assert row.endswith("54")


def test_clear_asks_first(home: Path) -> None:
    """Only a yes removes."""
    with session(home) as child:
        ask(child, PERCENT)
    for answer, left in (("n", 1), ("", 1), ("yes", 0)):
        with spawned(home, "history", "clear") as child:
            child.expect("remove 1 problem")
            child.send(f"{answer}\r")
            child.expect(pexpect.EOF)
        assert len(answer_record(qmath(home, "history", "--json"))["problems"]) == left
    assert (home / "state" / "history").read_bytes() == b""

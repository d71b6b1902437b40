"""What stands on the screen of a session whose model writes what a test wrote down: a pseudo-terminal of 80 columns."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

pexpect = pytest.importorskip("pexpect")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals exist on POSIX only", allow_module_level=True)

from wcwidth import wcswidth  # noqa: E402  after the skip

from tests.terminal.repl.terminal_session import (  # noqa: E402
    PROMPT,
    ask,
    end_of,
    readable,
    spawned_written,
)

PROSE = (
    "To prove that \\(\\frac{1}{a} + \\frac{1}{b} \\geq 9\\) given that a + b + c = 1, we can use the method of "
    "Lagrange multipliers or the arithmetic-geometric inequality. "
    "对于任意非负实数，我们需要使用等差数列的性质，第 n 项由下式给出。\n\n"
    "So it is \\(\\boxed{9}\\).\n"
)
FORMULAS = (
    "We get\n   \\[ \\frac{3}{7} \\]\n\\[ \\frac{4}{3} \\]\n\n4. Next, \\[x = 1\\]\n\n"
    "5. So \\(\\boxed{\\frac{19}{12}}\\)."
)
CUT = [["Therefore we can substitute \\( x = \\frac{1}", "max_tokens"]]
NO_BOX = "The solutions are 3/2 and 1."


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_words_and_formulas_are_whole_at_the_right_edge(tmp_path: Path, columns: int) -> None:
    """In prose, notes and hints, English and Chinese; text is at most 100 columns wide."""
    with spawned_written(tmp_path, [PROSE, NO_BOX], "repl", "--mode", "cot", columns=columns) as child:
        child.expect(PROMPT)
        shown = readable(child.before) + ask(child, "p") + ask(child, "/clear") + ask(child, "q")
    lines = [line for line in shown.splitlines() if "error" not in line]
    assert max(map(wcswidth, lines)) <= min(columns, 100)
    assert max(map(wcswidth, lines)) > min(columns, 100) - 14
    words = " ".join(shown.split())
    for whole in (
        "1/a + 1/b ≥ 9",
        "Lagrange multipliers",
        "a boxed answer",
        "qmath pull 1.5b-instruct",
        "/retry tries",
    ):
        assert whole in words
    assert not re.search("(?m)^[，。]", shown)


def test_formulas_have_air_and_the_text_keeps_its_empty_lines(tmp_path: Path) -> None:
    """Two tall displays do not touch, an indented one has no line of blanks before it, and text below stays below."""
    with spawned_written(tmp_path, [FORMULAS], "repl", "--mode", "cot") as child:
        child.expect(PROMPT)
        shown = ask(child, "p")
    page = "\n".join(line.rstrip() for line in shown.splitlines())
    assert "We get\n\n    3\n    ─\n    7\n\n    4\n    ─\n    3\n\n4. Next,\n    x = 1\n\n5. So ⟦19/12⟧." in page


def test_nothing_is_written_three_times(tmp_path: Path) -> None:
    """The LaTeX of an answer stands below its frame only where it differs, and no footer speaks of restrictions."""
    program = ["```python\nprint(\\frac{19}{12})\n```\n", "string"]
    with spawned_written(tmp_path, [[program, ["It is \\(\\boxed{54}\\).", "end"]]], "repl", "--mode", "tir") as child:
        child.expect(PROMPT)
        shown = ask(child, "p")
        assert "│ 54       │" in shown
        assert "54" not in [line.strip() for line in shown.splitlines()]
        assert "→ 19/12" in shown
        assert "restrict" not in shown


def test_set_render_and_dumb_terminals_have_no_frame(tmp_path: Path) -> None:
    """`/set render line` holds from the next answer on; TERM=dumb from the first, with no escape sequence."""
    with spawned_written(tmp_path, [FORMULAS, FORMULAS], "repl", "--mode", "cot") as child:
        child.expect(PROMPT)
        assert "╭─ answer ─╮" in ask(child, "p")
        assert "render = line" in ask(child, "/set render line")
        shown = ask(child, "p")
        assert "answer: 19/12" in shown
        assert not re.search("[\u2500-\u257f⟦⟧]", shown)
    with spawned_written(tmp_path, [FORMULAS], "repl", "--mode", "cot", TERM="dumb") as child:
        child.expect(PROMPT)
        first = child.before
        child.send("p\r")
        child.expect("answer: 19/12")
        assert not re.search("[\x1b\u2500-\u257f⟦⟧]", first + child.before)
        child.expect(PROMPT)


def test_where_there_is_no_answer_the_session_goes_on_to_one(tmp_path: Path) -> None:
    """A hint names the commands; /continue writes words that lead to the answer; /retry is another try, and says so."""
    scripts = [NO_BOX, "3/2, 1}\\).", "Else \\(\\boxed{7}\\)."]
    with spawned_written(tmp_path, scripts, "repl", "--mode", "cot") as child:
        child.expect(PROMPT)
        shown = " ".join(ask(child, "p").split())
        assert "stopped without a boxed answer" in shown
        for command in ("/continue", "/retry", "/k 4"):
            assert command in shown
        assert "│ 3/2, 1" in ask(child, "/continue")
        shown = " ".join(ask(child, "/retry").split())
        assert "another try, at temperature 0.7 with seed 1" in shown
        assert "│ 7" in shown


def test_a_formula_that_was_cut_off_is_drawn_whole(tmp_path: Path) -> None:
    """/continue begins with the paragraph that holds it."""
    with spawned_written(tmp_path, [CUT, "{2} \\) and get \\(\\boxed{1}\\)."], "repl", "--mode", "cot") as child:
        child.expect(PROMPT)
        assert "/set max_tokens" in ask(child, "p")
        shown = ask(child, "/continue")
        assert "Therefore we can substitute x = 1/2 and get ⟦1⟧." in " ".join(shown.split())
        assert "\\" not in shown


def test_commands_check_what_they_are_given(tmp_path: Path) -> None:
    """As the options do, and in the words of a session; the model stays what it was."""
    with spawned_written(tmp_path, [], "repl") as child:
        child.expect(PROMPT)
        for typed, said in (
            ("/model nosuch", "there is no model 'nosuch'"),
            ("/k 99", "from 1 to 64"),
            ("/set temperature warm", "the value is a number"),
            ("/set render loud", "one of auto, line, ascii, off"),
        ):
            shown = ask(child, typed)
            assert "error: " in shown
            assert said in " ".join(shown.split())
            assert "QMATH_" not in shown
        assert "*  demo:q8_0" in ask(child, "/model")
        assert "k = 1" in ask(child, "/k")


def test_the_help_and_what_comes_before_it_fit_a_window(tmp_path: Path) -> None:
    """24 rows of 80 columns hold the prompt, /help and the next prompt; at 40 columns no line is cut."""
    for columns, rows in ((80, 24), (40, 40)):
        with spawned_written(tmp_path, [], "repl", columns=columns) as child:
            child.expect(PROMPT)
            lines = ask(child, "/help").splitlines()
            assert len(lines) + 2 <= rows
            assert max(map(len, lines)) <= columns


def test_a_model_alone_starts_a_session(tmp_path: Path) -> None:
    """`qmath -m MODEL` on a terminal."""
    with spawned_written(tmp_path, ["It is \\(\\boxed{7}\\)."], "-m", "demo:q4_k_m", "--mode", "cot") as child:
        child.expect(PROMPT)
        assert readable(child.before).startswith("qmath: demo:q4_k_m, mode cot")
        assert "│ 7" in ask(child, "p")
        child.send("\x04")
        assert end_of(child) == (0, None)


def test_votes_are_drawn(tmp_path: Path) -> None:
    """With several samples, and in /votes."""
    scripts: list[Any] = ["So \\(\\boxed{\\frac{19}{12}}\\)."] * 3
    with spawned_written(tmp_path, scripts, "repl", "--mode", "cot", "-k", "3") as child:
        child.expect(PROMPT)
        assert "3/3  19/12" in ask(child, "p")
        shown = ask(child, "/votes")
        assert "3/3  19/12" in shown
        assert "\\frac" not in shown

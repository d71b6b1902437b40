"""`qmath solve` in real terminals: widths, colours, alphabets; and the screen of tmux."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from wcwidth import wcswidth

pexpect = pytest.importorskip("pexpect")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals exist on POSIX only", allow_module_level=True)

from tests.terminal.repl.terminal_session import end_of, environment, readable, spawned  # noqa: E402  after the skip

ROOTS = "Find the roots of x^2 - 5x + 6 = 0."
FRACTIONS = "How much is 24/20 + 32/23?"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all tests, so that the preflight runs once."""
    return tmp_path_factory.mktemp("home")


def screen_of(home: Path, *arguments: str, columns: int = 80, **more: str) -> tuple[str, int | None]:
    """Everything that a run wrote to its terminal, and its exit code."""
    with spawned(home, *arguments, columns=columns, **more) as child:
        code, _ = end_of(child)
        return child.before, code


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_drawings_fit_the_width(home: Path, columns: int) -> None:
    """No line of a drawing or a frame is wider than the terminal; the answer's source is below the frame."""
    text, code = screen_of(home, "solve", FRACTIONS, columns=columns)
    lines = readable(text).splitlines()
    assert code == 0
    drawn = [line for line in lines if re.match(r"\s*[│╭╰─┌└]", line)]
    assert drawn
    assert max(wcswidth(line) for line in drawn) <= columns
    assert r"\frac{298}{115}" in lines


def test_no_color_has_no_colours(home: Path) -> None:
    """With any value of NO_COLOR; the status line, which is drawn over, has none either."""
    text, _ = screen_of(home, "solve", ROOTS, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*m", text)
    assert "╭─ answer" in text


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_dumb_terminal_gets_plain_lines(home: Path, term: str) -> None:
    """No escape sequence, no frame, no second dimension: what a screen reader reads."""
    text, code = screen_of(home, "solve", FRACTIONS, TERM=term)
    lines = text.replace("\r", "").splitlines()
    assert code == 0
    assert "answer: 298/115" in lines
    assert not re.search("[\x1b\u2500-\u257f⟦⟧\\\\]", text)


def test_a_line_for_a_formula_is_a_line_for_the_answer(home: Path) -> None:
    """`--render line` on a capable terminal: colours, and no frame."""
    text, _ = screen_of(home, "solve", FRACTIONS, "--render", "line")
    assert "answer: 298/115" in readable(text).splitlines()
    assert "\x1b[" in text
    assert not re.search("[\u2500-\u257f]", text)


def test_a_program_to_be_approved_is_shown_once(home: Path) -> None:
    """As the model wrote it, whole, above the question; where it is not streamed, it is shown with the question."""
    for arguments, times in ([], 1), (["-a"], 1):
        with spawned(home, "solve", "--approve", *arguments, FRACTIONS) as child:
            child.expect(r"run this program\? \[y/N\] ")
            assert readable(child.before).count("print(latex(") == times
            child.send("y\r")
            assert end_of(child) == (0, None)
            assert "298" in child.before
            assert "print(latex(" not in child.before


def test_the_c_locale_gets_ascii(home: Path) -> None:
    """LANG=C: frames, signs and arrows in ASCII."""
    text, code = screen_of(home, "solve", ROOTS, LANG="C")
    assert code == 0
    assert readable(text).isascii()
    assert "+- answer" in text


def test_render_off_is_the_source(home: Path) -> None:
    """A terminal gets what a pipe gets."""
    text, _ = screen_of(home, "solve", ROOTS, "--render", "off")
    assert r"\boxed{2, 3}" in text
    assert "```python" in text


def test_a_chinese_problem_keeps_its_frame(home: Path) -> None:
    """Characters of double width count as two columns."""
    text, code = screen_of(home, "solve", "求 4 + 7858 的值")
    lines = readable(text).splitlines()
    assert code == 0
    assert re.search("[\u4e00-\u9fff]{2}", text)
    assert len({wcswidth(line) for line in lines if re.match("[│╭╰]", line)}) == 1


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_in_tmux_the_screen_shows_the_answer(home: Path, columns: int) -> None:
    """In a terminal emulator the frame is whole and nothing is overwritten."""
    server = ["tmux", "-L", f"qmath-{home.name}-{columns}"]
    command = shlex.join([sys.executable, "-m", "qmath_cli", "solve", ROOTS])
    kept = {name: value for name, value in environment(home).items() if name not in {"TERM", "TMUX"}}
    size = ["-x", str(columns), "-y", "50"]
    subprocess.run(
        [*server, "-f", "/dev/null", "-u", "new-session", "-d", *size, f"{command}; echo ended; sleep 60"],
        env={**kept, "TERM": "xterm"},
        check=True,
    )
    try:
        screen = ""
        deadline = time.monotonic() + 60
        while "ended" not in screen and time.monotonic() < deadline:
            time.sleep(0.2)
            done = subprocess.run([*server, "capture-pane", "-p"], capture_output=True, text=True, check=True)
            screen = done.stdout
        lines = screen.splitlines()
        top = lines.index("╭─ answer ─╮")
        assert lines[top + 1 : top + 3] == ["│ 2, 3     │", "╰──────────╯"]
        assert lines.count("2, 3") == 0  # LaTeX that is what the frame shows is not written again
    finally:
        subprocess.run([*server, "kill-server"], check=False)

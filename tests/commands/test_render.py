"""`qmath render`: any text as the terminal draws it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.run import COMMAND, environment

FRACTION = ["    19", "    ──", "    12"]


def drawn(tmp_path: Path, text: str | bytes, *arguments: str, **environ: str) -> str:
    """What the command draws of a text from standard input."""
    raw = text if isinstance(text, bytes) else text.encode()
    env = {**environment(tmp_path), "LC_ALL": "C.UTF-8", "COLUMNS": "80", **environ}
    done = subprocess.run([*COMMAND, "render", *arguments], input=raw, capture_output=True, env=env, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


@pytest.mark.parametrize(
    "formula", [r"\[ \frac{19}{12} \]", r"$$\frac{19}{12}$$", r"\frac{19}{12}", "\\frac{19}\n{12}\n"]
)
def test_a_formula_is_drawn_with_delimiters_and_alone(tmp_path: Path, formula: str) -> None:
    """On a pipe too."""
    assert drawn(tmp_path, formula).split("\n")[:3] == FRACTION


@pytest.mark.parametrize(
    "text", ["snake_case stays", "C:\\alpha\\beta is a path", "two^words here", "plain words\n", "a\n\nb^2\n", "3 + 4"]
)
def test_prose_is_no_formula(tmp_path: Path, text: str) -> None:
    """Its words and lines stay."""
    assert drawn(tmp_path, text).split() == text.split()


def test_a_text_keeps_its_words_beside_the_formulas(tmp_path: Path) -> None:
    """Inline mathematics on its line, Markdown without its marks, in every alphabet."""
    text = "## So\nLet $x = \\sqrt{2}$, **then** `y`.\n"
    assert drawn(tmp_path, text).split() == ["So", "Let", "x", "=", "√2,", "then", "`y`."]
    assert "sqrt(2)" in drawn(tmp_path, text, "--render", "ascii")
    assert drawn(tmp_path, text, "--render", "off") == text


def test_a_file_in_any_encoding_is_drawn(tmp_path: Path) -> None:
    """Named, or from standard input as `-`."""
    path = tmp_path / "zh.md"
    path.write_bytes("求 $x^2$ 的值。".encode("utf-16"))
    assert drawn(tmp_path, "", str(path)).strip() == "求 x² 的值。"
    assert drawn(tmp_path, path.read_bytes(), "-").strip() == "求 x² 的值。"


def test_escape_sequences_of_a_text_do_not_reach_the_terminal(tmp_path: Path) -> None:
    """Drawn or not."""
    for how in ("auto", "off"):
        assert "\x1b" not in drawn(tmp_path, "a \x1b[31mred\x1b[0m $x$ \\[ \x1b]0;t\x07 y \\]", "--render", how)


def test_nothing_to_draw_is_a_usage_error(tmp_path: Path) -> None:
    """On a terminal without a file, and for a file that is not there."""
    leader, follower = os.openpty()
    done = subprocess.run(
        [*COMMAND, "render"], stdin=follower, capture_output=True, env=environment(tmp_path), timeout=60
    )
    os.close(leader)
    os.close(follower)
    assert done.returncode == 2
    assert subprocess.run([*COMMAND, "render", "none.md"], capture_output=True, cwd=tmp_path).returncode == 2

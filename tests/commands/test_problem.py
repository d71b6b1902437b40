"""Where a problem comes from, and in which encodings it is read."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from qmath_cli.commands import problem
from qmath_cli.errors import UsageError
from qmath_cli.records import Language

CHINESE = "求方程 x² - 5x + 6 ≤ 0 的解，\n其中一个数是 3。"
ENGLISH = "Find x: x^2 = 4"
EATEN = "The price is  and 0"


def from_bytes(raw: bytes, tmp_path: Path) -> problem.GivenProblem:
    """The problem of a file with these bytes."""
    file = tmp_path / "problem.txt"
    file.write_bytes(raw)
    return problem.read([], file, None)


@pytest.mark.parametrize("text", [CHINESE, ENGLISH])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "gb18030"])
def test_a_file_is_read_in_its_encoding(text: str, encoding: str, tmp_path: Path) -> None:
    """What the editors and shells of Windows write is read like UTF-8."""
    assert from_bytes(text.encode(encoding), tmp_path).problem.text == text


def test_both_orders_of_utf_16_have_their_mark(tmp_path: Path) -> None:
    """Big-endian text with a mark, and the line ends of Windows."""
    raw = b"\xfe\xff" + CHINESE.replace("\n", "\r\n").encode("utf-16-be")
    assert from_bytes(raw, tmp_path).problem.text == CHINESE


def test_a_guessed_encoding_is_said(tmp_path: Path) -> None:
    """Nothing in the file says that it is GB18030, so the reader is told; a marked or a UTF-8 file needs no word."""
    assert "GB18030" in str(from_bytes(CHINESE.encode("gb18030"), tmp_path).warning)
    assert "UTF-16" in str(from_bytes(ENGLISH.encode("utf-16-le"), tmp_path).warning)
    assert from_bytes(CHINESE.encode("utf-16"), tmp_path).warning is None
    assert from_bytes(CHINESE.encode(), tmp_path).warning is None


@pytest.mark.parametrize(
    ("text", "encoding", "byte"),
    [
        ("Größe 5", "latin-1", "byte 2 is 0xf6"),
        ("It is 20°C; naïve", "cp1252", "byte 8 is 0xb0"),
        ("Сколько будет 2+2", "cp1251", "byte 0 is 0xd1"),
        ("x の値を求める", "shift_jis", "byte 2 is 0x82"),
        ("x の値を求める", "euc_jp", "byte 2 is 0xa4"),
    ],
)
def test_another_encoding_is_refused_with_the_fix(text: str, encoding: str, byte: str, tmp_path: Path) -> None:
    """Not read as something else: the byte is named, and how to save the file."""
    with pytest.raises(UsageError, match=byte) as refused:
        from_bytes(text.encode(encoding), tmp_path)
    assert "UTF-8" in refused.value.hint


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    """UTF-16 with a mark that ends in the middle of a character, and zeros that are no UTF-16."""
    with pytest.raises(UsageError, match="UTF-16 text: byte 32"):
        from_bytes(ENGLISH.encode("utf-16")[:-1] + b"\0x", tmp_path)
    with pytest.raises(UsageError, match="NUL"):
        from_bytes(b"x\0\0y = 3", tmp_path)


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """PowerShell and Chinese Windows write these to a pipe."""
    for encoding in ("utf-16", "gb18030"):
        stdin = SimpleNamespace(closed=False, isatty=lambda: False, buffer=io.BytesIO(CHINESE.encode(encoding)))
        monkeypatch.setattr(sys, "stdin", stdin)
        given = problem.read(["-"], None, None)
        assert (given.problem.text, given.problem.language) == (CHINESE, Language.ZH)


def test_an_argument_in_another_encoding_is_read_like_a_file() -> None:
    """A terminal that sends GB18030 to a program whose locale is UTF-8."""
    assert problem.read([os.fsdecode(CHINESE.encode("gb18030"))], None, None).problem.text == CHINESE


def test_only_an_argument_can_have_met_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same text warns as an argument, not from a file or from standard input."""
    stdin = SimpleNamespace(closed=False, isatty=lambda: False, buffer=io.BytesIO(EATEN.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert "single quotes" in str(problem.read([EATEN], None, None).warning)
    assert problem.read(["-"], None, None).warning is None
    assert from_bytes(EATEN.encode(), tmp_path).warning is None


def test_a_problem_of_which_nothing_is_left_names_the_shell() -> None:
    """`qmath solve "$x"` arrives empty."""
    with pytest.raises(UsageError, match="empty") as refused:
        problem.read([""], None, None)
    assert "double quotes" in refused.value.hint


def test_solve_says_so_before_it_starts(tmp_path: Path) -> None:
    """The warning of a real command stands on stderr, and `-q` leaves it out."""
    command = [sys.executable, "-m", "qmath_cli", "solve", EATEN, "-m", "demo", "--show-prompt"]
    home = {**os.environ, "QMATH_HOME": str(tmp_path)}
    loud = subprocess.run(command, capture_output=True, text=True, env=home, check=True)
    quiet = subprocess.run([*command, "-q"], capture_output=True, text=True, env=home, check=True)
    assert "the shell seems to have changed the problem (The price is  and 0)" in loud.stderr
    assert quiet.stderr == ""

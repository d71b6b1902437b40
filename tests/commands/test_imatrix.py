"""`qmath imatrix` with the demo model, and what a conversion makes of its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.run import qmath
from tests.terminal.schemas import validate

TEXT = "We solve the equation with sympy. The roots are 2 and 3, and their sum is 5. " * 40


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a text and the matrix of the demo model on it."""
    folder = tmp_path_factory.mktemp("imatrix")
    (folder / "text.txt").write_text(TEXT)
    done = qmath(folder, "imatrix", "demo", *arguments(folder), "--json")
    assert done.returncode == 0, done.stderr
    validate(json.loads(done.stdout))
    return folder


def arguments(home: Path) -> list[str]:
    """The text and the file."""
    return ["--text", str(home / "text.txt"), "--chunk", "128", "-o", str(home / "demo.imatrix.gguf")]


def test_a_conversion_weighs_columns_by_it(home: Path, root: Path) -> None:
    """The file records the matrix, and its bytes differ from those without one."""
    checkpoint = str(root / "convert" / "demo" / "checkpoint")
    for name, more in (("with", ["--imatrix", str(home / "demo.imatrix.gguf")]), ("without", [])):
        done = qmath(home, "convert", checkpoint, "-o", str(home / f"{name}.gguf"), "-q", "q4_k_m", *more)
        assert done.returncode == 0, done.stderr
    assert b"demo.imatrix.gguf" in (home / "with.gguf").read_bytes()
    assert (home / "with.gguf").read_bytes()[-4096:] != (home / "without.gguf").read_bytes()[-4096:]


def test_a_file_that_is_there_is_kept(home: Path) -> None:
    """Unless told otherwise."""
    done = qmath(home, "imatrix", "demo", *arguments(home))
    assert done.returncode == 2
    assert "--overwrite" in done.stderr
    assert qmath(home, "imatrix", "demo", *arguments(home), "--overwrite", "--chunks", "2").returncode == 0


def test_without_a_text_the_built_in_one_is_read(home: Path) -> None:
    """In the chat, with its control tokens; the file names it."""
    done = qmath(home, "imatrix", "demo", "-o", str(home / "own.gguf"), "--chunks", "2", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"] == "qmath-calibration-1"
    assert b"qmath-calibration-1" in (home / "own.gguf").read_bytes()

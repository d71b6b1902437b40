"""`qmath convert` as a person or a script runs it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from qmath_cli.commands.conversion import try_decoding
from qmath_cli.commands.invocation import Invocation
from qmath_cli.errors import IntegrityError
from qmath_cli.terminal.output import Terminal
from qmath_convert.pipeline import Written
from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    command = [sys.executable, "-m", "qmath_cli", "convert", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small checkpoint."""
    return checkpoints.write(tmp_path / "Qwen2.5-Math-Tiny", Recipe(layers=2))


def test_one_file_where_it_was_asked_for(folder: Path, tmp_path: Path) -> None:
    """Stdout has the result, stderr the rest; stages are named once where there is no terminal."""
    done = run(folder, "-q", "Q8_0", "-o", tmp_path / "m.gguf")
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256((tmp_path / "m.gguf").read_bytes()).hexdigest() in done.stdout
    assert done.stderr.splitlines()[:2] == ["converting", "verifying"]


def test_several_files_in_one_pass_named_after_the_model(folder: Path, tmp_path: Path) -> None:
    """`-o` names a folder then."""
    out = tmp_path / "out"
    out.mkdir()
    done = run(folder, "-q", "q4_k_m", "-q", "q8_0", "-o", out, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == "qmath.convert/1"
    assert [Path(file["path"]).name for file in found["files"]] == [
        "Qwen2.5-Math-Tiny-q4_k_m.gguf",
        "Qwen2.5-Math-Tiny-q8_0.gguf",
    ]
    for file in found["files"]:
        data = Path(file["path"]).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (file["sha256"], file["bytes"])


def test_q4_k_m_here_is_what_happens_without_options(folder: Path, tmp_path: Path) -> None:
    """The size that most people want, in the current folder."""
    assert run(folder, cwd=tmp_path).returncode == 0
    assert (tmp_path / "Qwen2.5-Math-Tiny-q4_k_m.gguf").is_file()


def test_a_file_that_is_there_is_replaced_only_on_request(folder: Path, tmp_path: Path) -> None:
    """A conversion takes minutes; a model may have taken days."""
    (tmp_path / "m.gguf").write_text("mine")
    done = run(folder, "-o", tmp_path / "m.gguf")
    assert (done.returncode, (tmp_path / "m.gguf").read_text()) == (2, "mine")
    assert "--force" in done.stderr
    assert run(folder, "-o", tmp_path / "m.gguf", "--force").returncode == 0
    assert (tmp_path / "m.gguf").read_bytes()[:4] == b"GGUF"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-q", "q9"], "Known: f32, f16"),
        (["-q", "q8_0", "-q", "f16", "-o", "a.gguf"], "not a folder"),
        (["-o", "a.bin"], "does not end in .gguf"),
    ],
)
def test_a_wrong_command_line_is_exit_2(folder: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    """And says what would be right."""
    done = run(folder, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_folder_that_is_not_there_is_one_line_and_a_hint(tmp_path: Path) -> None:
    """No traceback."""
    done = run(tmp_path / "absent")
    assert done.returncode == 7
    assert done.stderr.splitlines()[0].startswith("error: ")
    assert "Traceback" not in done.stderr


def test_the_errors_of_a_checkpoint_are_exit_7(folder: Path, tmp_path: Path) -> None:
    """Integrity, in the table of exit codes; as JSON, too."""
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-10])
    done = run(folder, "-o", tmp_path / "m.gguf", "--json")
    assert done.returncode == 7
    assert json.loads(done.stdout)["error"]["code"] == 7
    assert not list(tmp_path.glob("m.gguf*"))


def test_without_verification_the_program_says_what_it_skipped(folder: Path, tmp_path: Path) -> None:
    """One line."""
    done = run(folder, "-o", tmp_path / "m.gguf", "--no-verify")
    assert done.returncode == 0
    assert "not verified" in done.stderr


def test_the_help_does_not_pay_for_the_conversion() -> None:
    """Neither numpy nor gguf is imported to print it."""
    command = [sys.executable, "-X", "importtime", "-m", "qmath_cli", "convert", "--help"]
    done = subprocess.run(command, capture_output=True, text=True)
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not {"numpy", "gguf", "llama_cpp"} & imported


def test_a_file_that_llama_cpp_cannot_run_is_an_error(tmp_path: Path) -> None:
    """The trial decode happens in a child process, on the file as it is."""
    to_gguf(checkpoints.write(tmp_path / "m", Recipe(layers=2)), tmp_path / "m.gguf", Quant.Q8_0)
    here = Invocation(Terminal.standard())
    written = Written(tmp_path / "m.gguf", Quant.Q8_0, 0, "", {})
    try_decoding(here, [written])
    sound = (tmp_path / "m.gguf").read_bytes()
    (tmp_path / "m.gguf").write_bytes(sound.replace(b"qwen2.block_count", b"qwen2.clock_bount"))
    with pytest.raises(IntegrityError, match="cannot run"):
        try_decoding(here, [written])

"""The command `qmath convert`, in a separate process."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from qmath_cli.errors import IntegrityError
from qmath_cli.models import lockfile
from qmath_cli.paths import find
from qmath_cli.runtime.conversion import try_decoding
from qmath_convert.pipeline import Written
from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program in a separate process."""
    command = [sys.executable, "-m", "qmath_cli", "convert", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small checkpoint."""
    return checkpoints.write(tmp_path / "Qwen2.5-Math-Tiny", Recipe(layers=2))


def test_one_file_at_the_given_path(folder: Path, tmp_path: Path) -> None:
    """The result is on stdout, all else on stderr. Without a terminal each stage is one line."""
    done = run(folder, "-q", "Q8_0", "-o", tmp_path / "m.gguf")
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256((tmp_path / "m.gguf").read_bytes()).hexdigest() in done.stdout
    assert done.stderr.splitlines()[:2] == ["converting", "verifying"]


def test_several_files_in_one_pass_named_after_the_model(folder: Path, tmp_path: Path) -> None:
    """`-o` is a folder then."""
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


def test_without_options_it_is_q4_k_m_in_the_current_folder(folder: Path, tmp_path: Path) -> None:
    """The default quantization, and a name from the checkpoint's."""
    assert run(folder, cwd=tmp_path).returncode == 0
    assert (tmp_path / "Qwen2.5-Math-Tiny-q4_k_m.gguf").is_file()


def test_an_existing_file_is_replaced_only_with_force(folder: Path, tmp_path: Path) -> None:
    """Otherwise it is an error, and the file is unchanged."""
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
    """The error names the valid choices."""
    done = run(folder, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_folder_that_is_not_there_is_one_line_and_a_hint(tmp_path: Path) -> None:
    """There is no traceback."""
    done = run(tmp_path / "absent")
    assert done.returncode == 7
    assert done.stderr.splitlines()[0].startswith("error: ")
    assert "Traceback" not in done.stderr


def test_the_errors_of_a_checkpoint_are_exit_7(folder: Path, tmp_path: Path) -> None:
    """The exit code for integrity errors, with --json too."""
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-10])
    done = run(folder, "-o", tmp_path / "m.gguf", "--json")
    assert done.returncode == 7
    assert json.loads(done.stdout)["error"]["code"] == 7
    assert not list(tmp_path.glob("m.gguf*"))


def test_without_verification_the_output_says_so(folder: Path, tmp_path: Path) -> None:
    """One line on stderr."""
    done = run(folder, "-o", tmp_path / "m.gguf", "--no-verify")
    assert done.returncode == 0
    assert "not verified" in done.stderr


def test_the_help_does_not_import_the_converters_libraries() -> None:
    """Neither numpy nor gguf nor llama_cpp is imported."""
    command = [sys.executable, "-X", "importtime", "-m", "qmath_cli", "convert", "--help"]
    done = subprocess.run(command, capture_output=True, text=True)
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not {"numpy", "gguf", "llama_cpp"} & imported


def test_a_file_that_llama_cpp_cannot_run_is_an_error(tmp_path: Path) -> None:
    """The trial decode runs in a child process, on the written file."""
    to_gguf(checkpoints.write(tmp_path / "m", Recipe(layers=2)), tmp_path / "m.gguf", Quant.Q8_0)
    paths, lock = find({"QMATH_HOME": str(tmp_path / "home")}), lockfile.load()
    written, notes = Written(tmp_path / "m.gguf", Quant.Q8_0, 0, "", {}), []
    try_decoding([written], paths, lock, notes.append)
    assert notes == []
    sound = (tmp_path / "m.gguf").read_bytes()
    (tmp_path / "m.gguf").write_bytes(sound.replace(b"qwen2.block_count", b"qwen2.clock_bount"))
    with pytest.raises(IntegrityError, match="cannot run"):
        try_decoding([written], paths, lock, notes.append)

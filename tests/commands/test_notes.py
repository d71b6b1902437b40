"""What commands say on stderr of a model by others, and of the device."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qmath_cli.app import run
from qmath_cli.engine.llama import devices
from qmath_cli.errors import ExitCode
from tests.gguf_file.made import split_model
from tests.models.small_models import rewritten

QUESTION = "What is 12% of 450?"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """One home for all tests, so that the build is tried once."""
    monkeypatch.setenv("QMATH_HOME", str(home))
    if [device for device in devices.devices() if device.offloads]:
        pytest.skip("this machine has a GPU")


@pytest.fixture(scope="module")
def demo(root: Path) -> Path:
    return root / "qmath_cli" / "demo" / "demo-q8_0.gguf"


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """The demo without its pre-tokenizer and without one of ChatML's control tokens."""
    path = tmp_path_factory.mktemp("models") / "spoiled.gguf"
    return rewritten(demo, path, rename={"<|im_start|>": "<|im_begin|>"}, drop=["tokenizer.ggml.pre"])


def commands(model: Path | str) -> list[list[str]]:
    """Every command that runs a model and ends."""
    return [
        ["solve", QUESTION, "-m", str(model), "--max-tokens", "8"],
        ["eval", "demo", "--limit", "1", "-m", str(model), "--max-tokens", "8"],
        ["bench", "-m", str(model), "--prompt-tokens", "16", "--tokens", "8", "--sequences", "1", "--repeats", "1"],
    ]


@pytest.mark.parametrize("command", range(3))
def test_a_model_whose_prompts_come_out_wrong_is_told(
    capsys: pytest.CaptureFixture[str], spoiled: Path, command: int
) -> None:
    """By `solve`, `eval` and `bench`, one line for each reason."""
    run(commands(spoiled)[command])
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 2
    assert "<|im_start|>" in warnings[0]
    assert "pre-tokenizer" in warnings[1]


def test_a_stored_evaluation_warns_too(capsys: pytest.CaptureFixture[str], spoiled: Path) -> None:
    """Also where nothing is left to run."""
    for _ in range(2):
        run(commands(spoiled)[1])
        assert capsys.readouterr().err.count("pre-tokenizer") == 1


def test_the_doctor_warns_with_llama_cpps_own_words(capsys: pytest.CaptureFixture[str], spoiled: Path) -> None:
    """A warning is no problem."""
    assert run(["doctor", "-m", str(spoiled), "--json"]) == ExitCode.OK
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert "<|im_start|>" in checks["model"]["detail"]
    assert checks["vocabulary"]["status"] == "warning"
    assert "missing pre-tokenizer type" in checks["vocabulary"]["detail"]


def test_a_sound_model_is_run_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    """`-v` has nothing to add, `-q` silences even the note on the demo."""
    run([*commands("demo")[0], "-v"])
    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith(("warning", "llama.cpp"))] == []
    run([*commands("demo")[0], "-q", "--gpu-layers", "99"])
    assert "warning" not in capsys.readouterr().err


def test_verbose_adds_llama_cpps_warnings(capsys: pytest.CaptureFixture[str], spoiled: Path) -> None:
    """To those of qmath."""
    run([*commands(spoiled)[0], "-v"])
    assert "llama.cpp: " in capsys.readouterr().err


@pytest.mark.parametrize("command", range(3))
@pytest.mark.parametrize("device", ["cuda", "metal", "vulkan0"])
def test_a_device_that_does_not_exist_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], command: int, device: str
) -> None:
    """As an option of each command; never a build that does not run."""
    assert run([*commands("demo")[command], "--device", device]) == ExitCode.USAGE
    shown = capsys.readouterr().err
    assert device in shown
    assert "--device cpu" in shown
    assert "does not run" not in shown


def test_a_device_from_the_environment_is_a_usage_error_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """QMATH_DEVICE; and `doctor` names it as a problem."""
    monkeypatch.setenv("QMATH_DEVICE", "cuda")
    assert run(commands("demo")[0]) == ExitCode.USAGE
    assert "GGML_CUDA=ON" in capsys.readouterr().err
    assert run(["doctor"]) == ExitCode.UNEXPECTED


@pytest.mark.parametrize("command", range(3))
@pytest.mark.parametrize(
    ("layers", "code", "words"),
    [("99", ExitCode.OK, "nothing is offloaded"), ("all", ExitCode.USAGE, "neither auto nor a number")],
)
def test_layers_without_a_gpu_are_said(
    capsys: pytest.CaptureFixture[str], command: int, layers: str, code: ExitCode, words: str
) -> None:
    """One line; a word that is no number is refused."""
    found = run([*commands("demo")[command], "--gpu-layers", layers])
    assert found == code or (code is ExitCode.OK and found == ExitCode.NO_ANSWER)
    assert capsys.readouterr().err.count(words) == 1


@pytest.mark.parametrize("command", range(3))
def test_a_later_part_of_a_model_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: int
) -> None:
    """The hint has the first part."""
    first, second, _ = split_model(tmp_path)
    assert run(commands(second)[command]) == ExitCode.USAGE
    assert str(first) in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"GGUF\x00\x00\x00\x03" * 9])
@pytest.mark.parametrize("command", range(3))
def test_a_file_that_is_no_model_is_one_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: int, content: bytes
) -> None:
    """Exit code 7, a message and a hint, without a trace."""
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    assert run(commands(path)[command]) == ExitCode.INTEGRITY
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == ["error", "hint"]

"""The embedded models are those that the converter makes of the committed checkpoints and that models.lock lists."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from qmath_convert.recipe import Quant
from tests.convert.conversions import llama_quantize, to_gguf

CHECKPOINTS = {"demo": "checkpoint", "demo-rm": "reward-checkpoint", "demo-prm": "process-checkpoint"}
EMBEDDED = [
    ("demo", "q8_0", ("demo-q8_0.gguf",)),
    ("demo", "q4_k_m", ("demo-q4_k_m.gguf",)),
    ("demo-rm", "q8_0", ("demo-rm-q8_0.gguf", "demo-rm-q8_0.head.gguf")),
    ("demo-prm", "q8_0", ("demo-prm-q8_0.gguf", "demo-prm-q8_0.head.gguf")),
]


def checkpoint(root: Path, model: str) -> Path:
    """A model's committed checkpoint."""
    folder = root / "convert" / "demo" / CHECKPOINTS[model]
    if not (folder / "model.safetensors").is_file():
        pytest.skip(f"no {folder.name} in this checkout")
    return folder


def locked(root: Path, model: str) -> dict[str, str]:
    """Path in the package -> sha256, as far as the lock has it."""
    lock = tomllib.loads((root / "models.lock").read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for entry in lock["model"]:
        for artifact in entry.get("artifact", []) if entry["name"] == model else []:
            for file in (artifact, artifact.get("head", {})):
                if "sha256" in file:
                    found[file["path"]] = file["sha256"]
    return found


@pytest.mark.parametrize(("model", "quant", "files"), EMBEDDED)
def test_the_embedded_file_is_made_again_bit_for_bit(
    root: Path, model: str, quant: str, files: tuple[str, ...], tmp_path: Path
) -> None:
    """The current converter gives the same bytes from the committed weights."""
    package = root / "qmath_cli" / "demo"
    if not (package / files[0]).is_file():
        pytest.skip(f"{files[0]} is not in this checkout")
    to_gguf(checkpoint(root, model), tmp_path / files[0], quant)
    for file in files:
        digest = hashlib.sha256((tmp_path / file).read_bytes()).hexdigest()
        assert digest == hashlib.sha256((package / file).read_bytes()).hexdigest()
        assert digest == locked(root, model).get(f"demo/{file}", digest)


@pytest.mark.parametrize("quant", [Quant.Q8_0, Quant.Q4_K_M])
def test_llama_cpp_makes_the_same_file_of_the_demo(root: Path, quant: Quant, llama: Any, tmp_path: Path) -> None:
    """The weights of a trained model, which are distributed differently from random ones."""
    to_gguf(checkpoint(root, "demo"), tmp_path / "bf16.gguf", Quant.BF16)
    to_gguf(checkpoint(root, "demo"), tmp_path / "ours.gguf", quant)
    llama_quantize(llama, tmp_path / "bf16.gguf", tmp_path / "theirs.gguf", quant)
    assert (tmp_path / "ours.gguf").read_bytes() == (tmp_path / "theirs.gguf").read_bytes()


def test_all_embedded_models_together_stay_small(root: Path) -> None:
    """Under 40 MB: they are in every installation."""
    assert sum(file.stat().st_size for file in (root / "qmath_cli" / "demo").glob("*.gguf")) < 40_000_000

"""Metadata and tensor names against llama.cpp's own converter, and the deliberate differences."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest

from qmath_convert.errors import UnsupportedModel
from qmath_convert.metadata import KIND_KEY
from qmath_convert.pipeline import plan
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
from tests.convert import checkpoints
from tests.convert.checkpoints import REAL, Recipe, with_real_tokenizer
from tests.convert.conversions import to_gguf


@pytest.fixture(scope="session")
def original() -> list[str]:
    """The command that runs llama.cpp's convert_hf_to_gguf.py, from the source archive of llama-cpp-python."""
    root = os.environ.get("QMATH_LLAMA_CPP_SOURCE")
    if not root:
        pytest.skip("QMATH_LLAMA_CPP_SOURCE does not name a llama.cpp source tree")
    python = os.environ.get("QMATH_TORCH_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import torch, transformers"], capture_output=True).returncode:
        pytest.skip(f"{python} has no PyTorch and transformers, which the original converter needs")
    return [python, str(Path(root) / "convert_hf_to_gguf.py")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("Qwen2.5-Math-1.5B-Instruct", REAL),
        ("Qwen2.5-Math-1.5B", REAL.but(tied=True, shards=3)),
    ],
)
def test_our_bf16_file_has_the_metadata_of_the_original_converter(
    name: str, recipe: Recipe, original: list[str], shared: Path, tmp_path: Path
) -> None:
    """Same keys, value types, values and tensors. For a local folder the one difference is our own key."""
    folder = with_real_tokenizer(tmp_path / name, recipe, shared)
    theirs, ours = tmp_path / "theirs.gguf", tmp_path / "ours.gguf"
    command = [*original, str(folder), "--outtype", "bf16", "--outfile", str(theirs)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    to_gguf(folder, ours, Quant.BF16)
    a, b = gguf.GGUFReader(theirs), gguf.GGUFReader(ours)
    assert KIND_KEY not in facts(a)
    assert {key: value for key, value in facts(b).items() if key != KIND_KEY} == facts(a)
    assert {t.name: t.tensor_type for t in b.tensors} == {t.name: t.tensor_type for t in a.tensors}
    wanted = {t.name: t.data for t in a.tensors}
    assert all(np.array_equal(t.data, wanted[t.name]) for t in b.tensors)


def facts(reader: gguf.GGUFReader) -> dict[str, object]:
    """Type and value by key."""
    return {key: (field.types, field.contents()) for key, field in reader.fields.items()}


def test_a_cache_snapshot_names_its_repository_and_commit(tmp_path: Path) -> None:
    """A snapshot's folder is named after the commit; the model is named after the repository."""
    commit = "aafeb0fc6f22cbf0eaeed126eff8be45b0360a35"
    cache = tmp_path / "models--Qwen--Qwen2.5-Math-1.5B-Instruct"
    checkpoints.write(cache / "blobs")
    snapshot = cache / "snapshots" / commit
    snapshot.mkdir(parents=True)
    for blob in (cache / "blobs").iterdir():
        (snapshot / blob.name).symlink_to(Path("../../blobs") / blob.name)
    to_gguf(snapshot, tmp_path / "m.gguf", Quant.Q8_0)
    found = gguf.GGUFReader(tmp_path / "m.gguf")
    repo = "https://huggingface.co/Qwen/Qwen2.5-Math-1.5B-Instruct"
    assert text(found, "general.name") == "Qwen2.5 Math 1.5B Instruct"
    assert text(found, "general.source.url") == f"{repo}/tree/{commit}"
    assert text(found, "general.source.repo_url") == repo


def text(reader: gguf.GGUFReader, key: str) -> object:
    """A key's value, None if absent."""
    field = reader.get_field(key)
    return field.contents() if field else None


def test_transformers_5_writes_rope_theta_elsewhere(tmp_path: Path) -> None:
    """`rope_parameters` holds it, with a type that means plain rotary embeddings."""
    folder = checkpoints.write(tmp_path / "m")
    config = checkpoints.config(Recipe())
    del config["rope_theta"]
    checkpoints.write_json(
        folder / "config.json", config | {"rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}}
    )
    to_gguf(folder, tmp_path / "m.gguf", Quant.Q8_0)
    assert text(gguf.GGUFReader(tmp_path / "m.gguf"), "qwen2.rope.freq_base") == 5e5


def test_another_splitting_pattern_is_unsupported(tmp_path: Path) -> None:
    """Such a file would make llama.cpp split text by Qwen2's pattern, which is not the vocabulary's."""
    folder = checkpoints.write(tmp_path / "m")
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace("\\\\p{N}|", "\\\\p{N}{1,3}|"))
    with pytest.raises(UnsupportedModel, match="split text"):
        plan(LocalFolder(folder), {tmp_path / "m.gguf": Quant.Q8_0})

"""Folders and files that look like a checkpoint: the sentence says what they are and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.errors import ModelMissing
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.paths import find
from qmath_convert.errors import ConvertError
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 3087467144\n"
PAGE = b"<!DOCTYPE html><html><head><title>Entry not found</title></head></html>"


def edit_names(folder: Path, change: Callable[[str], str]) -> None:
    """Rename the tensors."""
    header, data = checkpoints.split((folder / SINGLE).read_bytes())
    renamed = {name if name == "__metadata__" else change(name): entry for name, entry in header.items()}
    (folder / SINGLE).write_bytes(checkpoints.with_header(renamed, data))


def set_config(folder: Path, **changes: object) -> None:
    """Change config.json."""
    path = folder / "config.json"
    checkpoints.write_json(path, json.loads(path.read_text()) | changes)


def only(folder: Path, *files: str, config: bool = True) -> None:
    """Replace the weights by other files."""
    (folder / SINGLE).unlink()
    if not config:
        (folder / "config.json").unlink()
    for name in files:
        (folder / name).write_bytes(b"{}")


def empty_tensor(folder: Path) -> None:
    """As ZeRO-3 saves a tensor that is not gathered."""
    header, data = checkpoints.split((folder / SINGLE).read_bytes())
    header["model.norm.weight"] |= {"shape": [0], "data_offsets": [0, 0]}
    (folder / SINGLE).write_bytes(checkpoints.with_header(header, data))


CASES: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "LoRA adapter": (
        lambda f: only(f, "adapter_config.json", "adapter_model.safetensors", config=False),
        "LoRA adapter", "merge_and_unload",
    ),
    "LoRA adapter in PyTorch's format": (
        lambda f: only(f, "adapter_config.json", "adapter_model.bin"), "LoRA adapter", "merge_and_unload",
    ),
    "LoRA weights inside": (
        lambda f: edit_names(f, lambda n: n.replace(".q_proj.weight", ".q_proj.lora_A.default.weight")),
        "LoRA adapter", "merge_and_unload",
    ),
    "PEFT prefix": (lambda f: edit_names(f, lambda n: f"base_model.model.{n}"), "prefix `base_model.model.`", "Save"),
    "DataParallel prefix": (lambda f: edit_names(f, lambda n: f"module.{n}"), "prefix `module.`", "Save"),
    "compiled": (lambda f: edit_names(f, lambda n: f"_orig_mod.{n}"), "prefix `_orig_mod.`", "Save"),
    "language part": (lambda f: edit_names(f, lambda n: f"language_model.{n}"), "prefix `language_model.`", "Save"),
    "newer language part": (
        lambda f: edit_names(f, lambda n: n.replace("model.", "model.language_model.")),
        "prefix `model.language_model.`", "Save",
    ),
    "inner model": (
        lambda f: edit_names(f, lambda n: n.removeprefix("model.")), "lack the prefix `model.`", "AutoModelForCausalLM",
    ),
    "PyTorch": (lambda f: only(f, "pytorch_model.bin"), "PyTorch's own format", "save_pretrained"),
    "PyTorch in parts": (
        lambda f: only(f, "pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json"),
        "PyTorch's own format", "save_pretrained",
    ),
    "consolidated": (lambda f: only(f, "consolidated.00.pth", config=False), "PyTorch's own format", "save_pretrained"),
    "TensorFlow": (lambda f: only(f, "tf_model.h5"), "another program's format", "safetensors"),
    "Flax": (lambda f: only(f, "flax_model.msgpack"), "another program's format", "safetensors"),
    "GGUF": (lambda f: only(f, "model-q4_k_m.gguf", config=False), "GGUF already", "qmath add"),
    "other name": (lambda f: (f / SINGLE).rename(f / "weights.safetensors"), "but weights.safetensors", "whole"),
    "GPTQ": (lambda f: set_config(f, quantization_config={"quant_method": "gptq", "bits": 4}), "GPTQ", "original"),
    "AWQ": (lambda f: set_config(f, quantization_config={"quant_method": "awq"}), "AWQ", "original"),
    "bitsandbytes": (lambda f: set_config(f, quantization_config={"load_in_4bit": True}), "quantized", "original"),
    "MLX": (lambda f: set_config(f, quantization={"group_size": 64, "bits": 4}), "quantized", "original"),
    "quantized without a word": (
        lambda f: edit_names(f, lambda n: n.replace("q_proj.weight", "q_proj.qweight")), "quantized", "original",
    ),
    "ZeRO-3": (empty_tensor, "is empty", "zero_to_fp32"),
    "LFS pointer for weights": (lambda f: (f / SINGLE).write_bytes(LFS), "Git LFS pointer", "git lfs pull"),
    "LFS pointer for the tokenizer": (
        lambda f: (f / "tokenizer.json").write_bytes(LFS), "Git LFS pointer", "git lfs pull",
    ),
    "LFS pointer for the config": (lambda f: (f / "config.json").write_bytes(LFS), "Git LFS pointer", "git lfs pull"),
    "web page for weights": (lambda f: (f / SINGLE).write_bytes(PAGE), "web page", "/resolve/"),
    "web page for the config": (lambda f: (f / "config.json").write_bytes(b"\n" + PAGE), "web page", "/resolve/"),
    "a shard of a series": (
        lambda f: (f / SINGLE).rename(f / "model-00001-of-00002.safetensors"),
        "model-00002-of-00002.safetensors is missing, and so is", "your own",
    ),
    "truncated": (lambda f: (f / SINGLE).write_bytes((f / SINGLE).read_bytes()[:-9]), "header describes", "your own"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_sentence_says_what_it_is_and_what_to_do(case: str, tmp_path: Path) -> None:
    """In a conversion, and where the folder is named as a model."""
    change, message, hint = CASES[case]
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=1))
    change(folder)
    with pytest.raises(ConvertError) as caught:
        to_gguf(folder, tmp_path / "m.gguf", Quant.Q8_0)
    assert message in caught.value.message
    assert hint in caught.value.hint
    if "tokenizer" not in case:
        with pytest.raises(ModelMissing) as missing:
            describe(str(folder), find({"QMATH_HOME": str(tmp_path / "home")}), lockfile.load())
        assert message in missing.value.message
        assert hint in missing.value.hint


def test_a_checkpoint_named_as_a_model_comes_with_the_command_that_converts_it(tmp_path: Path) -> None:
    """It only has no name yet."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=1))
    with pytest.raises(ModelMissing, match="is a checkpoint") as caught:
        describe(str(folder), find({"QMATH_HOME": str(tmp_path / "home")}), lockfile.load())
    assert f"qmath add NAME {folder}" in caught.value.hint


def test_a_folder_that_is_called_like_a_model_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkout has a folder `demo`, too."""
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert describe("demo", find({"QMATH_HOME": str(tmp_path / "home")}), lockfile.load()).embedded


@pytest.mark.parametrize("level", ["repository", "snapshots", "cache", "empty repository", "training"])
def test_a_folder_above_the_checkpoint_is_named_as_what_it_is(level: str, tmp_path: Path) -> None:
    """The hint is the folder that was meant."""
    repository = tmp_path / "hub" / "models--Qwen--Qwen2.5-Math-1.5B"
    snapshot = checkpoints.write(repository / "snapshots" / ("a" * 40), Recipe(layers=1))
    given = {"repository": repository, "snapshots": snapshot.parent, "cache": tmp_path / "hub"}.get(level)
    wanted = str(snapshot)
    if level == "cache":
        wanted = str(repository / "snapshots")
    elif level == "empty repository":
        (snapshot / "config.json").unlink()
        given, wanted = repository, "ownload"
    elif level == "training":
        given = tmp_path / "run"
        wanted = str(checkpoints.write(given / "checkpoint-500", Recipe(layers=1)))
    with pytest.raises(ConvertError, match=r"Hugging Face cache|holds checkpoints") as caught:
        LocalFolder(given)
    assert wanted in caught.value.hint


@pytest.mark.parametrize("shards", [2, 3])
def test_a_numbered_series_without_an_index_is_converted(shards: int, tmp_path: Path) -> None:
    """To the same bytes as with the index: every shard says what it holds."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=1, shards=shards))
    to_gguf(folder, tmp_path / "with.gguf", Quant.Q4_K_M)
    (folder / INDEX).unlink()
    to_gguf(folder, tmp_path / "without.gguf", Quant.Q4_K_M)
    assert (tmp_path / "with.gguf").read_bytes() == (tmp_path / "without.gguf").read_bytes()


def test_one_numbered_shard_is_converted(tmp_path: Path) -> None:
    """As save_pretrained writes it where a size was given."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=1))
    (folder / SINGLE).rename(folder / "model-00001-of-00001.safetensors")
    to_gguf(folder, tmp_path / "m.gguf", Quant.Q8_0)


def test_a_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    """Nothing says which one is meant."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=1, shards=2))
    (folder / INDEX).unlink()
    first = (folder / "model-00001-of-00002.safetensors").read_bytes()
    (folder / "model-00002-of-00002.safetensors").write_bytes(first)
    with pytest.raises(ConvertError, match=r"is in model-00001-of-00002\.safetensors and in"):
        to_gguf(folder, tmp_path / "m.gguf", Quant.Q8_0)

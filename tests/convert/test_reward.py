"""Reward models: an ordinary body, and a head in a separate file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np

from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import llama_quantize, to_gguf

REWARD = Recipe(reward=True)


def test_the_head_has_the_checkpoints_numbers_exactly(tmp_path: Path) -> None:
    """F32, with PyTorch's order of dimensions."""
    to_gguf(checkpoints.write(tmp_path / "rm", REWARD), tmp_path / "rm.gguf", Quant.Q4_K_M)
    head = gguf.GGUFReader(tmp_path / "rm.head.gguf")
    wanted = {name: value for name, value in checkpoints.values(REWARD).items() if name.startswith("score.")}
    found = {tensor.name: tensor.data.reshape(tensor.shape[::-1]) for tensor in head.tensors}
    assert found.keys() == wanted.keys()
    assert all(np.array_equal(found[name].reshape(wanted[name].shape), wanted[name]) for name in wanted)
    assert head.get_field("general.architecture").contents() == "qwen2-reward-head"
    assert head.get_field("qwen2-reward-head.embedding_length").contents() == REWARD.hidden


def test_the_body_has_no_output_matrix_though_the_checkpoint_has_one(llama: Any, tmp_path: Path) -> None:
    """A reward model predicts no tokens. The rest is quantized as by llama.cpp."""
    to_gguf(checkpoints.write(tmp_path / "rm", REWARD), tmp_path / "bf16.gguf", Quant.BF16)
    to_gguf(tmp_path / "rm", tmp_path / "ours.gguf", Quant.Q4_K_M)
    assert "output.weight" not in {tensor.name for tensor in gguf.GGUFReader(tmp_path / "ours.gguf").tensors}
    llama_quantize(llama, tmp_path / "bf16.gguf", tmp_path / "theirs.gguf", Quant.Q4_K_M)
    assert (tmp_path / "ours.gguf").read_bytes() == (tmp_path / "theirs.gguf").read_bytes()


def test_body_and_head_are_both_reported(tmp_path: Path) -> None:
    """Two files per quantization."""
    written = to_gguf(checkpoints.write(tmp_path / "rm", REWARD), tmp_path / "rm.gguf", Quant.Q8_0)
    assert [(file.path.name, file.quant) for file in written] == [("rm.gguf", Quant.Q8_0), ("rm.head.gguf", None)]

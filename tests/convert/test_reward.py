"""Reward models: an ordinary body, and a head in a separate file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from qmath_convert.errors import DamagedCheckpoint, UnsupportedModel
from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import llama_quantize, to_gguf

REWARD = Recipe(reward=True)
PROCESS = REWARD.but(form="Qwen2ForProcessRewardModel", epsilon=1e-05)
LINEAR = REWARD.but(form="Qwen2ForSequenceClassification")
FORMS = pytest.mark.parametrize("recipe", [REWARD, PROCESS, LINEAR], ids=["outcome", "process", "linear"])


@FORMS
def test_the_head_has_the_checkpoints_numbers_exactly(recipe: Recipe, tmp_path: Path) -> None:
    """F32, with PyTorch's order of dimensions."""
    to_gguf(checkpoints.write(tmp_path / "rm", recipe), tmp_path / "rm.gguf", Quant.Q4_K_M)
    head = gguf.GGUFReader(tmp_path / "rm.head.gguf")
    wanted = {name: value for name, value in checkpoints.values(recipe).items() if name.startswith("score.")}
    found = {tensor.name: tensor.data.reshape(tensor.shape[::-1]) for tensor in head.tensors}
    assert found.keys() == wanted.keys()
    assert all(np.array_equal(found[name].reshape(wanted[name].shape), wanted[name]) for name in wanted)
    assert head.get_field("general.architecture").contents() == "qwen2-reward-head"
    assert head.get_field("qwen2-reward-head.embedding_length").contents() == recipe.hidden
    activation = head.get_field("qwen2-reward-head.activation")
    assert activation.contents() == ("none" if recipe is LINEAR else "relu")


@FORMS
@pytest.mark.parametrize("quant", [Quant.Q4_K_M, Quant.Q8_0, Quant.Q6_K])
def test_the_body_has_no_output_matrix_though_the_checkpoint_has_one(
    recipe: Recipe, quant: Quant, llama: Any, tmp_path: Path
) -> None:
    """A reward model predicts no tokens. The rest is quantized as by llama.cpp, byte for byte."""
    to_gguf(checkpoints.write(tmp_path / "rm", recipe), tmp_path / "bf16.gguf", Quant.BF16)
    to_gguf(tmp_path / "rm", tmp_path / "ours.gguf", quant)
    assert "output.weight" not in {tensor.name for tensor in gguf.GGUFReader(tmp_path / "ours.gguf").tensors}
    llama_quantize(llama, tmp_path / "bf16.gguf", tmp_path / "theirs.gguf", quant)
    assert (tmp_path / "ours.gguf").read_bytes() == (tmp_path / "theirs.gguf").read_bytes()


def test_body_and_head_are_both_reported(tmp_path: Path) -> None:
    """Two files per quantization."""
    written = to_gguf(checkpoints.write(tmp_path / "rm", REWARD), tmp_path / "rm.gguf", Quant.Q8_0)
    assert [(file.path.name, file.quant) for file in written] == [("rm.gguf", Quant.Q8_0), ("rm.head.gguf", None)]


@pytest.mark.parametrize(("recipe", "kind"), [(REWARD, "reward"), (PROCESS, "process-reward"), (LINEAR, "reward")])
def test_the_body_says_what_its_head_scores(recipe: Recipe, kind: str, tmp_path: Path) -> None:
    """A solution, or every step of one."""
    to_gguf(checkpoints.write(tmp_path / "rm", recipe.but(layers=1)), tmp_path / "rm.gguf")
    assert gguf.GGUFReader(tmp_path / "rm.gguf").get_field("qmath.kind").contents() == kind


def test_the_epsilon_is_the_checkpoints_own(tmp_path: Path) -> None:
    """The process reward models have 1e-05, all others 1e-06."""
    to_gguf(checkpoints.write(tmp_path / "rm", PROCESS.but(layers=1)), tmp_path / "rm.gguf")
    epsilon = gguf.GGUFReader(tmp_path / "rm.gguf").get_field("qwen2.attention.layer_norm_rms_epsilon").contents()
    assert epsilon == np.float32(1e-05)


@pytest.mark.parametrize("labels", [None, {"0": "A", "1": "B"}, {}])
def test_a_classifier_with_another_number_of_labels_is_refused(labels: dict[str, str] | None, tmp_path: Path) -> None:
    """The library leaves `id2label` out where there are two."""
    folder = checkpoints.write(tmp_path / "rm", LINEAR.but(layers=1))
    config = checkpoints.config(LINEAR.but(layers=1)) | {"id2label": labels}
    checkpoints.write_json(folder / "config.json", config if labels is not None else config | {"num_labels": 2})
    with pytest.raises(UnsupportedModel, match="labels"):
        to_gguf(folder, tmp_path / "rm.gguf")


def test_a_head_of_another_form_is_no_head_of_this_model(tmp_path: Path) -> None:
    """The class in config.json calls for two rows; the checkpoint has one."""
    folder = checkpoints.write(tmp_path / "rm", REWARD.but(layers=1))
    checkpoints.write_json(folder / "config.json", checkpoints.config(PROCESS.but(layers=1)))
    with pytest.raises(DamagedCheckpoint, match=r"score\.2\.weight"):
        to_gguf(folder, tmp_path / "rm.gguf")


def test_the_mark_of_steps_is_a_control_token_whatever_the_tokenizer_says(tmp_path: Path) -> None:
    """llama.cpp finds other added tokens in any text, so that a solution could forge a mark."""
    recipe = PROCESS.but(layers=1)
    folder = checkpoints.add_mark(checkpoints.write(tmp_path / "rm", recipe), recipe, special=False)
    to_gguf(folder, tmp_path / "rm.gguf")
    types = gguf.GGUFReader(tmp_path / "rm.gguf").get_field("tokenizer.ggml.token_type").contents()
    assert types[recipe.vocab - 4] == gguf.TokenType.CONTROL

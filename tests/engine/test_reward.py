"""The reward model: the demo as its body, and a random head."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.rewards.head import Head, LinearLayer, read_head
from qmath_cli.engine.rewards.outcome import RewardModel
from qmath_cli.errors import IntegrityError, ModelMissing, PromptTooLong, UsageError
from qmath_cli.records import Prompt, Segment

HIDDEN = 256


def conversation(answer: str) -> Prompt:
    return Prompt((Segment("<|im_start|>user\n", special=True), Segment(answer), Segment("<|im_end|>\n", special=True)))


def random_head() -> Head:
    source = np.random.default_rng(5)
    shapes = [(HIDDEN, HIDDEN), (HIDDEN,), (1, HIDDEN), (1,)]
    arrays = [source.standard_normal(shape).astype(np.float32) / 8 for shape in shapes]
    return Head(LinearLayer(*arrays[:2]), LinearLayer(*arrays[2:]))


def write_head(path: Path, head: Head) -> None:
    writer = gguf.GGUFWriter(path, "qwen2-reward-head")
    layers = {"score.0": head.inner, "score.2": head.outer} if head.inner else {"score": head.outer}
    for name, layer in layers.items():
        writer.add_tensor(f"{name}.weight", layer.weight)
        if layer.bias is not None:
            writer.add_tensor(f"{name}.bias", layer.bias)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_the_head_is_two_layers_with_a_relu(tmp_path: Path) -> None:
    """The tensors of the file, applied to a hidden state, give the result of the formula."""
    head = random_head()
    write_head(tmp_path / "x.head.gguf", head)
    hidden = np.linspace(-2, 2, HIDDEN, dtype=np.float32)
    inner, outer = head.inner, head.outer
    assert inner is not None
    expected = outer.weight @ np.maximum(inner.weight @ hidden + inner.bias, 0) + outer.bias
    (found,) = read_head(tmp_path / "x.head.gguf", HIDDEN)(hidden[None])[0]
    assert found == pytest.approx(float(expected[0]), rel=1e-5)


def test_a_head_of_one_layer_is_a_plain_product(tmp_path: Path) -> None:
    """A sequence classifier with one label has no bias."""
    weight = np.random.default_rng(6).standard_normal((1, HIDDEN)).astype(np.float32)
    write_head(tmp_path / "x.head.gguf", Head(None, LinearLayer(weight)))
    rows = np.linspace(-2, 2, 3 * HIDDEN, dtype=np.float32).reshape(3, HIDDEN)
    assert np.allclose(read_head(tmp_path / "x.head.gguf", HIDDEN)(rows), rows @ weight.T, atol=1e-4)


def test_the_head_of_the_other_kind_is_named_as_what_it_is(tmp_path: Path) -> None:
    """A head that scores solutions has one output, one that scores steps has two."""
    write_head(tmp_path / "x.head.gguf", random_head())
    with pytest.raises(UsageError, match="--pick rm"):
        read_head(tmp_path / "x.head.gguf", HIDDEN, outputs=2)


def test_a_score_depends_on_the_conversation_only(model: Model) -> None:
    """Equal conversations have equal scores whatever was scored in between; different ones differ."""
    long = "We solve the equation with sympy. " * 60
    with RewardModel(model, random_head()) as reward:
        scores = [reward.score(conversation(long + end)) for end in ("42", "43", "42")]
    assert scores[0] == scores[2] != scores[1]


def test_the_last_token_is_what_is_scored(model: Model) -> None:
    """The newline after the end of the turn is part of the conversation, and its hidden state is used."""
    with RewardModel(model, random_head()) as reward:
        whole = reward.hidden_state(conversation("2 + 2 = 4"))
        without = reward.hidden_state(Prompt((*conversation("2 + 2 = 4").segments[:2], Segment("<|im_end|>", True))))
    assert whole.shape == (HIDDEN,)
    assert not np.allclose(whole, without, atol=1e-2)


def test_a_conversation_that_does_not_fit_is_an_error(model: Model) -> None:
    """It is not cut: the scored token would be lost."""
    with RewardModel(model, random_head()) as reward, pytest.raises(PromptTooLong, match="4096"):
        reward.score(conversation("12345 " * 4000))


def test_a_missing_or_wrong_head_is_an_error(tmp_path: Path, demo: Path) -> None:
    """The file is missing, is not a head, or is a head of another size."""
    with pytest.raises(ModelMissing, match="two files"):
        read_head(tmp_path / "none.head.gguf", HIDDEN)
    with pytest.raises(IntegrityError):
        read_head(demo, HIDDEN)
    write_head(tmp_path / "x.head.gguf", random_head())
    with pytest.raises(IntegrityError, match="shapes"):
        read_head(tmp_path / "x.head.gguf", 128)

"""Importance matrices of the demo model: against an independent computation, interrupted, and used by a conversion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest

from qmath_cli.engine.activations import ActivationReader
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.errors import UsageError
from qmath_cli.runtime.importance import ImportancePlan, measure
from qmath_convert.imatrix import read_importance

TEXT = b"We solve the equation with sympy. The roots are 2 and 3, and their sum is 5. " * 40


@pytest.fixture(scope="module")
def model(root: Path) -> Iterator[Model]:
    """The demo model, loaded once."""
    with load(root / "qmath_cli" / "demo" / "demo-q8_0.gguf", Options(), Preflight()) as opened:
        yield opened


def plan(model: Model, target: Path, **more: int) -> ImportancePlan:
    """Chunks of 128 tokens of the text."""
    return ImportancePlan(target, model.tokenize_plain(TEXT), "text", 128, **more)


def test_what_flows_into_the_first_layer_is_the_normed_embedding(model: Model) -> None:
    """RMSNorm of the tokens' embeddings, computed here from the file."""
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(model.path).tensors}

    def numbers(name: str) -> np.ndarray:
        return np.asarray(gguf.dequantize(tensors[name].data, tensors[name].tensor_type), np.float64)

    tokens = model.tokenize_plain(TEXT)[:128]
    embedded = numbers("token_embd.weight")[tokens]
    epsilon = gguf.GGUFReader(model.path).fields["qwen2.attention.layer_norm_rms_epsilon"].contents()
    normed = embedded / np.sqrt((embedded**2).mean(axis=1, keepdims=True) + epsilon)
    wanted = ((normed * numbers("blk.0.attn_norm.weight")) ** 2).sum(axis=0)
    with ActivationReader(model, 128) as reader:
        reader.read(tokens)
    for name in ("attn_q", "attn_k", "attn_v"):
        assert np.allclose(reader.sums[f"blk.0.{name}.weight"], wanted, rtol=1e-3)


def test_every_matrix_of_every_layer_has_its_sums(model: Model, tmp_path: Path) -> None:
    """And the file is one that the converter reads."""
    measure(model, plan(model, tmp_path / "i.gguf"), lambda _done, _total: None)
    found = read_importance(tmp_path / "i.gguf")
    names = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    wanted = {f"blk.{layer}.{name}.weight" for layer in range(model.facts.layers) for name in names}
    assert set(found.weights) == wanted
    assert (found.dataset, found.chunks) == ("text", len(model.tokenize_plain(TEXT)) // 128)
    assert [path.name for path in tmp_path.iterdir()] == ["i.gguf"]


def test_an_interrupted_measurement_goes_on_and_gives_the_same_bytes(model: Model, tmp_path: Path) -> None:
    """Whatever was interrupted; sums of another text are not taken."""
    measure(model, plan(model, tmp_path / "whole.gguf"), lambda _done, _total: None)

    def interrupt(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(model, plan(model, tmp_path / "cut.gguf"), interrupt)
    part = (tmp_path / "cut.gguf.part").read_bytes()
    assert measure(model, plan(model, tmp_path / "cut.gguf"), lambda _done, _total: None) == 3
    assert (tmp_path / "cut.gguf").read_bytes() == (tmp_path / "whole.gguf").read_bytes()
    (tmp_path / "other.gguf.part").write_bytes(part)
    other = ImportancePlan(tmp_path / "other.gguf", model.tokenize_plain(TEXT[40:]), "text", 128)
    assert measure(model, other, lambda _done, _total: None) == 0


def test_sums_that_a_kill_has_cut_are_measured_again(model: Model, tmp_path: Path) -> None:
    """As if there were none."""
    (tmp_path / "i.gguf.part").write_bytes(b"PK\x03\x04 half of it")
    assert measure(model, plan(model, tmp_path / "i.gguf", chunks=2), lambda _done, _total: None) == 0
    assert read_importance(tmp_path / "i.gguf").chunks == 2


def test_a_text_of_less_than_two_chunks_is_refused(model: Model, tmp_path: Path) -> None:
    """A matrix of a few tokens would do harm."""
    with pytest.raises(UsageError, match="two chunks"):
        measure(model, ImportancePlan(tmp_path / "i.gguf", [1] * 255, "text", 128), lambda _done, _total: None)

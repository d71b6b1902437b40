"""Bit for bit: our one pass against llama.cpp's own quantizer applied to our BF16 file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from qmath_convert.ggml import GgmlType, library
from qmath_convert.imatrix import Importance
from qmath_convert.pipeline import Options, convert, plan
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import llama_quantize, to_gguf

MODELS = {
    "untied": Recipe(layers=9, feed_forward=256),
    "tied": Recipe(layers=4, heads=8, kv_heads=2, tied=True),
    "rows of 32": Recipe(hidden=96, feed_forward=160, layers=3),
    "rows of 32, tied": Recipe(hidden=96, feed_forward=512, layers=3, tied=True),
    "rows of 8": Recipe(hidden=40, feed_forward=264, layers=2),
}


@pytest.fixture(scope="session", params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Recipe]:
    """A random checkpoint and our BF16 file of it."""
    folder = tmp_path_factory.mktemp("bits")
    recipe = MODELS[request.param]
    checkpoints.write(folder / "model", recipe)
    to_gguf(folder / "model", folder / "bf16.gguf", Quant.BF16)
    return folder / "model", folder / "bf16.gguf", recipe


@pytest.mark.parametrize("quant", Quant)
def test_every_type_gives_the_very_file_that_llama_cpp_gives(
    model: tuple[Path, Path, Recipe], quant: Quant, llama: Any, tmp_path: Path
) -> None:
    """The two files are equal: header, order, padding and data."""
    folder, bf16, _ = model
    to_gguf(folder, tmp_path / "ours.gguf", quant)
    llama_quantize(llama, bf16, tmp_path / "theirs.gguf", quant)
    assert (tmp_path / "ours.gguf").read_bytes() == (tmp_path / "theirs.gguf").read_bytes()


@pytest.mark.parametrize("quant", Quant)
def test_with_an_importance_matrix_every_tensor_is_the_one_that_llama_cpp_gives(
    model: tuple[Path, Path, Recipe], quant: Quant, llama: Any, tmp_path: Path
) -> None:
    """The data is equal. The headers differ, because llama.cpp records the matrix in its command-line tool only."""
    folder, bf16, recipe = model
    importance = random_importance(recipe)
    to_gguf(folder, tmp_path / "ours.gguf", quant, importance)
    llama_quantize(llama, bf16, tmp_path / "theirs.gguf", quant, importance.weights)
    assert tensors_of(tmp_path / "ours.gguf") == tensors_of(tmp_path / "theirs.gguf")


def test_eighty_layers_are_treated_as_the_72b_model_is(llama: Any, tmp_path: Path) -> None:
    """llama.cpp gives attn_v a larger type by the number of layers alone."""
    quant = Quant.Q4_K_M
    checkpoints.write(tmp_path / "m", Recipe(layers=80, heads=8, kv_heads=1, feed_forward=256))
    to_gguf(tmp_path / "m", tmp_path / "bf16.gguf", Quant.BF16)
    to_gguf(tmp_path / "m", tmp_path / "ours.gguf", quant)
    llama_quantize(llama, tmp_path / "bf16.gguf", tmp_path / "theirs.gguf", quant)
    assert (tmp_path / "ours.gguf").read_bytes() == (tmp_path / "theirs.gguf").read_bytes()


@pytest.mark.parametrize("dtype", ["F16", "F32"])
def test_checkpoints_of_other_types_convert_through_float32(dtype: str, llama: Any, tmp_path: Path) -> None:
    """An F32 file is exact, so llama.cpp's quantizer makes the same file from it as we make from the checkpoint."""
    checkpoints.write(tmp_path / "m", Recipe(dtype=dtype))
    to_gguf(tmp_path / "m", tmp_path / "f32.gguf", Quant.F32)
    to_gguf(tmp_path / "m", tmp_path / "ours.gguf", Quant.Q4_K_M)
    llama_quantize(llama, tmp_path / "f32.gguf", tmp_path / "theirs.gguf", Quant.Q4_K_M)
    assert (tmp_path / "ours.gguf").read_bytes() == (tmp_path / "theirs.gguf").read_bytes()


def test_threads_shards_and_other_outputs_do_not_change_a_byte(tmp_path: Path) -> None:
    """One thread or five, one file or three shards, one output or two."""
    for name, shards in (("a", 1), ("b", 3)):
        checkpoints.write(tmp_path / name / "m", Recipe(shards=shards))
        to_gguf(tmp_path / name / "m", tmp_path / f"{name}.gguf", Quant.Q4_K_M, threads=len(name) * shards)
    both = {tmp_path / "c.gguf": Quant.Q4_K_M, tmp_path / "d.gguf": Quant.Q8_0}
    convert(plan(LocalFolder(tmp_path / "a" / "m"), both), Options(threads=5))
    assert len({(tmp_path / f"{name}.gguf").read_bytes() for name in "abc"}) == 1


def test_rows_of_every_type_have_the_librarys_length() -> None:
    """The plan computes row sizes itself; they must be those of the library."""
    for kind in GgmlType:
        assert kind.row_bytes(1024) == library().row_bytes(kind, 1024), kind


def random_importance(recipe: Recipe) -> Importance:
    """Weights for all matrices but one: an entry may be missing."""
    rng = np.random.default_rng(5)
    weights = {}
    for i in range(recipe.layers):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
            columns = recipe.feed_forward if name == "ffn_down" else recipe.hidden
            weights[f"blk.{i}.{name}.weight"] = rng.random(columns, dtype=np.float32) + np.float32(0.01)
    weights["output.weight"] = rng.random(recipe.hidden, dtype=np.float32)
    del weights["blk.0.ffn_up.weight"]
    return Importance("test.imatrix.gguf", "0" * 64, weights)


def tensors_of(path: Path) -> dict[str, tuple[int, tuple[int, ...], bytes]]:
    """Type, shape and bytes of each tensor."""
    reader = gguf.GGUFReader(path)
    return {t.name: (int(t.tensor_type), tuple(t.shape.tolist()), t.data.tobytes()) for t in reader.tensors}

"""Importance matrices as llama-imatrix writes them."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from qmath_convert.errors import ConvertError, DamagedCheckpoint
from qmath_convert.imatrix import read_importance
from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf

NAME = "blk.0.attn_q.weight"


def write(path: Path, sums: dict[str, np.ndarray], counts: dict[str, float]) -> Path:
    """The format of tools/imatrix: sums and counts as tensors."""
    writer = gguf.GGUFWriter(path, "")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["maths.txt"])
    writer.add_uint32("imatrix.chunk_count", 12)
    writer.add_uint32("imatrix.chunk_size", 512)
    for name, values in sums.items():
        writer.add_tensor(f"{name}.in_sum2", values.astype(np.float32).reshape(1, -1))
        if name in counts:
            writer.add_tensor(f"{name}.counts", np.array([[counts[name]]], np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_weights_are_sums_over_counts(tmp_path: Path) -> None:
    """And 1 where the count is 0."""
    sums = np.arange(1, 257)
    other = "blk.1.attn_q.weight"
    found = read_importance(write(tmp_path / "i.gguf", {NAME: sums, other: sums}, {NAME: 4.0, other: 0.0}))
    assert np.array_equal(found.weights[NAME], sums.astype(np.float32) / 4)
    assert np.array_equal(found.weights[other], np.ones(256, np.float32))
    assert (found.dataset, found.chunks) == ("maths.txt", 12)


def test_the_file_records_the_matrix_as_llama_quantize_does(tmp_path: Path) -> None:
    """Name of the file (not its path), data set, entries and chunks."""
    importance = read_importance(write(tmp_path / "i.gguf", {NAME: np.ones(256)}, {NAME: 1.0}))
    to_gguf(checkpoints.write(tmp_path / "m"), tmp_path / "m.gguf", Quant.Q4_K_M, importance)
    fields = gguf.GGUFReader(tmp_path / "m.gguf").fields
    found = {key: field.contents() for key, field in fields.items() if key.startswith("quantize.imatrix.")}
    assert found == {
        "quantize.imatrix.file": "i.gguf",
        "quantize.imatrix.dataset": "maths.txt",
        "quantize.imatrix.entries_count": 1,
        "quantize.imatrix.chunks_count": 12,
    }


def test_a_matrix_of_another_model_is_refused(tmp_path: Path) -> None:
    """Its entries have another number of columns."""
    importance = read_importance(write(tmp_path / "i.gguf", {NAME: np.ones(128)}, {NAME: 1.0}))
    with pytest.raises(DamagedCheckpoint, match="128 weights for the 256 columns"):
        to_gguf(checkpoints.write(tmp_path / "m"), tmp_path / "m.gguf", Quant.Q4_K_M, importance)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a GGUF"), (b"GGUF" + bytes(40), "not a GGUF"), (b"PK" * 100, "not a GGUF")],
)
def test_a_file_that_is_not_a_matrix_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    """An empty file, a damaged GGUF, and another format."""
    (tmp_path / "i").write_bytes(content)
    with pytest.raises(DamagedCheckpoint, match=message):
        read_importance(tmp_path / "i")


def test_a_matrix_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The error names the problem."""
    with pytest.raises(ConvertError, match="cannot read"):
        read_importance(tmp_path / "absent")


@pytest.mark.parametrize("bad", [np.full(256, np.nan), np.full(256, np.inf)])
def test_weights_that_are_not_finite_are_refused(bad: np.ndarray, tmp_path: Path) -> None:
    """They would damage every block that they are used for."""
    with pytest.raises(DamagedCheckpoint, match="not finite"):
        read_importance(write(tmp_path / "i.gguf", {NAME: bad}, {NAME: 1.0}))


def test_a_matrix_without_counts_is_refused(tmp_path: Path) -> None:
    """Weights are sums divided by counts."""
    with pytest.raises(DamagedCheckpoint, match="no single count"):
        read_importance(write(tmp_path / "i.gguf", {NAME: np.ones(256)}, {}))


def test_importance_changes_the_result(tmp_path: Path) -> None:
    """Otherwise the comparison with llama.cpp would hold for a matrix that is not used."""
    recipe = Recipe(layers=1)
    folder = checkpoints.write(tmp_path / "m", recipe)
    weights = np.random.default_rng(1).random(256) + 0.01
    importance = read_importance(write(tmp_path / "i.gguf", {NAME: weights}, {NAME: 1.0}))
    to_gguf(folder, tmp_path / "with.gguf", Quant.Q4_K_M, importance)
    to_gguf(folder, tmp_path / "without.gguf", Quant.Q4_K_M)
    found = [
        {tensor.name: tensor.data.tobytes() for tensor in gguf.GGUFReader(tmp_path / f"{name}.gguf").tensors}
        for name in ("with", "without")
    ]
    assert {name for name in found[0] if found[0][name] != found[1][name]} == {NAME}

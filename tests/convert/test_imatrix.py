"""Importance matrices as llama-imatrix writes them."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from qmath_convert.errors import ConvertError, DamagedCheckpoint, VerificationFailed
from qmath_convert.imatrix import read_importance
from qmath_convert.pipeline import convert, plan
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf

NAME = "blk.0.attn_q.weight"


def write(path: Path, sums: dict[str, np.ndarray], counts: dict[str, float], *, empty: bool = False) -> Path:
    """The format of tools/imatrix: sums and counts as tensors; `empty`: a matrix for a tensor that no model has."""
    if empty:
        sums, counts = {"none.weight": np.ones(256)}, {"none.weight": 1.0}
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


def zeroed(count: int) -> np.ndarray:
    """Weights of which the first are zero."""
    weights = np.random.default_rng(1).random(256) + 0.01
    weights[:count] = 0
    return weights


UNUSABLE = [Quant.Q3_K_S, Quant.Q2_K, Quant.Q6_K, Quant.Q4_0, Quant.IQ4_XS, Quant.Q5_K_M, Quant.Q4_K_S, Quant.Q4_K_M]


@pytest.mark.parametrize("quant", UNUSABLE)
@pytest.mark.parametrize("zeros", [16, 32, 64, 256])
def test_a_tensor_without_weights_for_a_whole_block_is_quantized_without_any(
    quant: Quant, zeros: int, tmp_path: Path
) -> None:
    """As one that the matrix does not have, and said; where the type can do with fewer weights, it uses them."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=1))
    importance = read_importance(write(tmp_path / "i.gguf", {NAME: zeroed(zeros)}, {NAME: 1.0}))
    other = read_importance(write(tmp_path / "o.gguf", {}, {}, empty=True))
    what = plan(LocalFolder(folder), {tmp_path / "with.gguf": quant}, importance)
    convert(what)
    to_gguf(folder, tmp_path / "without.gguf", quant, other)
    same = tensor(tmp_path / "with.gguf", NAME) == tensor(tmp_path / "without.gguf", NAME)
    needed = {Quant.Q6_K: 16, Quant.Q3_K_S: 16, Quant.Q4_0: 32, Quant.IQ4_XS: 32}.get(quant, 256)
    assert same == (zeros >= needed)
    assert (len(what.notes) == 1 and NAME in what.notes[0]) == (zeros >= needed)


def tensor(path: Path, name: str) -> bytes:
    """The bytes of a tensor."""
    return next(bytes(found.data.tobytes()) for found in gguf.GGUFReader(path).tensors if found.name == name)


@pytest.mark.parametrize("quant", [*UNUSABLE, Quant.Q8_0, Quant.Q5_K_S])
@pytest.mark.parametrize("weight", [0.0, -0.0, 1e-44, 1e37])
def test_weights_that_cannot_be_computed_with_never_write_a_tensor_of_zeros(
    quant: Quant, weight: float, tmp_path: Path
) -> None:
    """Also without the verification that would find it."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=1))
    sums = {NAME: np.full(256, weight), "blk.0.ffn_down.weight": np.full(512, weight)}
    importance = read_importance(write(tmp_path / "i.gguf", sums, dict.fromkeys(sums, 1.0)))
    to_gguf(folder, tmp_path / "m.gguf", quant, importance, verify=False)
    for found in gguf.GGUFReader(tmp_path / "m.gguf").tensors:
        values = gguf.quants.dequantize(found.data, found.tensor_type)
        assert np.isfinite(values).all()
        assert np.abs(values).reshape(-1, 32).max(axis=1).min() > 0, found.name
    to_gguf(folder, tmp_path / "m.gguf", quant, importance)


@pytest.mark.parametrize("quant", [Quant.Q4_K_S, Quant.Q5_K_S])
def test_weights_that_lose_other_columns_are_blamed_on_the_matrix(quant: Quant, tmp_path: Path) -> None:
    """A few columns with small numbers have all the weight: the error names the tensor, and not the disk."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=1))
    header, data = checkpoints.split((folder / "model.safetensors").read_bytes())
    begin, end = header["model.layers.0.self_attn.q_proj.weight"]["data_offsets"]
    rows = checkpoints.decode(data[begin:end], "BF16").reshape(256, 256).copy()
    rows[:, :32] *= 1e-6
    data = data[:begin] + checkpoints.encode(rows, "BF16") + data[end:]
    (folder / "model.safetensors").write_bytes(checkpoints.with_header(header, data))
    weights = np.zeros(256)
    weights[:32] = 1
    importance = read_importance(write(tmp_path / "i.gguf", {NAME: weights}, {NAME: 1.0}))
    with pytest.raises(VerificationFailed, match=NAME) as caught:
        to_gguf(folder, tmp_path / "m.gguf", quant, importance)
    assert "importance matrix" in caught.value.hint
    assert "disk" not in caught.value.hint


@pytest.mark.parametrize("sums", [np.full(256, -1.0), np.r_[np.ones(255), -1e-3], np.full(256, -np.inf)])
def test_negative_sums_of_squares_are_refused_with_the_tensors_name(sums: np.ndarray, tmp_path: Path) -> None:
    """They do not exist: the file is damaged."""
    with pytest.raises(DamagedCheckpoint, match=f"{NAME} (has negative|are not finite)"):
        read_importance(write(tmp_path / "i.gguf", {NAME: sums}, {NAME: 1.0}))


@pytest.mark.parametrize("name", ["blk.0.attn_q.weight", "output.weight", "token_embd.weight"])
def test_a_matrix_in_the_old_format_comes_with_the_command_that_converts_it(name: str, tmp_path: Path) -> None:
    """Count, then per entry: length of the name, name, calls, number of values, values."""
    entry = struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii4f", 3, 4, 1, 2, 3, 4)
    (tmp_path / "i.dat").write_bytes(struct.pack("<i", 1) + entry + struct.pack("<i", 12))
    with pytest.raises(DamagedCheckpoint, match="old format") as caught:
        read_importance(tmp_path / "i.dat")
    assert "llama-imatrix --in-file i.dat" in caught.value.hint


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

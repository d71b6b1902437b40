"""What quantization does to one matrix, against the file that a conversion writes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np
import pytest

from qmath_convert.checkpoint import Tensor, open_checkpoint
from qmath_convert.ggml import GgmlType, library
from qmath_convert.imatrix import Importance
from qmath_convert.recipe import Quant
from qmath_convert.rounding import Rounding, types_for
from qmath_convert.source import LocalFolder
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf

NAME = "blk.0.ffn_down.weight"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint."""
    return checkpoints.write(tmp_path_factory.mktemp("rounding") / "m", Recipe(layers=1, hidden=256))


def rounding(folder: Path, weights: np.ndarray | None = None) -> tuple[Rounding, Tensor]:
    """With these weights of the columns of the one matrix."""
    source = LocalFolder(folder)
    importance = None if weights is None else Importance("i.gguf", "", {NAME: weights.astype(np.float32)})
    (tensor,) = [one for one in open_checkpoint(source).body if one.name == NAME]
    return Rounding(source, library(), importance), tensor


def test_more_bits_are_a_smaller_error(folder: Path) -> None:
    """From two bits to eight, by at least a third each time a bit is added."""
    one, tensor = rounding(folder)
    kinds = (GgmlType.Q2_K, GgmlType.Q3_K, GgmlType.Q4_K, GgmlType.Q5_K, GgmlType.Q6_K, GgmlType.Q8_0)
    found = one.errors(tensor, kinds)
    assert all(found[b] < found[a] / 1.5 for a, b in pairwise(kinds))
    assert 0.005 < found[GgmlType.Q3_K] < 0.05


def test_an_error_counts_as_much_as_its_column(folder: Path) -> None:
    """Where one block of columns has nearly all the weight, the relative error is that of this block."""
    weights = np.full(512, 1e-6)
    weights[:256] = 1.0
    one, tensor = rounding(folder, weights)
    other, _ = rounding(folder)
    matrix = checkpoints.values(Recipe(layers=1, hidden=256))["model.layers.0.mlp.down_proj.weight"]
    found, plain = one.errors(tensor, [GgmlType.Q8_0]), other.errors(tensor, [GgmlType.Q8_0])
    data = gguf.quants.quantize(matrix[:, :256], gguf.GGMLQuantizationType.Q8_0)
    back = gguf.quants.dequantize(data, gguf.GGMLQuantizationType.Q8_0)
    wanted = np.square(back - matrix[:, :256]).sum() / np.square(matrix[:, :256]).sum()
    assert found[GgmlType.Q8_0] == pytest.approx(wanted, rel=1e-3)
    assert found[GgmlType.Q8_0] != plain[GgmlType.Q8_0]


def test_the_rounded_matrix_is_what_a_conversion_writes(folder: Path, tmp_path: Path) -> None:
    """Read back from its file."""
    one, _ = rounding(folder)
    to_gguf(folder, tmp_path / "m.gguf", Quant.Q4_K_S)
    (found,) = [t for t in gguf.GGUFReader(tmp_path / "m.gguf").tensors if t.name == "blk.0.ffn_up.weight"]
    assert found.tensor_type == gguf.GGMLQuantizationType.Q4_K
    (up,) = [t for t in open_checkpoint(LocalFolder(folder)).body if t.name == "blk.0.ffn_up.weight"]
    data = b"".join(piece for _, piece in one.rounded(up, GgmlType.Q4_K, GgmlType.F32))
    assert np.array_equal(np.frombuffer(data, np.float32).reshape(512, 256), gguf.quants.dequantize(found.data, 12))


def test_rows_of_any_length_have_types(folder: Path) -> None:
    """Those of the K kind need whole blocks of 256."""
    assert GgmlType.Q4_K in types_for(512)
    assert GgmlType.Q4_K not in types_for(896)
    assert GgmlType.Q5_0 in types_for(896)
    assert all(columns % kind.block == 0 for columns in (256, 896, 1536) for kind in types_for(columns))

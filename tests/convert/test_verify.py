"""The verification accepts sound files and finds damaged ones."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from qmath_convert import verify
from qmath_convert.errors import VerificationFailed
from qmath_convert.ggml import GgmlType, library
from qmath_convert.part import Part
from qmath_convert.pipeline import Options, convert, plan
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
from tests.convert import checkpoints
from tests.convert.conversions import to_gguf

ROW = np.random.default_rng(0).standard_normal(1024, dtype=np.float32)


def stored(kind: GgmlType, row: np.ndarray) -> bytes:
    """A row as the library quantizes it."""
    out = np.empty(kind.row_bytes(row.size), np.uint8)
    library().quantize(kind, np.ascontiguousarray(row.reshape(1, -1)), out)
    return out.tobytes()


@pytest.mark.parametrize("kind", GgmlType)
@pytest.mark.parametrize("shape", ["normal", "tiny", "small", "huge", "one large number", "zero"])
def test_a_sound_row_passes_whatever_its_numbers(kind: GgmlType, shape: str) -> None:
    """A false alarm would make large conversions fail at random."""
    row = {
        "normal": ROW,
        "tiny": ROW * np.float32(1e-7),
        "small": ROW * np.float32(1e-4),
        "huge": ROW * np.float32(1e3),
        "one large number": np.where(np.arange(1024) == 500, 50, ROW * np.float32(0.01)).astype(np.float32),
        "zero": np.zeros(1024, np.float32),
    }[shape]
    verify.check_row("t", kind, stored(kind, row), row)


@pytest.mark.parametrize("kind", GgmlType)
def test_a_wrong_row_is_found(kind: GgmlType) -> None:
    """Another row, a shifted row, a row of another scale, zeros, a short row."""
    other = np.random.default_rng(1).standard_normal(1024, dtype=np.float32)
    for wrong in (other, np.roll(ROW, 1), ROW * 2, np.zeros_like(ROW)):
        with pytest.raises(VerificationFailed):
            verify.check_row("t", kind, stored(kind, wrong), ROW)
    with pytest.raises(VerificationFailed, match="shorter"):
        verify.check_row("t", kind, stored(kind, ROW)[:-1], ROW)


def test_a_write_at_the_wrong_offset_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that are compared are read back from the file."""
    whole = Part.write_at

    def lossy(part: Part, offset: int, data: memoryview) -> None:
        whole(part, offset + 18 * 32, data)

    monkeypatch.setattr(Part, "write_at", lossy)
    out = tmp_path / "out"
    with pytest.raises(VerificationFailed):
        to_gguf(checkpoints.write(tmp_path / "m"), out / "m.gguf", Quant.Q4_0)
    assert list(out.iterdir()) == []


def test_a_finished_file_is_opened_by_llama_cpps_own_reader(tmp_path: Path) -> None:
    """A truncated file, another magic number, and a tensor name that occurs twice are found."""
    what = plan(LocalFolder(checkpoints.write(tmp_path / "m")), {tmp_path / "m.gguf": Quant.Q8_0})
    convert(what)
    layout = what.outputs[0].layout
    verify.check_structure(tmp_path / "m.gguf", layout, library())
    sound = (tmp_path / "m.gguf").read_bytes()
    for wrong in (sound[:-32], b"GGML" + sound[4:], sound.replace(b"blk.1.attn_k.weight", b"blk.1.attn_q.weight", 1)):
        (tmp_path / "m.gguf").write_bytes(wrong)
        with pytest.raises(VerificationFailed):
            verify.check_structure(tmp_path / "m.gguf", layout, library())


def test_without_verification_the_result_is_the_same(tmp_path: Path) -> None:
    """Verification only reads."""
    folder = checkpoints.write(tmp_path / "m")
    to_gguf(folder, tmp_path / "a.gguf", Quant.Q5_K_M)
    convert(plan(LocalFolder(folder), {tmp_path / "b.gguf": Quant.Q5_K_M}), Options(verify=False))
    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()


@pytest.mark.parametrize(
    "change", ["transposed rows", "short buffer", "long buffer", "float64 rows", "short importance"]
)
def test_buffers_that_do_not_fit_are_not_given_to_the_library(change: str) -> None:
    """The library checks no sizes: it would read or write outside the buffers."""
    rows = np.asfortranarray(np.ones((2, 256), np.float32)) if change == "transposed rows" else np.ones((2, 256))
    rows = rows if change == "float64 rows" else rows.astype(np.float32, order="K")
    size = 2 * GgmlType.Q4_K.row_bytes(256) + {"short buffer": -1, "long buffer": 1}.get(change, 0)
    importance = np.ones(255, np.float32) if change == "short importance" else None
    with pytest.raises(ValueError, match=r"rows|importance"):
        library().quantize(GgmlType.Q4_K, rows, np.empty(size, np.uint8), importance)


def test_a_row_that_is_not_a_whole_number_of_blocks_has_no_size() -> None:
    """The recipes replace the type of such a matrix."""
    with pytest.raises(ValueError, match="whole number"):
        GgmlType.Q4_K.row_bytes(255)


def test_every_type_has_a_tolerance_and_a_reader() -> None:
    """Every type has both; a new one fails here until it does."""
    for kind in GgmlType:
        assert kind in verify._TOLERANCE
        assert gguf.GGMLQuantizationType(int(kind)).name == kind.name

"""The hash of an output is made while it is written, and is the hash of the file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from qmath_convert.digest import FileDigest
from qmath_convert.errors import CannotWrite
from qmath_convert.ggml import GgmlType
from qmath_convert.layout import FileLayout, TensorSpec, lay_out
from qmath_convert.part import Part
from qmath_convert.pipeline import Progress, Stage, convert, plan
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe


@pytest.fixture
def layout() -> FileLayout:
    """Three tensors of 100 bytes, with padding between them."""
    return lay_out([], [TensorSpec(name, (1, 25), GgmlType.F32) for name in "abc"])


@pytest.fixture
def digest(layout: FileLayout, tmp_path: Path) -> FileDigest:
    """The hash of a file whose tensors are all written."""
    part = Part(tmp_path / "m.gguf", layout.size, "plan")
    part.open(layout.header)
    for tensor in layout.tensors:
        part.write_at(tensor.offset, memoryview(tensor.spec.name.encode() * 100))
    part.close()
    return FileDigest(part, layout)


def test_what_comes_after_a_tensor_that_is_not_complete_is_not_hashed(digest: FileDigest, layout: FileLayout) -> None:
    """Its bytes could still change."""
    digest.complete("c")
    digest.advance(10_000)
    assert digest.hashed == layout.tensors[0].offset
    digest.complete("a")
    digest.advance(10_000)
    assert digest.hashed == layout.tensors[1].offset
    digest.complete("b")
    digest.advance(10_000)
    assert digest.hashed == layout.size
    assert digest.hexdigest() == hashlib.sha256(digest.path.read_bytes()).hexdigest()


def test_a_step_hashes_no_more_than_its_limit(digest: FileDigest, layout: FileLayout) -> None:
    """The thread that hashes also feeds the others; the rest is hashed at the end."""
    for name in "abc":
        digest.complete(name)
    digest.advance(70)
    assert digest.hashed == 70
    assert sum(digest.rest()) == layout.size - 70
    assert digest.hexdigest() == hashlib.sha256(digest.path.read_bytes()).hexdigest()


@pytest.mark.parametrize("recipe", [Recipe(layers=11, vocab=4096), Recipe(layers=3, tied=True, vocab=4096, shards=3)])
def test_a_local_checkpoint_is_hashed_almost_to_the_end_when_its_last_block_is_written(
    recipe: Recipe, tmp_path: Path
) -> None:
    """It is read in the order of the file to write, whatever the order of its own."""
    seen: list[Progress] = []
    what = plan(LocalFolder(checkpoints.write(tmp_path / "m", recipe)), {tmp_path / "m.gguf": Quant.Q8_0})
    written = convert(what, report=seen.append)
    first = next(progress for progress in seen if progress.stage is Stage.VERIFY)
    assert first.done > 0.9 * written[0].size
    assert written[0].sha256 == hashlib.sha256((tmp_path / "m.gguf").read_bytes()).hexdigest()


def test_a_flush_that_fails_beside_the_conversion_ends_it_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of the thread that flushes is the error of the conversion."""

    def full(part: Part, names: object) -> None:
        raise CannotWrite("the disk is full", "Free some room.")

    monkeypatch.setattr(Part, "record", full)
    folder = checkpoints.write(tmp_path / "m")
    with pytest.raises(CannotWrite, match="full"):
        convert(plan(LocalFolder(folder), {tmp_path / "out" / "m.gguf": Quant.Q8_0}))
    assert list((tmp_path / "out").iterdir()) == []

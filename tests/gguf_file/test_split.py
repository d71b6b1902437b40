"""Models in several files: one model, or a sentence that names what is wrong with its parts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qmath_cli import gguf_file
from qmath_cli.errors import IntegrityError, QmathError, UsageError
from qmath_cli.models import fit
from tests.gguf_file.made import split_model, write


def refusal(path: Path) -> QmathError:
    """The error that reading raises."""
    with pytest.raises(QmathError) as caught:
        gguf_file.read(path)
    return caught.value


@pytest.mark.parametrize("empty_first", [False, True])
def test_the_first_part_stands_for_the_whole_model(tmp_path: Path, *, empty_first: bool) -> None:
    """Tensors and memory of all parts, also where the first part holds no tensors."""
    parts = split_model(tmp_path, empty_first=empty_first)
    header = gguf_file.read(parts[0])
    assert [tensor.name for tensor in header.tensors] == [f"blk.{i}.w" for i in range(3 - empty_first)]
    assert header.parts == tuple(parts)
    assert fit.need(header, 0).weights == 512 * (3 - empty_first)


@pytest.mark.parametrize("part", [2, 3])
def test_a_later_part_is_a_usage_error_that_names_the_first(tmp_path: Path, part: int) -> None:
    """It has no architecture of its own."""
    paths = split_model(tmp_path)
    error = refusal(paths[part - 1])
    assert isinstance(error, UsageError)
    assert f"part {part} of 3" in error.message
    assert str(paths[0]) in error.hint
    paths[0].unlink()
    assert f"{paths[0].name} is missing" in refusal(paths[part - 1]).hint


@pytest.mark.parametrize("gone", [[2], [3], [2, 3]])
def test_missing_parts_are_named(tmp_path: Path, gone: list[int]) -> None:
    """All of them, in one message."""
    paths = split_model(tmp_path)
    for part in gone:
        paths[part - 1].unlink()
    error = refusal(paths[0])
    assert isinstance(error, IntegrityError)
    assert all(f"m-{part:05d}-of-00003.gguf" in error.message for part in gone)


@pytest.mark.parametrize("keep", [0, 20, 0.5, 0.99])
def test_a_damaged_part_is_the_one_that_is_named(tmp_path: Path, keep: float) -> None:
    """The second part was cut off."""
    paths = split_model(tmp_path)
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    assert str(paths[1]) in refusal(paths[0]).message


def test_parts_in_the_wrong_order_are_named(tmp_path: Path) -> None:
    """Parts 2 and 3 have changed names."""
    paths = split_model(tmp_path)
    paths[1].rename(tmp_path / "x")
    paths[2].rename(paths[1])
    (tmp_path / "x").rename(paths[2])
    message = refusal(paths[0]).message
    assert paths[1].name in message
    assert "part 3 of 3, not part 2 of 3" in message


def test_a_part_of_another_model_is_named(tmp_path: Path) -> None:
    """A whole model, a part of a model in two files, and the same part twice."""
    paths = split_model(tmp_path)
    write(paths[2], {"general.name": "whole"})
    assert "is a model of its own" in refusal(paths[0]).message
    (tmp_path / "two").mkdir()
    shutil.copy(split_model(tmp_path / "two", 2)[1], paths[2])
    assert "part 2 of 2, not part 3 of 3" in refusal(paths[0]).message


def test_tensors_that_do_not_add_up_are_an_error(tmp_path: Path) -> None:
    """The first part knows how many there are; parts of two models have tensors in common."""
    paths = split_model(tmp_path)
    keys = {"split.no": 2, "split.count": 3, "split.tensors.count": 3}
    write(paths[2], keys, tensors=0)
    assert "2 tensors, not 3" in refusal(paths[0]).message
    write(paths[2], keys, tensors=2)
    assert "tensors in common" in refusal(paths[0]).message


@pytest.mark.parametrize("name", ["model.gguf", "m-part1.gguf", "m-00001-of-00002.gguf", "m-00002-of-00003.gguf"])
def test_a_first_part_with_another_name_says_which_name_it_needs(tmp_path: Path, name: str) -> None:
    """llama.cpp finds the parts by their names."""
    paths = split_model(tmp_path)
    moved = tmp_path / "other" / name
    moved.parent.mkdir()
    shutil.copy(paths[0], moved)
    assert "-00001-of-00003.gguf" in refusal(moved).hint


@pytest.mark.parametrize("count", [2, 3, 12])
def test_parts_that_were_joined_are_named_as_that(tmp_path: Path, count: int) -> None:
    """`cat m-*.gguf > m.gguf` is no model."""
    joined = tmp_path / "joined.gguf"
    joined.write_bytes(b"".join(path.read_bytes() for path in split_model(tmp_path, count)))
    error = refusal(joined)
    assert "several GGUF files one after the other" in error.message
    assert "must not be joined" in error.hint


def test_joined_whole_models_and_empty_first_parts_are_named_too(tmp_path: Path) -> None:
    """Two models; and parts of which the first holds no tensors."""
    joined = tmp_path / "joined.gguf"
    joined.write_bytes(write(tmp_path / "a.gguf", {}).read_bytes() * 2)
    assert "several GGUF files" in refusal(joined).message
    joined.write_bytes(b"".join(path.read_bytes() for path in split_model(tmp_path, empty_first=True)))
    assert "several GGUF files" in refusal(joined).message

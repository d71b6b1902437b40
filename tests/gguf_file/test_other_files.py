"""Files that are no GGUF, or not whole: each is named as what it is."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from qmath_cli import gguf_file
from qmath_cli.errors import IntegrityError, ModelMissing, QmathError, UsageError
from qmath_cli.gguf_file import runnable
from tests.gguf_file.made import finish, write

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 491400064\n" % (b"a" * 64)


def refusal(path: Path) -> QmathError:
    """The error that reading raises."""
    with pytest.raises(QmathError) as caught:
        gguf_file.read(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("content", "what", "hint"),
    [
        (b"", "empty", "download"),
        (bytes(4096), "zeros", "download"),
        (LFS, "Git LFS", "git lfs pull"),
        (LFS.replace(b"\n", b"\r\n"), "Git LFS", "git lfs pull"),
        (b"version https://hawser.github.com/spec/v1\noid x\nsize 1\n", "Git LFS", "git lfs pull"),
        (b"/annex/objects/SHA256E-s5--abc.gguf\n", "git-annex", "git annex get"),
        (b"<!DOCTYPE html><html>Sign in</html>", "web page", "not its page"),
        (b"\n<html><head>", "web page", "not its page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "web page", "not its page"),
        (b'{"error":"Repository not found"}', "JSON", "convert"),
        (struct.pack("<Q", 40) + b'{"__metadata__":{"format":"pt"}}', "safetensors", "folder"),
        (b"PK\x03\x04rest of a zip", "PyTorch", "unpack"),
        (b"\x80\x02}q\x00", "PyTorch", "convert"),
        (b"tjgg\x03\x00\x00\x00", "GGML", "GGUF of this model"),
        (b"\x1f\x8b\x08", "gzip", "unpack"),
        (b"7z\xbc\xaf\x27\x1c", "7z", "unpack"),
        (b"any other file", "not a GGUF", "convert"),
    ],
)
def test_another_file_is_named_as_what_it_is(tmp_path: Path, content: bytes, what: str, hint: str) -> None:
    """By its first bytes, whatever its name."""
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    error = refusal(path)
    assert isinstance(error, IntegrityError)
    assert what in error.message
    assert hint in error.hint


@pytest.mark.parametrize("version", [2, 3])
def test_a_big_endian_file_is_named_as_that(tmp_path: Path, version: int) -> None:
    """Made by the gguf package for such machines."""
    path = tmp_path / "big.gguf"
    writer = gguf.GGUFWriter(path, "qwen2", endianess=gguf.GGUFEndian.BIG)
    writer.add_block_count(2)
    finish(writer)
    data = bytearray(path.read_bytes())
    data[4:8] = version.to_bytes(4, "big")
    path.write_bytes(data)
    error = refusal(path)
    assert "big-endian" in error.message
    assert "little" in error.hint


@pytest.mark.parametrize(("version", "words"), [(1, "version 1"), (4, "newer"), (0, "version 0"), (2**31, "version")])
def test_another_version_is_named(tmp_path: Path, version: int, words: str) -> None:
    """Too old, too new, or damaged."""
    path = tmp_path / "x.gguf"
    path.write_bytes(struct.pack("<4sIQQ", b"GGUF", version, 0, 0))
    assert words in refusal(path).message


@pytest.mark.parametrize(
    ("name", "beside", "hint"),
    [
        ("m.gguf.part1of2", None, "join all pieces"),
        ("m.gguf-split-a", None, "join all pieces"),
        ("m.gguf.incomplete", None, "has not finished"),
        ("m.gguf", "m.gguf.aria2", "has not finished"),
        ("m.gguf", None, "download"),
    ],
)
def test_a_file_that_was_cut_off_says_how_to_complete_it(
    tmp_path: Path, name: str, beside: str | None, hint: str
) -> None:
    """A piece of a file, an unfinished download, any other."""
    content = write(tmp_path / "whole.gguf", {}, tensors=4).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[:-600])
    if beside:
        (tmp_path / beside).touch()
    error = refusal(path)
    assert "cut off" in error.message
    assert hint in error.hint


def test_a_later_piece_of_a_file_says_that_it_is_one(tmp_path: Path) -> None:
    """It begins with weights."""
    path = tmp_path / "m.gguf.part2of2"
    path.write_bytes(b"\x12\x34\x56\x78" * 100)
    assert "not the beginning" in refusal(path).message


def test_links_are_followed_and_broken_ones_named(tmp_path: Path) -> None:
    """A link into a cache is the file; one that was copied without its file names what is missing."""
    blob = write(tmp_path / "0f3e", {})
    link = tmp_path / "m.gguf"
    link.symlink_to("0f3e")
    assert gguf_file.read(link) == gguf_file.read(blob)
    blob.unlink()
    error = refusal(link)
    assert isinstance(error, ModelMissing)
    assert "0f3e, which is not there" in error.message
    link.unlink()
    link.symlink_to(link.name)
    assert isinstance(refusal(link), ModelMissing)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes as POSIX has them")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Opening it would wait for a writer."""
    os.mkfifo(tmp_path / "m.gguf")
    assert "not a regular file" in refusal(tmp_path / "m.gguf").message


@pytest.mark.parametrize(
    ("keys", "architecture", "tensors", "what"),
    [
        ({"general.type": "adapter"}, "qwen2", 1, "LoRA adapter"),
        ({"general.type": "mmproj"}, "clip", 1, "projector"),
        ({"general.type": "imatrix"}, "x", 1, "importance matrix"),
        ({}, "qwen2", 0, "without weights"),
        ({}, "llama", 1, "the llama architecture"),
        ({}, "qwen2moe", 1, "the qwen2moe architecture"),
        ({}, "", 1, "does not name its architecture"),
    ],
)
def test_a_file_that_is_no_model_to_run_is_named(
    tmp_path: Path, keys: dict[str, str], architecture: str, tensors: int, what: str
) -> None:
    """A usage error: the file is sound."""
    path = write(tmp_path / "x.gguf", keys, tensors, architecture)
    with pytest.raises(UsageError, match=what):
        runnable.require(path, gguf_file.read(path))


@pytest.mark.parametrize("alignment", [0, 3, 48, -32, 2**63])
def test_an_impossible_alignment_is_an_error_or_no_harm(tmp_path: Path, alignment: int) -> None:
    """It must be a power of two; a huge one puts the tensors behind the end of the file."""
    kind = gguf.GGUFValueType.UINT64 if alignment >= 0 else gguf.GGUFValueType.INT64
    for tensors in (0, 1):
        writer = gguf.GGUFWriter(tmp_path / "x.gguf", "qwen2")
        for number in range(tensors):
            writer.add_tensor(f"t{number}", np.zeros(4, np.float32))
        writer.add_key_value("general.alignment", alignment, kind)
        finish(writer)
        if alignment == 2**63 and not tensors:
            assert gguf_file.read(tmp_path / "x.gguf").tensors == ()
        else:
            refusal(tmp_path / "x.gguf")


@pytest.mark.parametrize(("kind", "size"), [(8, 8), (9, 12)])
def test_a_count_before_millions_of_zeros_is_an_error(tmp_path: Path, kind: int, size: int) -> None:
    """They would be read as empty strings or empty arrays for seconds."""
    path = tmp_path / "x.gguf"
    head = struct.pack("<4sIQQQ1sIIQ", b"GGUF", 3, 0, 1, 1, b"k", 9, kind, 3_000_000)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + 3_000_000 * size)
    assert "damaged" in refusal(path).message


def test_a_value_that_is_too_long_to_copy_is_skipped(tmp_path: Path) -> None:
    """Such as a whole tokenizer.json in `tokenizer.huggingface.json`: its length and place are kept."""
    path = write(tmp_path / "x.gguf", {"tokenizer.huggingface.json": "x" * (1 << 21), "qwen2.block_count": 7})
    header = gguf_file.read(path)
    found = header.metadata["tokenizer.huggingface.json"]
    assert isinstance(found, gguf_file.Array)
    assert path.read_bytes()[found.start : found.end] == b"x" * (1 << 21)
    assert header.layers == 7

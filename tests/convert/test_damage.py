"""Damaged and unsupported checkpoints: one clear error each, and no file left."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmath_convert.errors import CannotWrite, ConvertError, DamagedCheckpoint, UnsupportedModel
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf

SINGLE = "model.safetensors"
FIRST = "model-00001-of-00003.safetensors"
INDEX = "model.safetensors.index.json"


def edit_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Load, change in place, write."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def edit_header(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Load a safetensors header, change it in place, write."""
    header, data = checkpoints.split((folder / SINGLE).read_bytes())
    change(header)
    (folder / SINGLE).write_bytes(checkpoints.with_header(header, data))


def edit_numbers(folder: Path, name: str, value: float) -> None:
    """Write one number into the middle of a tensor."""
    header, data = checkpoints.split((folder / SINGLE).read_bytes())
    begin, end = header[name]["data_offsets"]
    middle = (begin + end) // 4 * 2
    word = checkpoints.encode(np.array([value], np.float32), "BF16")
    (folder / SINGLE).write_bytes(checkpoints.with_header(header, data[:middle] + word + data[middle + 2 :]))


def header_length(folder: Path, length: int) -> None:
    """Overwrite the first eight bytes, the header's length."""
    file = (folder / SINGLE).read_bytes()
    (folder / SINGLE).write_bytes(struct.pack("<Q", length) + file[8:])


def cut(folder: Path, name: str, count: int) -> None:
    """Remove bytes from the end."""
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-count])


def config(folder: Path, **changes: object) -> None:
    """Change config.json."""
    edit_json(folder / "config.json", lambda c: c.update(changes))


K = "model.layers.1.self_attn.k_proj.weight"
NORM = "model.norm.weight"

DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "no config.json"),
    "config is not JSON": (lambda f: (f / "config.json").write_text("{"), "not valid JSON"),
    "config is a list": (lambda f: (f / "config.json").write_text("[]"), "JSON object"),
    "no layers": (lambda f: config(f, num_hidden_layers=0), "num_hidden_layers"),
    "absurdly many layers": (lambda f: config(f, num_hidden_layers=1 << 30), "num_hidden_layers"),
    "heads that do not divide": (lambda f: config(f, num_attention_heads=3, num_key_value_heads=1), "head counts"),
    "another vocabulary size": (lambda f: config(f, vocab_size=321), "embed_tokens.weight has the shape"),
    "more layers than tensors": (lambda f: config(f, num_hidden_layers=5), "model.layers.4.* is missing"),
    "fewer layers than tensors": (lambda f: config(f, num_hidden_layers=3), "unexpected tensor .* and 11 more"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer.json"),
    "tokenizer too large": (
        lambda f: edit_json(f / "tokenizer.json", lambda t: t["model"]["vocab"].update(x=320)),
        "the id 320",
    ),
    "no weights": (lambda f: (f / SINGLE).unlink(), "neither"),
    "empty file": (lambda f: (f / SINGLE).write_bytes(b""), "only 0 bytes"),
    "truncated by a byte": (lambda f: cut(f, SINGLE, 1), "where its header describes"),
    "truncated in the header": (lambda f: (f / SINGLE).write_bytes((f / SINGLE).read_bytes()[:100]), "announces"),
    "trailing bytes": (lambda f: (f / SINGLE).write_bytes((f / SINGLE).read_bytes() + b"x"), "where its header"),
    "header longer than the file": (lambda f: header_length(f, 1 << 40), "announces a header"),
    "header of all ones": (lambda f: header_length(f, (1 << 64) - 1), "announces a header"),
    "header too short": (lambda f: header_length(f, 9), "header is not valid"),
    "header is not text": (
        lambda f: (f / SINGLE).write_bytes(struct.pack("<Q", 8) + b"\xff" * 16),
        "header is not valid",
    ),
    "deeply nested header": (
        lambda f: (f / SINGLE).write_bytes(struct.pack("<Q", 400_000) + b"[" * 400_000),
        "header is not valid",
    ),
    "a name twice": (
        lambda f: (f / SINGLE).write_bytes(struct.pack("<Q", 14) + b'{"a":1,"a":2}  '),
        "occurs twice",
    ),
    "a gap": (lambda f: edit_header(f, lambda h: h[K].update(data_offsets=[x + 2 for x in h[K]["data_offsets"]])), K),
    "an overlap": (
        lambda f: edit_header(f, lambda h: h[NORM].update(data_offsets=[x - 2 for x in h[NORM]["data_offsets"]])),
        NORM,
    ),
    "offsets backwards": (lambda f: edit_header(f, lambda h: h[K].update(data_offsets=[10, 2])), "byte range"),
    "offsets that are text": (lambda f: edit_header(f, lambda h: h[K].update(data_offsets=["0", "2"])), "not valid"),
    "shape against bytes": (lambda f: edit_header(f, lambda h: h[K].update(shape=[128, 255])), "has 65536 bytes"),
    "transposed": (lambda f: edit_header(f, lambda h: h[K].update(shape=[256, 128])), "has the shape"),
    "negative shape": (lambda f: edit_header(f, lambda h: h[K].update(shape=[-128, -256])), "not valid"),
    "renamed tensor": (lambda f: edit_header(f, lambda h: h.update({"model.norm2.weight": h.pop(NORM)})), "is missing"),
    "NaN": (lambda f: edit_numbers(f, K, float("nan")), "blk.1.attn_k.weight holds .* not finite, in row 64"),
    "infinity": (lambda f: edit_numbers(f, NORM, float("inf")), "output_norm.weight holds .* not finite"),
    "negative infinity": (lambda f: edit_numbers(f, K, float("-inf")), "attn_k.weight holds .* not finite, in row 64"),
    "negative NaN": (lambda f: edit_numbers(f, K, -float("nan")), "attn_k.weight holds .* not finite, in row 64"),
}

UNSUPPORTED: dict[str, tuple[Callable[[Path], object], str]] = {
    "another architecture": (lambda f: config(f, architectures=["LlamaForCausalLM"]), "LlamaForCausalLM"),
    "no architecture": (lambda f: config(f, architectures=[]), "none"),
    "sliding window": (lambda f: config(f, use_sliding_window=True), "sliding"),
    "scaled rotary embeddings": (lambda f: config(f, rope_scaling={"type": "yarn", "factor": 4.0}), "rotary"),
    "another activation": (lambda f: config(f, hidden_act="gelu"), "gelu"),
    "quantized checkpoint": (lambda f: config(f, quantization_config={"quant_method": "gptq"}), "quantized"),
    "another head size": (lambda f: config(f, head_dim=128), "head size 128"),
    "wrong dtype": (lambda f: edit_header(f, lambda h: h[K].update(dtype="I8")), "has the type I8"),
    "not BPE": (
        lambda f: edit_json(f / "tokenizer.json", lambda t: t["model"].update(type="Unigram")),
        "BPE",
    ),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_checkpoint_is_one_clear_error(case: str, tmp_path: Path) -> None:
    """The error has a hint, and no file is left."""
    refused(tmp_path, Recipe(), *DAMAGE[case], DamagedCheckpoint)


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_an_unsupported_checkpoint_is_one_clear_error(case: str, tmp_path: Path) -> None:
    """Raised before anything is written."""
    refused(tmp_path, Recipe(), *UNSUPPORTED[case], UnsupportedModel)


def index_elsewhere(folder: Path, shard: str) -> None:
    """Name another file for the first tensor in the index."""
    edit_json(folder / INDEX, lambda i: i["weight_map"].update({"model.embed_tokens.weight": shard}))


SHARDED: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing shard": (lambda f: (f / FIRST).unlink(), f"{FIRST} is missing"),
    "truncated shard": (lambda f: cut(f, FIRST, 1000), "where its header describes"),
    "path traversal": (lambda f: index_elsewhere(f, "../../etc/model.safetensors"), "not a plain file name"),
    "absolute path": (lambda f: index_elsewhere(f, "/etc/model.safetensors"), "not a plain file name"),
    "Windows path": (lambda f: index_elsewhere(f, "..\\model.safetensors"), "not a plain file name"),
    "control characters": (lambda f: index_elsewhere(f, "a\x1b[2J.safetensors"), "not a plain file name"),
    "not a string": (lambda f: index_elsewhere(f, 3), "not a plain file name"),  # type: ignore[arg-type]
    "another shard": (lambda f: index_elsewhere(f, "model-00002-of-00003.safetensors"), "does not list there"),
    "an index without a map": (lambda f: (f / INDEX).write_text("{}"), "no weight_map"),
    "a tensor only in the index": (
        lambda f: edit_json(f / INDEX, lambda i: i["weight_map"].update({"model.extra": FIRST})),
        "model.extra is not in",
    ),
}


@pytest.mark.parametrize("case", SHARDED)
def test_index_and_shards_must_agree(case: str, tmp_path: Path) -> None:
    """Shard names in the index must be plain names, not paths."""
    refused(tmp_path, Recipe(shards=3), *SHARDED[case], DamagedCheckpoint)


def test_a_shard_that_links_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """The folder may come from an untrusted archive."""

    def link(folder: Path) -> None:
        (folder / FIRST).rename(tmp_path / "elsewhere.safetensors")
        (folder / FIRST).symlink_to(tmp_path / "elsewhere.safetensors")

    refused(tmp_path, Recipe(shards=3), link, "leads out of the checkpoint folder", DamagedCheckpoint)


def test_numbers_that_half_precision_cannot_hold_are_not_turned_into_infinities(tmp_path: Path) -> None:
    """F16 is an error; the same checkpoint converts to BF16."""
    refused(tmp_path, Recipe(), lambda f: edit_numbers(f, K, 1e5), "F16 cannot", UnsupportedModel, "f16")
    to_gguf(tmp_path / "m", tmp_path / "m.gguf", "bf16")


def refused(
    folder: Path,
    recipe: Recipe,
    damage: Callable[[Path], object],
    message: str,
    error: type[ConvertError],
    quant: str = "q8_0",
) -> None:
    """Write a checkpoint, damage it, and convert it: the expected error, and no file."""
    checkpoint = checkpoints.write(folder / "m", recipe)
    damage(checkpoint)
    out = folder / "out"
    out.mkdir()
    with pytest.raises(error, match=message) as caught:
        to_gguf(checkpoint, out / "m.gguf", quant)
    assert caught.value.hint
    assert "\x1b" not in str(caught.value)
    assert list(out.iterdir()) == []


def test_an_output_folder_that_cannot_be_written_is_an_error_of_its_own(tmp_path: Path) -> None:
    """The folder's path is a file here, which fails for root too."""
    folder = checkpoints.write(tmp_path / "m")
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="cannot write"):
        to_gguf(folder, tmp_path / "file" / "m.gguf")


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="mounting a small disk needs root on Linux")
@pytest.mark.parametrize("state", ["full", "read-only"])
def test_a_disk_that_is_full_or_read_only_leaves_nothing(state: str, tmp_path: Path) -> None:
    """A tmpfs of 1 MB, or one that is mounted read-only, in a separate mount namespace."""
    folder = checkpoints.write(tmp_path / "m")
    disk = tmp_path / "disk"
    disk.mkdir()
    option = "size=1m" if state == "full" else "size=9m,ro"
    script = (
        f"mount -t tmpfs -o {option} none {disk} || exit 99\n"
        f"{sys.executable} -m qmath_cli convert {folder} -q q8_0 -o {disk}/m.gguf; code=$?\n"
        f"ls -A {disk}; exit $code\n"
    )
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True)
    if done.returncode in (1, 99) and "mount" in done.stderr + done.stdout:
        pytest.skip("mounting is not allowed here")
    assert done.returncode == 8, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("error: ") == 1
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr

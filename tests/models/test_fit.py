"""Memory and disk needs, and what is available."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qmath_cli import gguf_file
from qmath_cli.errors import DoesNotFit
from qmath_cli.gguf_file import Array, Header, TensorInfo
from qmath_cli.models import fit
from qmath_cli.models.fit import FitVerdict, Need
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.memory import free_disk, linux, memory
from tests.models.small_models import write_gguf

GIB = 1 << 30


def shape(layers: int, hidden: int, heads: int, kv_heads: int, feed_forward: int, weights: int) -> Header:
    """A header with these dimensions; there is no file."""
    numbers = {
        "general.architecture": "qwen2",
        "qwen2.block_count": layers,
        "qwen2.embedding_length": hidden,
        "qwen2.attention.head_count": heads,
        "qwen2.attention.head_count_kv": kv_heads,
        "qwen2.feed_forward_length": feed_forward,
        "qwen2.context_length": 4096,
        "tokenizer.ggml.tokens": Array(152064),
    }
    return Header(3, numbers, (TensorInfo("all", (weights,), "Q8_0", 0, weights),))


SEVEN = shape(28, 3584, 28, 4, 18944, 4_683_000_000)


@pytest.mark.parametrize(
    ("header", "mib"),
    [(shape(28, 1536, 12, 2, 8960, 1), 112), (SEVEN, 224), (shape(80, 8192, 64, 8, 29568, 1), 1280)],
)
def test_the_kv_cache_of_the_released_shapes(header: Header, mib: int) -> None:
    """At 4096 tokens in F16: 112 MiB, 224 MiB and 1.25 GiB."""
    assert fit.need(header, 4096).kv == mib << 20


def test_q8_kv_is_seventeen_thirty_seconds_of_f16() -> None:
    """A block of 32 elements takes 34 bytes, against 64."""
    assert fit.kv_per_cell(SEVEN, "q8_0") / fit.kv_per_cell(SEVEN) == 17 / 32


@pytest.mark.parametrize(
    ("header", "cells", "mib"),
    [
        (shape(28, 1536, 12, 2, 8960, 1), 4096, 68.51),
        (shape(28, 1536, 12, 2, 8960, 1), 16384, 80.51),
        (SEVEN, 4096, 143.01),
        (SEVEN, 16384, 155.01),
    ],
)
def test_the_compute_buffer_is_the_one_llama_cpp_reports(header: Header, cells: int, mib: float) -> None:
    """`CPU compute buffer size` in llama.cpp's log, for contexts of one and of eight sequences."""
    assert fit.need(header, cells).compute / (1 << 20) == pytest.approx(mib, abs=0.1)


def test_the_need_comes_from_the_files_own_numbers(tmp_path: Path) -> None:
    """Weights are the tensors' bytes; the cache follows layers, KV heads and head dimension."""
    header = gguf_file.read(write_gguf(tmp_path / "m.gguf"))
    found = fit.need(header, 1000)
    assert found.weights == 300 * 68 + 64 * 4 + 64 * 64 * 2
    assert found.kv == 1000 * 2 * 2 * 2 * 16 * 2


def test_the_verdict_follows_what_is_free() -> None:
    """Enough, barely enough, too little, unknown."""
    wanted = fit.need(SEVEN, 4096)
    assert fit.judge(wanted, 64 * GIB).verdict is FitVerdict.FITS
    assert fit.judge(wanted, wanted.total).verdict is FitVerdict.TIGHT
    assert fit.judge(wanted, wanted.total - 1).verdict is FitVerdict.NO
    assert fit.judge(wanted, None).verdict is FitVerdict.UNKNOWN


def test_a_refusal_says_what_would_fit(lock: Lock) -> None:
    """The hint is a smaller context if that fits, else a smaller model, else the demo."""
    wanted = fit.need(SEVEN, 4096)
    cell = fit.kv_per_cell(SEVEN)
    for available, hint in (
        (wanted.total - 1, "--ctx"),
        (4 * GIB, "1.5b-instruct:q8_0 would fit"),
        (GIB // 2, "demo"),
    ):
        with pytest.raises(DoesNotFit) as caught:
            fit.require(fit.judge(wanted, available, cell), "7b-instruct:q4_k_m", lock)
        assert hint in caught.value.hint


def test_a_promised_context_fits(lock: Lock) -> None:
    """The context that a refusal suggests is accepted."""
    wanted = fit.need(SEVEN, 4096)
    judged = fit.judge(wanted, wanted.total - (100 << 20), fit.kv_per_cell(SEVEN))
    smaller = fit.need(SEVEN, judged.cells)
    fit.require(fit.judge(smaller, judged.available), "7b", lock)


def test_estimates_are_near_the_known_files(lock: Lock) -> None:
    """7B is 4.7 GB at Q4_K_M and 8.1 GB at Q8_0; the estimates are within 5 %."""
    seven = lock.get("7b-instruct")
    assert fit.estimate(seven, "q4_k_m") == pytest.approx(4.68e9, rel=0.05)
    assert fit.estimate(seven, "q8_0") == pytest.approx(8.1e9, rel=0.05)


def test_this_machine_has_memory() -> None:
    """Available memory is positive and at most the total."""
    found = memory()
    assert found is not None
    assert 0 < found.available <= found.total


def test_a_containers_limit_counts_and_its_page_cache_does_not(tmp_path: Path) -> None:
    """The smallest limit of all groups counts; inactive file pages count as free."""
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 16777216 kB\nMemFree: 1 kB\nMemAvailable: 8388608 kB\n")
    assert linux(proc, groups) is not None
    (proc / "self" / "cgroup").write_text("0::/slice/box\n")
    box = groups / "slice" / "box"
    box.mkdir(parents=True)
    (box / "memory.max").write_text("max\n")
    (box.parent / "memory.max").write_text(f"{4 * GIB}\n")
    (box.parent / "memory.current").write_text(f"{3 * GIB}\n")
    (box.parent / "memory.stat").write_text(f"anon 5\ninactive_file {2 * GIB}\n")
    found = linux(proc, groups)
    assert found is not None
    assert (found.total, found.available) == (4 * GIB, 3 * GIB)


def test_disk_is_asked_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    """The folder of the store need not exist."""
    assert free_disk(tmp_path / "a" / "b") == pytest.approx(os.statvfs(tmp_path).f_bavail * 4096, rel=0.5)
    with pytest.raises(DoesNotFit, match="on disk"):
        fit.require_disk(tmp_path / "a", 1 << 60, "72b:q8_0")


def test_needs_add_up() -> None:
    """The total is the sum of the parts."""
    assert Need(1, 2, 3, 4).total == 10


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (4_683_000_000, "4.7 GB"), (999_600, "1.0 MB"), (145_400_000_000, "145 GB")],
)
def test_sizes_are_written_as_disks_are_sold(count: int, text: str) -> None:
    """Decimal units, two significant digits."""
    assert fit.size(count) == text


def tensors(*wanted: tuple[str, str, tuple[int, ...]]) -> Header:
    """A header with tensors of these names, types and shapes, of 100 bytes each."""
    numbers = {"general.architecture": "qwen2", "tokenizer.ggml.tokens": Array(1000)}
    return Header(3, numbers, tuple(TensorInfo(name, shape, kind, 0, 100) for name, kind, shape in wanted))


def test_copies_of_weights_count() -> None:
    """Of matrices of the types that this build repacks, whose rows it can group; not of the embeddings."""
    header = tensors(
        ("token_embd.weight", "Q4_K", (256, 1000)),
        ("output.weight", "Q6_K", (256, 1000)),
        ("blk.0.attn_q.weight", "Q4_K", (256, 256)),
        ("blk.0.ffn_down.weight", "Q4_K", (256, 257)),
        ("blk.0.attn_norm.weight", "F32", (256,)),
        ("blk.0.attn_q.bias", "F32", (256,)),
    )
    assert fit.need(header, 0).repacked == 0
    assert fit.need(header, 0, repacked=("Q4_K",)).repacked == 100
    assert fit.need(header, 0, repacked=("Q4_K", "Q6_K")).repacked == 200
    wanted = fit.need(header, 0, repacked=("Q4_K",))
    assert wanted.total == fit.need(header, 0).total + 100


def test_embeddings_that_are_the_output_too_are_copied() -> None:
    """A small model of this family has no output weights of its own."""
    assert fit.need(tensors(("token_embd.weight", "Q4_K", (256, 1000))), 0, repacked=("Q4_K",)).repacked == 100


def test_a_refusal_names_the_way_without_copies_where_that_is_enough(lock: Lock) -> None:
    """And the numbers have the copies in them."""
    wanted = Need(weights=GIB, kv=0, compute=0, repacked=GIB)
    for available, named in ((wanted.total - 1, True), (wanted.total - GIB, True), (wanted.total - GIB - 1, False)):
        with pytest.raises(DoesNotFit) as caught:
            fit.require(fit.judge(wanted, available), "mine", lock)
        assert "copies of them for this CPU 1.1 GB" in caught.value.message
        assert ("--no-repack" in caught.value.hint) == named


def test_every_sequence_has_its_logits() -> None:
    """Four bytes for each token of the vocabulary."""
    header = tensors(("token_embd.weight", "F32", (4, 1000)))
    assert fit.need(header, 0, sequences=9).total - fit.need(header, 0).total == 8 * 4 * 1000

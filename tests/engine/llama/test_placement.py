"""The number of layers on a device, threads, and what is said of a GPU that does nothing; with made-up devices."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path

import gguf
import numpy as np
import pytest

from qmath_cli import gguf_file
from qmath_cli.engine.llama import devices, placement
from qmath_cli.engine.llama.devices import Device
from qmath_cli.engine.llama.placement import MARGIN, Footprint, Placement
from qmath_cli.errors import UsageError
from qmath_cli.runtime.offload import footprint
from tests.engine.llama.test_devices import CPU, CUDA0, CUDA1, GIB

MODEL = Footprint(layers=(GIB // 2,) * 10, output=GIB, compute=GIB // 4)


@pytest.mark.parametrize(
    ("free", "layers"),
    [(0, 0), (MARGIN + GIB // 4, 0), (MARGIN + 2 * GIB, 3), (MARGIN + 5 * GIB + GIB // 4, 9), (MARGIN + 7 * GIB, 10)],
)
def test_auto_offloads_what_fits(free: int, layers: int) -> None:
    """After compute buffers and a margin; all layers only if the output tensors fit too."""
    assert placement.layers_that_fit(MODEL, free) == layers


def placed(
    monkeypatch: pytest.MonkeyPatch, available: list[Device], layers: str, device: str = "auto", **more: bool
) -> Placement:
    """Where a model of ten layers runs, on made-up devices."""
    monkeypatch.setattr(placement, "devices", lambda: available)
    monkeypatch.setattr(placement.builds, "gpu_here", lambda: "")
    return placement.place(device, layers, 0, model_layers=10, footprint=lambda: MODEL, size=GIB, **more)


@pytest.mark.parametrize("word", ["all", "some", "", "1.5", "10,20"])
@pytest.mark.parametrize("available", [[CPU], [CPU, CUDA1]])
def test_layers_that_are_not_a_number_are_an_error(
    monkeypatch: pytest.MonkeyPatch, available: list[Device], word: str
) -> None:
    """With or without a GPU."""
    with pytest.raises(UsageError, match="--gpu-layers"):
        placed(monkeypatch, available, word)


@pytest.mark.parametrize(("given", "layers"), [("0", 0), ("3", 3), ("99", 10), ("-1", 10), ("auto", 10)])
def test_a_given_number_of_layers_is_used(monkeypatch: pytest.MonkeyPatch, given: str, layers: int) -> None:
    """Up to the number of the model's layers; a negative number means all."""
    found = placed(monkeypatch, [CPU, CUDA1], given)
    assert (found.layers, found.all_layers, found.note) == (layers, layers == 10, "")
    assert (found.device is CUDA1) == (layers > 0)


@pytest.mark.parametrize("given", ["99", "1", "-1"])
def test_layers_without_a_gpu_are_said_to_be_nowhere(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """`--gpu-layers` was given, and nothing is offloaded."""
    assert "nothing is offloaded" in placed(monkeypatch, [CPU], given).note
    assert "--device cpu" in placed(monkeypatch, [CPU, CUDA1], given, "cpu").note


@pytest.mark.parametrize(("given", "device"), [("auto", "auto"), ("0", "auto"), ("auto", "cpu"), ("0", "cpu")])
def test_a_cpu_that_was_asked_for_or_is_all_there_is_needs_no_note(
    monkeypatch: pytest.MonkeyPatch, given: str, device: str
) -> None:
    """Nothing is said where nothing is left idle."""
    assert placed(monkeypatch, [CPU], given, device).note == ""
    if (given, device) != ("auto", "auto"):
        assert placed(monkeypatch, [CPU, CUDA1], given, device).note == ""


def test_a_gpu_that_is_left_idle_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Because nothing fits into its memory, because it crashes, or because the build does not know it."""
    full = replace(CUDA0, free=GIB // 4)
    assert placed(monkeypatch, [CPU, full], "auto").note.startswith("CUDA0 is left idle")
    assert "crashes" in placed(monkeypatch, [CPU, CUDA0], "auto", cpu_only=True).note
    monkeypatch.setattr(placement, "devices", lambda: [CPU])
    monkeypatch.setattr(placement.builds, "gpu_here", lambda: "cuda")
    found = placement.place("auto", "auto", 0, model_layers=10, footprint=None, size=GIB)
    assert "idle" in found.note
    assert "-DGGML_CUDA=ON" in found.note
    assert "\n" not in found.note


def test_the_order_of_keys_in_a_file_does_not_change_the_layers_on_a_gpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`block_count` before, between and after arrays: `auto`, 99 and 1 give the same."""
    monkeypatch.setattr(placement, "devices", lambda: [CPU, CUDA1])
    found = set()
    for order in itertools.permutations(("layers", "tags", "tokens")):
        writer = gguf.GGUFWriter(tmp_path / "x.gguf", "qwen2")
        adders = {
            "layers": lambda writer=writer: writer.add_block_count(3),
            "tags": lambda writer=writer: writer.add_array("general.tags", ["math", "chat"]),
            "tokens": lambda writer=writer: writer.add_token_list([f"t{i}" for i in range(2000)]),
        }
        for name in order:
            adders[name]()
        for layer in range(3):
            writer.add_tensor(f"blk.{layer}.w.weight", np.ones((4, 32), np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        header = gguf_file.read(tmp_path / "x.gguf")
        taken = partial(footprint, header, 4096, "f16")
        results = [
            placement.place("auto", given, 0, model_layers=header.layers, footprint=taken, size=GIB)
            for given in ("auto", "99", "1")
        ]
        found.add(tuple(result.gpu_layers for result in results))
    assert found == {(4, 4, 1)}


def test_there_is_one_thread_per_physical_core_by_default() -> None:
    """Hyperthreads do not count; a given number is used."""
    placed = placement.place("cpu", "auto", 0, model_layers=4, footprint=None)
    assert 1 <= placed.threads == devices.physical_cores()
    assert placement.place("cpu", "auto", 3, model_layers=4, footprint=None).threads == 3


def test_a_small_model_gets_one_batch_per_core_with_one_thread_each() -> None:
    """Unless the number of threads is given."""
    small = placement.SMALL - 1
    placed = placement.place("cpu", "auto", 0, model_layers=4, footprint=None, size=small)
    assert (placed.threads, placed.batches) == (1, devices.physical_cores())
    given = placement.place("cpu", "auto", 3, model_layers=4, footprint=None, size=small)
    assert (given.threads, given.batches) == (3, 1)
    large = placement.place("cpu", "auto", 0, model_layers=4, footprint=None, size=placement.SMALL)
    assert (large.threads, large.batches) == (devices.physical_cores(), 1)

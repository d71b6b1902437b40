"""Choosing a device and the number of layers on it, from devices as llama.cpp reports them."""

from __future__ import annotations

import pytest

from qmath_cli.engine.llama import devices
from qmath_cli.engine.llama.devices import MARGIN, Device, DeviceKind, Footprint
from qmath_cli.errors import UsageError

GIB = 1 << 30
CPU = Device("CPU", "a processor", DeviceKind.CPU, 64 * GIB, 64 * GIB, 1)
CUDA0 = Device("CUDA0", "a card", DeviceKind.GPU, 8 * GIB, 24 * GIB, 2)
CUDA1 = Device("CUDA1", "a card with more free memory", DeviceKind.GPU, 20 * GIB, 24 * GIB, 3)
METAL = Device("MTL0", "Apple", DeviceKind.INTEGRATED, 30 * GIB, 30 * GIB, 4)
MODEL = Footprint(layers=(GIB // 2,) * 10, output=GIB, compute=GIB // 4)


def test_the_cpu_is_always_a_device() -> None:
    """The installed build finds at least the CPU."""
    kinds = {device.kind for device in devices.devices()}
    assert DeviceKind.CPU in kinds


def test_auto_takes_the_gpu_with_the_most_free_memory() -> None:
    """A discrete GPU is preferred to an integrated one; without a GPU it is the CPU."""
    assert devices.choose("auto", [CPU, CUDA0, CUDA1, METAL]) is CUDA1
    assert devices.choose("auto", [CPU, METAL]) is METAL
    assert devices.choose("auto", [CPU]) is None


def test_a_device_is_named_by_kind_or_by_name() -> None:
    """`cuda` is any CUDA device, `cuda0` that one; llama.cpp calls `metal` MTL0."""
    available = [CPU, CUDA0, CUDA1, METAL]
    assert devices.choose("cuda", available) is CUDA1
    assert devices.choose("CUDA0", available) is CUDA0
    assert devices.choose("metal", available) is METAL
    assert devices.choose("cpu", available) is None


def test_a_missing_device_is_an_error() -> None:
    """The hint names the devices that exist."""
    with pytest.raises(UsageError, match="cuda") as caught:
        devices.choose("cuda", [CPU, METAL])
    assert "MTL0" in caught.value.hint


@pytest.mark.parametrize(
    ("free", "layers"),
    [(0, 0), (MARGIN + GIB // 4, 0), (MARGIN + 2 * GIB, 3), (MARGIN + 5 * GIB + GIB // 4, 9), (MARGIN + 7 * GIB, 10)],
)
def test_auto_offloads_what_fits(free: int, layers: int) -> None:
    """After compute buffers and a margin; all layers only if the output tensors fit too."""
    assert devices.layers_that_fit(MODEL, free) == layers


def test_layers_that_are_not_a_number_are_an_error() -> None:
    """As in `--gpu-layers some`."""
    with pytest.raises(UsageError, match="some"):
        devices._layers(CUDA0, "some", 10, lambda: MODEL)


@pytest.mark.parametrize(("given", "layers"), [("0", 0), ("3", 3), ("99", 10), ("-1", 10), ("auto", 10)])
def test_a_given_number_of_layers_is_used(given: str, layers: int) -> None:
    """Up to the number of the model's layers; a negative number means all."""
    assert devices._layers(CUDA1, given, 10, lambda: MODEL) == layers


def test_there_is_one_thread_per_physical_core_by_default() -> None:
    """Hyperthreads do not count; a given number is used."""
    placed = devices.place("cpu", "auto", 0, model_layers=4, footprint=None)
    assert 1 <= placed.threads == devices.physical_cores()
    assert devices.place("cpu", "auto", 3, model_layers=4, footprint=None).threads == 3


def test_a_small_model_gets_one_batch_per_core_with_one_thread_each() -> None:
    """Unless the number of threads is given."""
    small = devices.SMALL - 1
    placed = devices.place("cpu", "auto", 0, model_layers=4, footprint=None, size=small)
    assert (placed.threads, placed.batches) == (1, devices.physical_cores())
    given = devices.place("cpu", "auto", 3, model_layers=4, footprint=None, size=small)
    assert (given.threads, given.batches) == (3, 1)
    large = devices.place("cpu", "auto", 0, model_layers=4, footprint=None, size=devices.SMALL)
    assert (large.threads, large.batches) == (devices.physical_cores(), 1)

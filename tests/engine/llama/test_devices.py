"""Choosing a device and the layers on it, on devices as llama.cpp would report them."""

from __future__ import annotations

import pytest

from qmath_cli.engine.llama import devices
from qmath_cli.engine.llama.devices import MARGIN, Device, DeviceKind, Footprint
from qmath_cli.errors import UsageError

GIB = 1 << 30
CPU = Device("CPU", "a processor", DeviceKind.CPU, 64 * GIB, 64 * GIB, 1)
CUDA0 = Device("CUDA0", "a card", DeviceKind.GPU, 8 * GIB, 24 * GIB, 2)
CUDA1 = Device("CUDA1", "an emptier card", DeviceKind.GPU, 20 * GIB, 24 * GIB, 3)
METAL = Device("MTL0", "Apple", DeviceKind.INTEGRATED, 30 * GIB, 30 * GIB, 4)
MODEL = Footprint(layers=(GIB // 2,) * 10, output=GIB, compute=GIB // 4)


def test_the_cpu_is_always_a_device() -> None:
    """The installed build finds at least the CPU, with a name and memory."""
    kinds = {device.kind for device in devices.devices()}
    assert DeviceKind.CPU in kinds


def test_auto_takes_the_emptiest_graphics_card() -> None:
    """A card before an integrated GPU, the one with the most room before the others, the CPU if there is none."""
    assert devices.choose("auto", [CPU, CUDA0, CUDA1, METAL]) is CUDA1
    assert devices.choose("auto", [CPU, METAL]) is METAL
    assert devices.choose("auto", [CPU]) is None


def test_a_device_is_named_by_kind_or_by_name() -> None:
    """`cuda` is any CUDA device, `cuda0` that one, `metal` is what llama.cpp calls MTL0, `cpu` is none of them."""
    here = [CPU, CUDA0, CUDA1, METAL]
    assert devices.choose("cuda", here) is CUDA1
    assert devices.choose("CUDA0", here) is CUDA0
    assert devices.choose("metal", here) is METAL
    assert devices.choose("cpu", here) is None


def test_a_device_that_is_not_here_is_an_error() -> None:
    """Asking for CUDA on a build without it names what there is."""
    with pytest.raises(UsageError, match="cuda") as caught:
        devices.choose("cuda", [CPU, METAL])
    assert "MTL0" in caught.value.hint


@pytest.mark.parametrize(
    ("free", "layers"),
    [(0, 0), (MARGIN + GIB // 4, 0), (MARGIN + 2 * GIB, 3), (MARGIN + 5 * GIB + GIB // 4, 9), (MARGIN + 7 * GIB, 10)],
)
def test_auto_offloads_what_fits(free: int, layers: int) -> None:
    """Compute buffers and a margin first, then layers; all of them only if the output fits beside them."""
    assert devices.layers_that_fit(MODEL, free) == layers


def test_a_number_of_layers_that_is_none_is_an_error() -> None:
    """`--gpu-layers some` is a usage error."""
    with pytest.raises(UsageError, match="some"):
        devices._layers(CUDA0, "some", 10, lambda: MODEL)


@pytest.mark.parametrize(("asked", "layers"), [("0", 0), ("3", 3), ("99", 10), ("-1", 10), ("auto", 10)])
def test_a_number_of_layers_is_taken_as_it_is(asked: str, layers: int) -> None:
    """Up to all the model has; a negative number means all."""
    assert devices._layers(CUDA1, asked, 10, lambda: MODEL) == layers


def test_threads_are_physical_cores_unless_said_otherwise() -> None:
    """Hyperthreads do not count, and at least one thread remains."""
    placed = devices.place("cpu", "auto", 0, model_layers=4, footprint=None)
    assert 1 <= placed.threads == devices.physical_cores()
    assert devices.place("cpu", "auto", 3, model_layers=4, footprint=None).threads == 3


def test_a_small_model_gets_one_thread_and_a_lane_for_each_core() -> None:
    """Unless the user said how many threads there may be in all."""
    small = devices.SMALL - 1
    placed = devices.place("cpu", "auto", 0, model_layers=4, footprint=None, size=small)
    assert (placed.threads, placed.lanes) == (1, devices.physical_cores())
    asked = devices.place("cpu", "auto", 3, model_layers=4, footprint=None, size=small)
    assert (asked.threads, asked.lanes) == (3, 1)
    large = devices.place("cpu", "auto", 0, model_layers=4, footprint=None, size=devices.SMALL)
    assert (large.threads, large.lanes) == (devices.physical_cores(), 1)

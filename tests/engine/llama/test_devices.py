"""Choosing a device, from devices as llama.cpp reports them."""

from __future__ import annotations

import pytest

from qmath_cli.engine.llama import builds, devices
from qmath_cli.engine.llama.devices import Device, DeviceKind
from qmath_cli.errors import UsageError

GIB = 1 << 30
CPU = Device("CPU", "a processor", DeviceKind.CPU, 64 * GIB, 64 * GIB, 1)
CUDA0 = Device("CUDA0", "a card", DeviceKind.GPU, 8 * GIB, 24 * GIB, 2)
CUDA1 = Device("CUDA1", "a card with more free memory", DeviceKind.GPU, 20 * GIB, 24 * GIB, 3)
METAL = Device("MTL0", "Apple", DeviceKind.INTEGRATED, 30 * GIB, 30 * GIB, 4)


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


@pytest.mark.parametrize("name", ["cuda", "CUDA0", "vulkan0", "Vulkan:1", "rocm"])
def test_a_device_that_the_build_lacks_is_an_error_with_the_command_that_installs_it(name: str) -> None:
    """On a CPU build: the devices that exist, and the line that builds llama.cpp for this kind of GPU."""
    with pytest.raises(UsageError, match="built without") as caught:
        devices.choose(name, [CPU])
    assert name in caught.value.message
    assert "--device cpu" in caught.value.hint
    kind = {"rocm": "HIP"}.get(name, name.rstrip(":01").upper())
    assert f"-DGGML_{kind}=ON" in caught.value.hint


def test_a_device_that_the_build_supports_and_the_machine_lacks_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The build does not have to be replaced."""
    monkeypatch.setattr(devices, "supports", lambda _kind: True)
    with pytest.raises(UsageError, match="supports cuda, and finds no device") as caught:
        devices.choose("cuda", [CPU])
    assert "driver" in caught.value.hint
    assert "pip install" not in caught.value.hint


@pytest.mark.parametrize("name", ["metal", "MTL0"])
def test_a_device_of_another_system_is_not_offered_for_installation(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """There is no Metal on Linux, and no CUDA on macOS."""
    monkeypatch.setattr(builds.sys, "platform", "linux")
    with pytest.raises(UsageError, match="does not exist on this system") as caught:
        devices.choose(name, [CPU])
    assert "pip install" not in caught.value.hint
    monkeypatch.setattr(builds.sys, "platform", "darwin")
    with pytest.raises(UsageError, match="does not exist on this system"):
        devices.choose("cuda", [CPU])


@pytest.mark.parametrize("name", ["tpu", "gpu", "cuda5"])
def test_a_missing_device_is_an_error(name: str) -> None:
    """The hint names the devices that exist."""
    with pytest.raises(UsageError, match=name) as caught:
        devices.choose(name, [CPU, METAL])
    assert "MTL0" in caught.value.hint

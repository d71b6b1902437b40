"""Where a model runs: the device, the number of layers on it, and the number of CPU threads.

The devices are those that this build of llama.cpp supports and finds on this machine. `auto` takes the GPU with the
most free memory, or the CPU if there is no GPU. The number of layers that fit is computed from the model's `Footprint`.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from qmath_cli.engine.llama.library import library
from qmath_cli.errors import UsageError

SMALL = 64 << 20  # bytes; a decode step of a smaller model takes less time on one core than the barriers of several
MARGIN = 512 << 20  # bytes of device memory left free: for the desktop, fragmentation and errors of the estimate


class DeviceKind(IntEnum):
    """The values of `ggml_backend_dev_type` in ggml-backend.h."""

    CPU = 0
    GPU = 1
    INTEGRATED = 2
    ACCELERATOR = 3
    META = 4


@dataclass(frozen=True, slots=True)
class Device:
    """A device of llama.cpp: memory in bytes as it reports it, and `pointer`, its C handle."""

    name: str
    description: str
    kind: DeviceKind
    free: int
    total: int
    pointer: int

    @property
    def offloads(self) -> bool:
        """Whether layers can be put on it."""
        return self.kind in {DeviceKind.GPU, DeviceKind.INTEGRATED}


@dataclass(frozen=True, slots=True)
class Footprint:
    """The device memory a model needs, in bytes: each layer with its KV cells, the output tensors, compute buffers."""

    layers: tuple[int, ...]
    output: int
    compute: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model runs.

    `layers` of its layers are on `device`, the rest on the CPU (`device` None: all of them). Up to `batches` batches
    may be computed at the same time, each on `threads` threads.
    """

    device: Device | None
    layers: int
    all_layers: bool
    threads: int
    batches: int = 1

    @property
    def gpu_layers(self) -> int:
        """The value for llama.cpp's `n_gpu_layers`, which counts the output tensors as one more layer."""
        return self.layers + 1 if self.all_layers and self.device else self.layers

    def device_list(self) -> Any:  # noqa: ANN401  a C array
        """The value for llama.cpp's `devices`: a NULL-terminated array of handles, without the CPU."""
        pointers = [self.device.pointer] if self.device else []
        return (ctypes.c_void_p * (len(pointers) + 1))(*pointers, None)

    def __str__(self) -> str:
        if self.device is None:
            return f"CPU, {self.threads} thread{'s' if self.threads != 1 else ''}"
        if self.all_layers:
            return f"{self.device.name}, all layers"
        return f"{self.device.name}, {self.layers} layers, the rest on {self.threads} CPU threads"


def place(
    device_name: str,
    gpu_layers: str,
    threads: int,
    *,
    model_layers: int,
    footprint: Callable[[], Footprint] | None,
    cpu_only: bool = False,
    size: int = SMALL,
) -> Placement:
    """Decide where a model runs.

    Args:
        device_name: `auto`, `cpu`, a kind of GPU or a device's name: see `choose`.
        gpu_layers: `auto` or a number; a negative number means all layers.
        threads: CPU threads; 0 means one per physical core.
        model_layers: The model's number of layers.
        footprint: Computes the model's footprint; called only for a GPU. None: `auto` offloads every layer.
        cpu_only: `auto` does not take a GPU, because the preflight check crashed with one.
        size: The model's size in bytes.

    Raises:
        UsageError: The device does not exist here, or `gpu_layers` is not a number.
    """
    device = None if cpu_only and device_name == "auto" else choose(device_name, devices())
    layers = _layers(device, gpu_layers, model_layers, footprint)
    device = device if layers else None
    cores = physical_cores()
    if threads == 0 and device is None and size < SMALL:
        return Placement(None, 0, all_layers=False, threads=1, batches=cores)
    return Placement(device, layers, layers >= model_layers, threads or cores)


def choose(name: str, available: list[Device]) -> Device | None:
    """Find the device that a user named.

    Args:
        name: `auto`, `cpu`, a kind of GPU (`cuda`, `metal`) or a device's own name, in any case.
        available: The devices to choose from.

    Returns:
        The device, or None for the CPU.

    Raises:
        UsageError: There is no such device.
    """
    word = name.lower()
    usable = [device for device in available if device.offloads]
    if word == "cpu":
        return None
    if word == "auto":
        return max(usable, key=lambda device: (device.kind is DeviceKind.GPU, device.free), default=None)
    prefixes = {"metal": ("metal", "mtl")}.get(word, (word,))
    found = [device for device in usable if device.name.lower() == word] or [
        device for device in usable if device.name.lower().startswith(prefixes)
    ]
    if not found:
        names = ", ".join(["cpu", *(device.name for device in usable)])
        raise UsageError(
            f"this build of llama.cpp finds no device {name!r} on this machine",
            f"--device {names.replace(', ', ' or ')}",
        )
    return max(found, key=lambda device: device.free)


def layers_that_fit(footprint: Footprint, free: int) -> int:
    """How many layers fit into `free` bytes of device memory.

    llama.cpp offloads the last layers first. With all layers it also offloads the output tensors, which must then fit.
    """
    remaining = free - MARGIN - footprint.compute
    fitting = 0
    for layer in reversed(footprint.layers):
        remaining -= layer
        if remaining < 0:
            return fitting
        fitting += 1
    return fitting if remaining >= footprint.output else max(fitting - 1, 0)


def devices() -> list[Device]:
    """All devices of this build on this machine, including the CPU."""
    lib = _ggml()
    return [_device(lib, lib.ggml_backend_dev_get(index)) for index in range(lib.ggml_backend_dev_count())]


def physical_cores() -> int:
    """Number of cores that this process may run on; hyperthreads of one core count once."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    return len({_core(cpu) for cpu in allowed}) or 1


def _core(cpu: int) -> str:
    """A name for the physical core of a logical CPU; the CPU's number if the system does not report the core."""
    siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return siblings.read_text()
    except OSError:
        return str(cpu)


def _layers(
    device: Device | None, gpu_layers: str, model_layers: int, footprint: Callable[[], Footprint] | None
) -> int:
    """Number of layers on the device."""
    if device is None:
        return 0
    if gpu_layers != "auto":
        try:
            number = int(gpu_layers)
        except ValueError as exc:
            raise UsageError(f"--gpu-layers {gpu_layers!r} is neither auto nor a number", "--gpu-layers auto") from exc
        return model_layers if number < 0 else min(number, model_layers)
    return layers_that_fit(footprint(), device.free) if footprint is not None else model_layers


def _device(lib: Any, pointer: int) -> Device:  # noqa: ANN401
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    lib.ggml_backend_dev_memory(pointer, ctypes.byref(free), ctypes.byref(total))
    name, description = lib.ggml_backend_dev_name(pointer), lib.ggml_backend_dev_description(pointer)
    kind = DeviceKind(lib.ggml_backend_dev_type(pointer))
    return Device(name.decode(), description.decode("utf-8", "replace"), kind, free.value, total.value, pointer)


def _ggml() -> Any:  # noqa: ANN401
    """The ggml library, with types for the functions of ggml-backend.h that llama-cpp-python does not declare."""
    lib = library().ggml
    lib.ggml_backend_dev_count.restype = ctypes.c_size_t
    lib.ggml_backend_dev_get.restype = ctypes.c_void_p
    lib.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    for function in (lib.ggml_backend_dev_name, lib.ggml_backend_dev_description):
        function.restype, function.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    lib.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    lib.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    return lib

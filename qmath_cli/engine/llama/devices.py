"""Where a model runs: which device, how many of its layers there, how many threads.

Devices are llama.cpp's own: what this build was compiled for and finds here. `auto` takes the GPU with the most free
memory if there is one, else the CPU. How many layers fit is computed from the model's `Footprint`, not tried.
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

SMALL = 64 << 20  # bytes of a model whose decode step takes less time on one core than several spend on its barriers
MARGIN = 512 << 20  # bytes of device memory left alone: the desktop, fragmentation, the error of the estimate


class DeviceKind(IntEnum):
    """ggml_backend_dev_type of ggml-backend.h."""

    CPU = 0
    GPU = 1
    INTEGRATED = 2
    ACCELERATOR = 3
    META = 4


@dataclass(frozen=True, slots=True)
class Device:
    """A device that llama.cpp can compute on; memory in bytes as it reports it, `pointer` its C handle."""

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
    """What a model takes on a device, in bytes: each layer with its KV cells, the output tensors, the buffers."""

    layers: tuple[int, ...]
    output: int
    compute: int


@dataclass(frozen=True, slots=True)
class Placement:
    """What was decided; `layers` of the model's own layers on `device` (None: the CPU alone).

    `lanes` is how many batches may be computed side by side, on `threads` threads each.
    """

    device: Device | None
    layers: int
    all_layers: bool
    threads: int
    lanes: int = 1

    @property
    def gpu_layers(self) -> int:
        """The number as llama.cpp wants it, where the output counts as one more layer."""
        return self.layers + 1 if self.all_layers and self.device else self.layers

    def device_list(self) -> Any:  # noqa: ANN401  a C array
        """The NULL-terminated list that llama.cpp may use beside the CPU."""
        pointers = [self.device.pointer] if self.device else []
        return (ctypes.c_void_p * (len(pointers) + 1))(*pointers, None)

    def __str__(self) -> str:
        if self.device is None:
            return f"CPU, {self.threads} thread{'s' if self.threads != 1 else ''}"
        if self.all_layers:
            return f"{self.device.name}, all layers"
        return f"{self.device.name}, {self.layers} layers, the rest on {self.threads} CPU threads"


def place(
    asked: str,
    gpu_layers: str,
    threads: int,
    *,
    model_layers: int,
    footprint: Callable[[], Footprint] | None,
    cpu_only: bool = False,
    size: int = SMALL,
) -> Placement:
    """Decide where a model of `size` bytes in `model_layers` layers runs.

    Raises `UsageError` for a device that is not here.

    The footprint is asked for only if there is a device; without one, `auto` puts every layer on it. `cpu_only` (a
    preflight that GPUs did not survive) overrules `auto`.
    """
    device = None if cpu_only and asked == "auto" else choose(asked, devices())
    layers = _layers(device, gpu_layers, model_layers, footprint)
    device = device if layers else None
    cores = physical_cores()
    if threads == 0 and device is None and size < SMALL:
        return Placement(None, 0, all_layers=False, threads=1, lanes=cores)
    return Placement(device, layers, layers >= model_layers, threads or cores)


def choose(asked: str, here: list[Device]) -> Device | None:
    """The device the user means: `auto`, `cpu`, a kind of GPU (`cuda`, `metal`), or a device's own name."""
    word = asked.lower()
    usable = [device for device in here if device.offloads]
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
            f"this build of llama.cpp finds no device {asked!r} here", f"--device {names.replace(', ', ' or ')}"
        )
    return max(found, key=lambda device: device.free)


def layers_that_fit(footprint: Footprint, free: int) -> int:
    """How many layers, the last ones first as llama.cpp takes them, fit into `free` bytes; all only with the output."""
    room = free - MARGIN - footprint.compute
    fitting = 0
    for layer in reversed(footprint.layers):
        room -= layer
        if room < 0:
            return fitting
        fitting += 1
    return fitting if room >= footprint.output else max(fitting - 1, 0)


def devices() -> list[Device]:
    """Every device of this build, the CPU among them."""
    lib = _ggml()
    return [_device(lib, lib.ggml_backend_dev_get(index)) for index in range(lib.ggml_backend_dev_count())]


def physical_cores() -> int:
    """Cores that this process may run on, hyperthreads of one core counted once."""
    mine = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    return len({_core(cpu) for cpu in mine}) or 1


def _core(cpu: int) -> str:
    """A name for the physical core of a logical CPU; its own number where the system does not say."""
    siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return siblings.read_text()
    except OSError:
        return str(cpu)


def _layers(device: Device | None, asked: str, model_layers: int, footprint: Callable[[], Footprint] | None) -> int:
    if device is None:
        return 0
    if asked != "auto":
        try:
            number = int(asked)
        except ValueError as exc:
            raise UsageError(f"--gpu-layers {asked!r} is neither auto nor a number", "--gpu-layers auto") from exc
        return model_layers if number < 0 else min(number, model_layers)
    return layers_that_fit(footprint(), device.free) if footprint is not None else model_layers


def _device(lib: Any, pointer: int) -> Device:  # noqa: ANN401
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    lib.ggml_backend_dev_memory(pointer, ctypes.byref(free), ctypes.byref(total))
    name, description = lib.ggml_backend_dev_name(pointer), lib.ggml_backend_dev_description(pointer)
    kind = DeviceKind(lib.ggml_backend_dev_type(pointer))
    return Device(name.decode(), description.decode("utf-8", "replace"), kind, free.value, total.value, pointer)


def _ggml() -> Any:  # noqa: ANN401
    """The functions of ggml-backend.h, which llama-cpp-python ships without declaring them."""
    lib = library().ggml
    lib.ggml_backend_dev_count.restype = ctypes.c_size_t
    lib.ggml_backend_dev_get.restype = ctypes.c_void_p
    lib.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    for function in (lib.ggml_backend_dev_name, lib.ggml_backend_dev_description):
        function.restype, function.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    lib.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    lib.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    return lib

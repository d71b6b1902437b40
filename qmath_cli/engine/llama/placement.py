"""Where a model runs: the device, the number of layers on it, and the number of CPU threads.

The number of layers that fit is computed from the model's `Footprint`. Where nothing is on a GPU although the user
asked for it, or although this machine has one, the placement says so.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qmath_cli.engine.llama import builds
from qmath_cli.engine.llama.devices import Device, choose, devices, physical_cores, supports
from qmath_cli.errors import UsageError

SMALL = 64 << 20  # bytes; a decode step of a smaller model takes less time on one core than the barriers of several
MARGIN = 512 << 20  # bytes of device memory left free: for the desktop, fragmentation and errors of the estimate


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
    may be computed at the same time, each on `threads` threads. `note` is a sentence for the user where this is
    not what was asked for, or a GPU does nothing; it is empty else.
    """

    device: Device | None
    layers: int
    all_layers: bool
    threads: int
    batches: int = 1
    note: str = ""

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
    wanted = _wanted(gpu_layers)
    available = devices()
    device = None if cpu_only and device_name == "auto" else choose(device_name, available)
    layers = _layers(device, wanted, model_layers, footprint)
    note = "" if layers else _idle(device_name, device, wanted, available, cpu_only=cpu_only)
    device = device if layers else None
    cores = physical_cores()
    if threads == 0 and device is None and size < SMALL:
        return Placement(None, 0, all_layers=False, threads=1, batches=cores, note=note)
    return Placement(device, layers, layers >= model_layers, threads or cores, note=note)


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


def _idle(
    device_name: str, device: Device | None, wanted: int | None, available: list[Device], *, cpu_only: bool
) -> str:
    """Why nothing is on a GPU, where the user would not expect it; empty where it was asked for."""
    if wanted == 0 or (device_name.lower() == "cpu" and wanted is None):
        return ""
    if device_name.lower() == "cpu":
        return "nothing is offloaded: --gpu-layers has no effect with --device cpu"
    gpus = [found.name for found in available if found.offloads]
    if device is not None:
        free = f"{device.free / 1e9:.1f} GB"
        return f"{device.name} is left idle: not one layer fits into its free memory ({free}); --gpu-layers N insists"
    if cpu_only and gpus:
        return f"{gpus[0]} is left idle: this build of llama.cpp crashes with it (`qmath doctor`)"
    build = builds.gpu_line(kind) if (kind := builds.gpu_here()) else ""
    if build and not supports(kind):
        idle = f"this build of llama.cpp has no {kind}, and leaves the GPU of this machine idle; to use it: {build}"
    else:
        idle = "llama.cpp finds no GPU on this machine" if wanted is not None else ""
    return f"nothing is offloaded: {idle}" if wanted is not None else idle


def _wanted(gpu_layers: str) -> int | None:
    """The number of layers that a user asked for, negative for all of them; None for `auto`."""
    if gpu_layers.strip().lower() == "auto":
        return None
    try:
        return int(gpu_layers)
    except ValueError as exc:
        raise UsageError(
            f"--gpu-layers {gpu_layers!r} is neither auto nor a number", "--gpu-layers auto, or -1 for all layers"
        ) from exc


def _layers(
    device: Device | None, wanted: int | None, model_layers: int, footprint: Callable[[], Footprint] | None
) -> int:
    """Number of layers on the device."""
    if device is None:
        return 0
    if wanted is not None:
        return model_layers if wanted < 0 else min(wanted, model_layers)
    return layers_that_fit(footprint(), device.free) if footprint is not None else model_layers

"""The devices of this machine, as llama.cpp reports them, and the one that a user means.

The devices are those that this build of llama.cpp supports and finds on this machine. `auto` takes the GPU with the
most free memory, or the CPU if there is no GPU. A device that is asked for and does not exist is a usage error, which
says whether the system, the build or the machine lacks it.
"""

from __future__ import annotations

import ctypes
import os
import re
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from qmath_cli.engine.llama import builds
from qmath_cli.engine.llama.library import library
from qmath_cli.errors import UsageError


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
        raise _no_device(name, usable)
    return max(found, key=lambda device: device.free)


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


def _no_device(name: str, usable: list[Device]) -> UsageError:
    """The error for a device that was asked for: whether the build, the system or the machine lacks it."""
    kind = re.sub(r":?\d*$", "", name.lower())
    kind = {"mtl": "metal"}.get(kind, kind)
    others = " or ".join(["cpu", *(device.name for device in usable)])
    build, here = builds.gpu_line(kind), f"--device {others}"
    if not builds.known_gpu(kind):
        return UsageError(f"this build of llama.cpp finds no device {name!r} on this machine", here)
    if not build:
        return UsageError(f"there is no device {name!r}: {kind} does not exist on this system", here)
    if supports(kind):
        return UsageError(
            f"this build of llama.cpp supports {kind}, and finds no device {name!r} on this machine",
            f"{here}; if there is one, its driver is missing",
        )
    return UsageError(
        f"this build of llama.cpp finds no device {name!r} on this machine: it is built without {kind}",
        f"{here}; for {kind}: {build}",
    )


def supports(kind: str) -> bool:
    """Whether the build has the part of ggml that runs this kind of GPU."""
    lib = _ggml()
    names = [lib.ggml_backend_reg_name(lib.ggml_backend_reg_get(i)) for i in range(lib.ggml_backend_reg_count())]
    wanted = {"metal": ("metal", "mtl"), "hip": ("rocm", "hip"), "rocm": ("rocm", "hip")}.get(kind, (kind,))
    return any(name.decode().lower().startswith(wanted) for name in names)


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
    lib.ggml_backend_reg_count.restype = ctypes.c_size_t
    lib.ggml_backend_reg_get.restype, lib.ggml_backend_reg_get.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    lib.ggml_backend_reg_name.restype, lib.ggml_backend_reg_name.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    lib.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    lib.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    return lib

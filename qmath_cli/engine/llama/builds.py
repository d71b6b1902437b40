"""The installed build of llama.cpp, the CPU it runs on, and the command that builds it for this CPU.

Everything is read from files. llama_cpp is not imported: on a CPU that a build does not support, loading it may already
crash the process.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.engine.llama.library import INSTALL
from qmath_cli.errors import EngineUnusable

# CPU flags as Linux names them -> the options of ggml's CMakeLists.txt. AMX is missing because of the crash that
# `preflight` describes.
_CMAKE_OPTIONS = {
    "sse4_2": "SSE42",
    "avx": "AVX",
    "f16c": "F16C",
    "fma": "FMA",
    "bmi2": "BMI2",
    "avx2": "AVX2",
    "avx_vnni": "AVX_VNNI",
    "avx512bw": "AVX512",
    "avx512_vnni": "AVX512_VNNI",
    "avx512vbmi": "AVX512_VBMI",
    "avx512_bf16": "AVX512_BF16",
}

#: Leaves out what is never loaded: see the file. Apostrophes keep a path with blanks or backslashes in one piece.
_TRIMMED = f"-DCMAKE_PROJECT_INCLUDE_BEFORE='{Path(__file__).with_name('trim.cmake')}' "
_REBUILD = "pip install --force-reinstall --no-cache-dir --no-binary llama-cpp-python " + INSTALL.removeprefix(
    "pip install "
)
_STATED_VERSION = re.compile(r"^__version__\s*=\s*['\"]([^'\"]+)", re.MULTILINE)
_UNIX, _ANY = ("linux",), ("linux", "win32")
#: A kind of GPU: the option of ggml's CMakeLists.txt, and the systems that it exists on.
_GPU_OPTIONS = {
    "cuda": ("CUDA", _ANY),
    "metal": ("METAL", ("darwin",)),
    "vulkan": ("VULKAN", _ANY),
    "rocm": ("HIP", _ANY),
    "hip": ("HIP", _ANY),
    "sycl": ("SYCL", _ANY),
    "opencl": ("OPENCL", _ANY),
    "musa": ("MUSA", _UNIX),
    "cann": ("CANN", _UNIX),
}


@dataclass(frozen=True, slots=True)
class Build:
    """An installed build: a name to show, and a key that changes with the build and with the CPU."""

    name: str
    key: str


def installed() -> Build:
    """The build that `import llama_cpp` would load.

    Raises:
        EngineUnusable: llama_cpp is not installed.
    """
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        raise EngineUnusable("llama.cpp is not installed", INSTALL)
    override = os.environ.get("LLAMA_CPP_LIB_PATH")  # llama_cpp looks there first
    folder = Path(override) if override else Path(next(iter(spec.submodule_search_locations))) / "lib"
    name = f"llama-cpp-python {_version(Path(next(iter(spec.submodule_search_locations))))}"
    parts = [name, str(folder), *_library_stats(folder), platform.machine(), cpu_name(), " ".join(sorted(cpu_flags()))]
    return Build(name, hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16])


def rebuild_line() -> str:
    """The shell command that builds llama.cpp for this CPU, without AMX."""
    flags = cpu_flags()
    options = [f"-DGGML_{option}={'ON' if flag in flags else 'OFF'}" for flag, option in _CMAKE_OPTIONS.items()]
    cmake = " ".join(["-DGGML_NATIVE=OFF", *options] if flags & _CMAKE_OPTIONS.keys() else ["-DGGML_NATIVE=ON"])
    return f'CMAKE_ARGS="{_TRIMMED}{cmake}" {_REBUILD}'


def gpu_line(kind: str) -> str:
    """The shell command that builds llama.cpp for a kind of GPU on this system; empty if it cannot be built here.

    Args:
        kind: As in `--device`: `cuda`, `metal`, `vulkan`, `rocm`, `sycl`, in lower case.
    """
    option, systems = _GPU_OPTIONS.get(kind, ("", ()))
    if not option or sys.platform not in systems:
        return ""
    if sys.platform == "win32":
        rebuild = _REBUILD.replace("'", '"')
        return f'$env:CMAKE_ARGS="{_TRIMMED}-DGGML_{option}=ON"; {rebuild}'
    return f'CMAKE_ARGS="{_TRIMMED}-DGGML_{option}=ON" {_REBUILD}'


def known_gpu(kind: str) -> bool:
    """Whether llama.cpp has a part for this kind of GPU, on whatever system."""
    return kind in _GPU_OPTIONS


def gpu_here() -> str:
    """The kind of GPU (`cuda`, `metal`, `rocm`) that the system shows; empty if there seems to be none.

    A GPU that the user hid from programs (CUDA_VISIBLE_DEVICES) does not count.
    """
    if sys.platform == "darwin":
        return "metal" if platform.machine() == "arm64" else ""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    nvidia = Path("/dev/nvidia0").exists() or (
        (sys.platform == "win32" or Path("/dev/dxg").exists()) and shutil.which("nvidia-smi") is not None
    )
    if nvidia and (hidden is None or hidden.strip() not in {"", "-1"}):
        return "cuda"
    return "rocm" if Path("/dev/kfd").exists() and not nvidia else ""


def cpu_name() -> str:
    """The CPU's model name, or its architecture if the system does not report one."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def cpu_flags() -> frozenset[str]:
    """The CPU's features under Linux's names; empty on systems without /proc/cpuinfo."""
    return frozenset(_cpuinfo("flags").split() or _cpuinfo("Features").split())


def _cpuinfo(field: str) -> str:
    """The first value of a field of /proc/cpuinfo; empty on other systems."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            lines = (line.partition(":") for line in file)
            return next((value.strip() for name, _, value in lines if name.strip() == field), "")
    except OSError:
        return ""


def _library_stats(folder: Path) -> list[str]:
    """Name, size and modification time of each file in the library folder."""
    if not folder.is_dir():
        return []
    stats = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    return [f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats]


def _version(package: Path) -> str:
    """The version that the package states; `importlib.metadata` takes longer than everything else here together."""
    try:
        found = _STATED_VERSION.search((package / "__init__.py").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = None
    return found[1] if found else "of unknown version"

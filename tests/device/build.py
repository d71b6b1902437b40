"""Makes a machine without network ready: unpacks the wheels, builds llama.cpp for its GPU. Standard library only."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.device.machine import ROOT, Machine, Sizes, StepFailed, run
from tests.device.pack import BINDINGS, LLAMA_CPP, WHEELS

_OPTIONS = {
    "CMAKE_BUILD_TYPE": "Release",
    "BUILD_SHARED_LIBS": "ON",
    "LLAMA_BUILD_COMMON": "ON",
    "LLAMA_BUILD_TOOLS": "ON",  # the two that were packed
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_SERVER": "OFF",
    "LLAMA_BUILD_APP": "OFF",
    "LLAMA_OPENSSL": "OFF",
}
_CUDA = {"GGML_CUDA": "ON", "CMAKE_CUDA_ARCHITECTURES": "native"}
_DRIVERS = tuple(map(Path, ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/nvidia/lib64")))
_TARGETS = ("llama", "llama-bench", "llama-batched-bench")


def prepared(packed: Path, work: Path, device: str, sizes: Sizes) -> Machine:
    """Unpack and build everything below `work`; what is there already is kept.

    Raises:
        StepFailed: something that is needed is missing, or the build fails.
    """
    if not (packed / LLAMA_CPP).is_file():
        raise StepFailed(f"there is no {packed / LLAMA_CPP}: run python -m tests.device.pack where there is a network")
    site = work / "site"
    if not site.is_dir():
        unpack(packed, site)
    source, build = work / "llama.cpp", work / "build"
    if not source.is_dir():
        _extract(packed / LLAMA_CPP, work)
    more = {}
    if device == "cuda":
        more = {**cublas(_toolkits(), _packages()), **driver(_toolkits(), _DRIVERS)}
    compile_library(source, build, device, more)
    environment = {
        "PYTHONPATH": os.pathsep.join(map(str, (site, ROOT, ROOT / "convert"))),
        "LLAMA_CPP_LIB_PATH": str(build / "bin"),
        "QMATH_HOME": str(work / "home"),
    }
    return Machine(work, device, environment, build / "bin", sizes)


def unpack(packed: Path, site: Path) -> None:
    """Unpack the wheels, which are zip files of what is to be importable, and llama-cpp-python's Python part."""
    fresh = site.with_name("site.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for wheel in sorted((packed / WHEELS).glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(fresh)
    _extract(packed / BINDINGS, fresh)
    fresh.rename(site)


def compile_library(source: Path, build: Path, device: str, more: Mapping[str, str]) -> None:
    """Configure and compile libllama and the two reference tools; `more` are further CMake variables."""
    for tool in ("cmake", *(("nvcc",) if device == "cuda" else ())):
        if shutil.which(tool) is None:
            raise StepFailed(f"{tool} is not in the PATH")
    options = {**_OPTIONS, **(_CUDA if device == "cuda" else {}), **more}
    configure = ["cmake", "-S", str(source), "-B", str(build), *(f"-D{key}={value}" for key, value in options.items())]
    run([*configure, *(["-G", "Ninja"] if shutil.which("ninja") else [])], {})
    run(["cmake", "--build", str(build), "-j", str(os.cpu_count() or 1), "-t", *_TARGETS], {})


def cublas(toolkits: Sequence[Path], packages: Sequence[Path]) -> dict[str, str]:
    """The CMake variables that lead to cuBLAS where only Python packages have it, as beside PyTorch.

    Args:
        toolkits: The folders of the CUDA toolkit; if one has cuBLAS, CMake finds it, and nothing is returned.
        packages: The folders of NVIDIA's Python packages.

    Raises:
        StepFailed: it is in neither.
    """
    if any(True for folder in toolkits for _ in folder.rglob("libcublas.so*")):
        return {}
    libraries = {name: _newest(packages, f"lib{name}.so*") for name in ("cublas", "cublasLt")}
    header = _newest(packages, "cublas_v2.h")
    if header is None or None in libraries.values():
        raise StepFailed("cuBLAS is neither in the CUDA toolkit nor among NVIDIA's Python packages")
    flags = {f"CMAKE_{language}_FLAGS": f"-I{header.parent}" for language in ("CXX", "CUDA")}
    return {f"CUDA_{name}_LIBRARY": str(path) for name, path in libraries.items()} | flags


def driver(toolkits: Sequence[Path], folders: Sequence[Path]) -> dict[str, str]:
    """The CMake variable that leads to the driver's library where the toolkit has no stub of it to link with.

    Where it is nowhere, that which gives up what needs it, ggml's pool of virtual memory.
    """
    if any(True for folder in toolkits for _ in folder.rglob("libcuda.so*")):
        return {}
    found = _newest(folders, "libcuda.so*")
    return {"GGML_CUDA_NO_VMM": "ON"} if found is None else {"CUDA_cuda_driver_LIBRARY": str(found)}


def gpu() -> str:
    """The name of the GPU and its driver, as nvidia-smi gives them; empty where there is none."""
    if shutil.which("nvidia-smi") is None:
        return ""
    command = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True)
    return "; ".join(done.stdout.strip().splitlines())


def _toolkits() -> list[Path]:
    named = [Path(os.environ[name]) for name in ("CUDA_HOME", "CUDA_PATH") if name in os.environ]
    return [*named, *Path("/usr/local").glob("cuda*")]


def _packages() -> list[Path]:
    spec = importlib.util.find_spec("nvidia")
    return [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []


def _newest(folders: Sequence[Path], pattern: str) -> Path | None:
    found = sorted(path for folder in folders for path in folder.rglob(pattern))
    return found[-1] if found else None


def _extract(archive: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")

"""Gathers what travels to a machine without network: sources of llama.cpp, the Python part of llama-cpp-python, wheels.

    python -m tests.device.pack --llama-cpp SOURCE [--into tests/device/packed]

SOURCE is the unpacked source distribution of llama-cpp-python, of the version that qmath is tested with. Of llama.cpp
only ggml (its CPU and CUDA backends), src and include travel, and of its programs the two that qmath is compared with:
llama-bench and llama-batched-bench, with the folders common and vendor that they need.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKED = Path(__file__).resolve().parent / "packed"
LIMIT = 60 << 20  # bytes, of everything
LLAMA_CPP, BINDINGS, WHEELS = "llama.cpp.tar.xz", "llama_cpp.tar.xz", "wheels"

_FOLDERS = ("cmake", "common", "include", "src", "vendor", "tools/llama-bench", "tools/batched-bench")
_FILES = ("CMakeLists.txt", "LICENSE", "ggml/CMakeLists.txt")
_BACKENDS = ("ggml-cpu", "ggml-cuda")
_TOOLS = "add_subdirectory(llama-bench)\nadd_subdirectory(batched-bench)\n"  # in place of tools/CMakeLists.txt
_LICENCES = ("licenses",)
_TESTED_WITH = ("pytest>=8.3", "hypothesis>=6.100", "tokenizers>=0.20", "jsonschema>=4.23", "pexpect>=4.9")
_BINDINGS_NEED = ("diskcache>=5.6.1", "jinja2>=2.11.3", "typing-extensions>=4.5")
_PLATFORMS = (
    "manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64",
    "manylinux_2_12_x86_64", "manylinux2010_x86_64", "manylinux_2_5_x86_64", "manylinux1_x86_64",
)  # fmt: skip


def pack(source: Path, folder: Path) -> int:
    """Fill `folder`. Returns its bytes. Raises `SystemExit` if they are more than `LIMIT`."""
    llama_cpp = source / "vendor" / "llama.cpp"
    if not (llama_cpp / "ggml" / "src" / "ggml-cuda").is_dir():
        raise SystemExit(f"{source} is no source distribution of llama-cpp-python: it has no vendor/llama.cpp")
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / LLAMA_CPP, "w:xz") as archive:
        for path in wanted(llama_cpp):
            archive.add(path, f"llama.cpp/{path.relative_to(llama_cpp)}", recursive=False)
        made = tarfile.TarInfo("llama.cpp/tools/CMakeLists.txt")
        made.size = len(_TOOLS)
        archive.addfile(made, io.BytesIO(_TOOLS.encode()))
    with tarfile.open(folder / BINDINGS, "w:xz") as archive:
        for path in sorted((source / "llama_cpp").glob("*.py")):
            archive.add(path, f"llama_cpp/{path.name}")
    download(folder / WHEELS)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > LIMIT:
        raise SystemExit(f"{folder} has {size / 2**20:.0f} MiB; {LIMIT >> 20} may travel")
    return size


def wanted(llama_cpp: Path) -> Iterator[Path]:
    """The files of llama.cpp that are built there."""
    yield from (llama_cpp / name for name in _FILES)
    for name in (*_FOLDERS, "ggml/include", "ggml/cmake", *_LICENCES):
        yield from sorted(path for path in (llama_cpp / name).rglob("*") if path.is_file())
    ggml = llama_cpp / "ggml" / "src"
    yield from sorted(path for path in ggml.iterdir() if path.is_file())
    for name in _BACKENDS:
        yield from sorted(path for path in (ggml / name).rglob("*") if path.is_file())


def download(folder: Path) -> None:
    """Download the wheels of what qmath and its engine tests import, for Python 3.12, without numpy."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [name for name in project["dependencies"] if not name.startswith(("llama-cpp-python", "numpy"))]
    command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "--dest", str(folder)]
    command += ["--python-version", "3.12", "--implementation", "cp", "--abi", "cp312", "--abi", "abi3"]
    command += ["--abi", "none", *(f"--platform={name}" for name in (*_PLATFORMS, "any"))]
    subprocess.run([*command, *needed, *_TESTED_WITH, *_BINDINGS_NEED], check=True)
    for wheel in folder.glob("numpy-*.whl"):  # the machine has it
        wheel.unlink()


def main() -> None:
    """Pack, and say what it weighs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama-cpp", type=Path, required=True)
    parser.add_argument("--into", type=Path, default=PACKED)
    arguments = parser.parse_args()
    print(f"{arguments.into}: {pack(arguments.llama_cpp, arguments.into) / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()

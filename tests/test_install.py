"""The README's install commands, without compiling anything: what reaches CMake, and what CMake makes of it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from qmath_cli.engine.llama import builds

_INCLUDE = "-DCMAKE_PROJECT_INCLUDE_BEFORE="
_PROJECT = """
cmake_minimum_required(VERSION 3.21)
project(llama_cpp NONE)
option(LLAVA_BUILD "as llama-cpp-python has it" ON)
set(LLAMA_BUILD_COMMON ON CACHE BOOL "as llama-cpp-python has it" FORCE)
if(LLAVA_BUILD OR LLAMA_BUILD_COMMON)
  message(FATAL_ERROR "everything is built")
endif()
"""


def commands(root: Path) -> list[str]:
    """The README's install commands for POSIX shells, up to the installation."""
    lines = (root / "README.md").read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if line.startswith("python3 -m venv .venv && ")]
    assert len(found) == 2
    return [re.split(r" && (?=\.venv/bin/(?:qmath|python) )", line)[0] for line in found]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize("which", [0, 1])
def test_the_include_reaches_cmake_as_one_argument(root: Path, tmp_path: Path, shell: str, which: int) -> None:
    """Also from a folder with blanks in its name: scikit-build-core splits CMAKE_ARGS as a POSIX shell would."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    folder = tmp_path / "a folder, with blanks"
    (folder / ".venv" / "bin").mkdir(parents=True)
    pip = folder / ".venv" / "bin" / "pip"
    pip.write_text('#!/bin/sh\nprintf %s "$CMAKE_ARGS"\n')
    pip.chmod(0o755)
    line = commands(root)[which].removeprefix("python3 -m venv .venv && ")
    done = subprocess.run([shell, "-c", line], cwd=folder, capture_output=True, text=True, check=True)
    (argument,) = shlex.split(done.stdout)
    named = Path(argument.removeprefix(_INCLUDE)).relative_to(folder)
    assert (root / named).is_file()


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
def test_the_include_leaves_out_what_is_forced_on(root: Path, tmp_path: Path) -> None:
    """An option with a default, and a cache entry that is set with FORCE."""
    (tmp_path / "CMakeLists.txt").write_text(_PROJECT)
    configure = ["cmake", "-S", str(tmp_path), "-B", str(tmp_path / "build")]
    include = _INCLUDE + str(root / "qmath_cli" / "engine" / "llama" / "trim.cmake")
    assert subprocess.run(configure, capture_output=True, check=False).returncode != 0
    assert subprocess.run([*configure, include], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("line", [builds.rebuild_line(), builds.gpu_line("vulkan")])
def test_a_rebuild_leaves_it_out_too(line: str) -> None:
    """The command that `doctor` prints names the installed file."""
    if not line:
        pytest.skip("not on this system")
    argument = next(word for word in shlex.split(shlex.split(line)[0].partition("=")[2]) if word.startswith(_INCLUDE))
    assert Path(argument.removeprefix(_INCLUDE)).is_file()

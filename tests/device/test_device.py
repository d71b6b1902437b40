"""The script for machines with a GPU, run on the CPU in small shapes.

Left out: the build of llama.cpp, its own tools beside ours, and all that only a GPU shows.
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.device import build, pack, steps
from tests.device.__main__ import main
from tests.device.machine import Machine, Row, StepFailed, table


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, list[str]]]:
    """The exit code of a whole run in small shapes, and the lines of its table by their first cell."""
    work = tmp_path_factory.mktemp("device")
    code = main(["--device=cpu", "--installed", "--tiny", f"--work={work}", f"--table={work / 'table.md'}"])
    lines = [line.strip("| ").split("|") for line in (work / "table.md").read_text().splitlines()]
    return code, {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


@pytest.mark.parametrize(
    ("line", "figure"),
    [
        ("convert to Q4_K_M, verified", r"[\d.]+ s"),
        ("prefill, tokens/s", r"[\d.]+"),
        ("decode 2, tokens/s", r"[\d.]+"),
        ("v(n)", r"1: 1\.00, .*"),
        ("drafts", r"none: they do not gain here"),
        ("--gpu-layers 1: placed", r".*CPU.*"),
        ("eval demo", r"100\.0% of 2, \d+ tokens/s"),
        ("tests of the engine", r"\d+ passed in .*"),
    ],
)
def test_every_step_leaves_a_line_with_its_figure(
    printed: tuple[int, dict[str, list[str]]], line: str, figure: str
) -> None:
    """One run of everything, with the commands that a user has."""
    code, lines = printed
    assert code == 0, lines
    assert re.fullmatch(figure, lines[line][0]), lines[line]


def test_a_step_that_fails_is_a_line_and_the_others_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The time on such a machine is short: what can be measured is."""

    def broken(machine: Machine) -> Sequence[Row]:
        machine.python("-c", "import sys; sys.exit('the GPU has fallen off the bus')")
        return []

    def sound(machine: Machine) -> Sequence[Row]:
        return [Row("sound", "1")]

    monkeypatch.setattr(steps, "STEPS", (broken, sound))
    assert main(["--device=cpu", "--installed", "--tiny", f"--work={tmp_path}"]) == 1
    out = capsys.readouterr().out
    assert "fallen off the bus" in out
    assert "| sound" in out


def test_a_machine_without_what_must_travel_is_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was packed."""
    assert main(["--device=cpu", f"--work={tmp_path}", f"--packed={tmp_path}"]) == 1
    assert "tests.device.pack" in capsys.readouterr().err


def test_only_what_is_built_is_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other backends stay behind, and of the tools all but two; the wheels are unpacked beside the bindings."""
    llama_cpp = tmp_path / "source" / "vendor" / "llama.cpp"
    names = [
        "CMakeLists.txt", "LICENSE", "ggml/CMakeLists.txt", "ggml/src/ggml.c", "ggml/src/ggml-cuda/mmq.cu",
        "ggml/src/ggml-metal/ggml.metal", "src/llama.cpp", "tools/server/server.cpp", "tools/llama-bench/main.cpp",
        "tools/CMakeLists.txt", "models/vocab.gguf",
    ]  # fmt: skip
    for path in [*(llama_cpp / name for name in names), tmp_path / "source" / "llama_cpp" / "__init__.py"]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    monkeypatch.setattr(pack, "download", one_wheel)
    pack.pack(tmp_path / "source", tmp_path / "packed")
    with tarfile.open(tmp_path / "packed" / pack.LLAMA_CPP) as archive:
        packed = {name.removeprefix("llama.cpp/") for name in archive.getnames()}
        tools = archive.extractfile("llama.cpp/tools/CMakeLists.txt")
        assert tools is not None
        assert b"llama-bench" in tools.read()
    assert packed == set(names) - {"ggml/src/ggml-metal/ggml.metal", "tools/server/server.cpp", "models/vocab.gguf"}
    build.unpack(tmp_path / "packed", tmp_path / "site")
    assert {path.name for path in (tmp_path / "site").iterdir()} == {"a_package.py", "llama_cpp"}


def one_wheel(folder: Path) -> None:
    """In place of a download."""
    folder.mkdir(parents=True)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a_package.py", "")
    (folder / "a_package-1-py3-none-any.whl").write_bytes(data.getvalue())


def test_more_than_may_travel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds for everything together."""
    (tmp_path / "source" / "vendor" / "llama.cpp" / "ggml" / "src" / "ggml-cuda").mkdir(parents=True)
    for name in ("CMakeLists.txt", "LICENSE", "ggml/CMakeLists.txt"):
        (tmp_path / "source" / "vendor" / "llama.cpp" / name).write_text("x")
    monkeypatch.setattr(pack, "download", one_wheel)
    monkeypatch.setattr(pack, "LIMIT", 100)
    with pytest.raises(SystemExit, match="may travel"):
        pack.pack(tmp_path / "source", tmp_path / "packed")


def test_cublas_is_taken_from_pythons_packages_where_the_toolkit_lacks_it(tmp_path: Path) -> None:
    """As on machines where it came with PyTorch; a toolkit that has it needs no help."""
    for name in ("lib/libcublas.so.13", "lib/libcublasLt.so.13", "include/cublas_v2.h"):
        path = tmp_path / "nvidia" / "cu13" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "cuda").mkdir()
    found = build.cublas([tmp_path / "cuda"], [tmp_path / "nvidia"])
    assert found["CUDA_cublas_LIBRARY"].endswith("libcublas.so.13")
    assert found["CMAKE_CUDA_FLAGS"] == f"-I{tmp_path / 'nvidia' / 'cu13' / 'include'}"
    with pytest.raises(StepFailed, match="cuBLAS"):
        build.cublas([tmp_path / "cuda"], [])
    (tmp_path / "cuda" / "libcublas.so").touch()
    assert build.cublas([tmp_path / "cuda"], [tmp_path / "nvidia"]) == {}


def test_the_drivers_library_is_linked_where_the_toolkit_has_no_stub_of_it(tmp_path: Path) -> None:
    """Without either, the memory pool that needs it is left out."""
    for name in ("cuda", "lib"):
        (tmp_path / name).mkdir()
    assert build.driver([tmp_path / "cuda"], [tmp_path / "lib"]) == {"GGML_CUDA_NO_VMM": "ON"}
    (tmp_path / "lib" / "libcuda.so.1").touch()
    found = build.driver([tmp_path / "cuda"], [tmp_path / "lib"])
    assert found == {"CUDA_cuda_driver_LIBRARY": str(tmp_path / "lib" / "libcuda.so.1")}
    (tmp_path / "cuda" / "libcuda.so").touch()
    assert build.driver([tmp_path / "cuda"], [tmp_path / "lib"]) == {}


def test_the_table_is_markdown_with_aligned_columns() -> None:
    """It goes into the README as it is."""
    assert table([Row("decode 1", "15.6", "15.3", "1.02"), Row("v(n)", "1: 1.00")]).splitlines() == [
        "|          | here    | llama.cpp | ratio |",
        "|----------|---------|-----------|-------|",
        "| decode 1 | 15.6    | 15.3      | 1.02  |",
        "| v(n)     | 1: 1.00 |           |       |",
    ]

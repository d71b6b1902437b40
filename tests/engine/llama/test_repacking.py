"""Copies of weights in the CPU's own layout: what is said of them is what llama.cpp allocates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmath_cli import gguf_file
from qmath_cli.engine.llama.library import library
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.engine.llama.repacking import repacked_types
from qmath_cli.models import fit
from tests.bench.memory import measured

_COPIES = re.compile(r"(?:CPU_REPACK|AMX) model buffer size = +([\d.]+) MiB")


@pytest.fixture
def log() -> Iterator[list[str]]:
    """What llama.cpp logs during the test."""
    lines: list[str] = []
    lib = library().lib
    callback = lib.llama_log_callback(lambda _level, text, _data: lines.append(text.decode("utf-8", "replace")))
    library().clear_warnings()
    before, library()._callback = library()._callback, callback
    yield lines
    library()._callback = before
    library().clear_warnings()


def copied(log: list[str]) -> float:
    """MiB of copies."""
    return sum(float(found) for found in _COPIES.findall("".join(log)))


@pytest.mark.parametrize("name", ["demo-q4_k_m.gguf", "demo-q8_0.gguf"])
def test_the_copies_are_those_that_llama_cpp_makes(demo: Path, log: list[str], name: str) -> None:
    """For the types of which this build has kernels for this CPU, whichever these are."""
    path = demo.parent / name
    with load(path, Options(device="cpu"), Preflight()):
        said = fit.need(gguf_file.read(path), 0, repacked=repacked_types()).repacked
    assert said / 2**20 == pytest.approx(copied(log), abs=0.01)


def test_without_repacking_there_are_none(demo: Path, log: list[str]) -> None:
    """The mapped weights are the only ones."""
    with load(demo.parent / "demo-q4_k_m.gguf", Options(device="cpu", repack=False), Preflight()):
        assert "CPU_Mapped model buffer size" in "".join(log)
    assert copied(log) == 0


@pytest.mark.parametrize("flags", [{}, {"ctx": 1024, "k": 4}])
def test_the_need_is_the_peak_of_a_process(
    flags: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Within a tenth, for the demo, whose need is mostly that of the process.

    Also where the process that starts it is larger: that one's memory is not this one's.
    """
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    said, peak = measured("demo", flags, long=True)
    assert said == pytest.approx(peak, rel=0.1)

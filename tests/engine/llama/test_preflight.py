"""A build that crashes is a verdict, not a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.engine.llama import builds, preflight
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Preflight, Trial, Way
from qmath_cli.errors import EngineUnusable


class Probes:
    """Probes whose children really die, in the ways listed."""

    def __init__(self, **deaths: signal.Signals) -> None:
        self.deaths = deaths
        self.tried: list[Way] = []

    def __call__(self, _model: Path, way: Way, _device: str) -> str:
        self.tried.append(way)
        code = f"import os; os.kill(os.getpid(), {self.deaths[way.name]:d})" if way.name in self.deaths else ""
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        return preflight._failure(child.returncode, child.stderr.decode())


def test_the_real_build_survives_in_some_way(demo: Path, tmp_path: Path) -> None:
    """The real child decodes with the real library, and the verdict is remembered."""
    verdict = preflight.check(demo, tmp_path)
    assert verdict.way is not None
    assert preflight.check(demo, tmp_path, probe=Probes()) == verdict


def test_a_segfault_with_repacking_is_avoided(demo: Path, tmp_path: Path) -> None:
    """SIGSEGV in the full way: the next way is taken, named, and has its price named too."""
    probes = Probes(FULL=signal.SIGSEGV)
    verdict = preflight.check(demo, tmp_path, probe=probes)
    assert verdict.trials == (Trial(Way.FULL, "SIGSEGV"), Trial(Way.NO_REPACKING))
    assert not verdict.extra_buffers
    assert "SIGSEGV" in verdict.note
    assert "-DGGML_" in verdict.rebuild


def test_the_verdict_is_paid_for_once(demo: Path, tmp_path: Path) -> None:
    """Remembered per build, CPU and device; another device is another question."""
    first, second, other = Probes(FULL=signal.SIGSEGV), Probes(), Probes()
    verdict = preflight.check(demo, tmp_path, probe=first)
    assert preflight.check(demo, tmp_path, probe=second) == verdict
    assert second.tried == []
    preflight.check(demo, tmp_path, "cpu", probe=other)
    assert other.tried == [Way.FULL]


def test_a_build_that_never_survives_is_a_clear_error(demo: Path, tmp_path: Path) -> None:
    """SIGILL in every way: nothing is loaded, the hint is the rebuild line, and it is asked again next time."""
    deadly = dict.fromkeys((way.name for way in Way), signal.SIGILL)
    verdict = preflight.check(demo, tmp_path, probe=Probes(**deadly))
    with pytest.raises(EngineUnusable, match="SIGILL") as caught:
        load(demo, Options(), verdict)
    assert "CMAKE_ARGS" in caught.value.hint
    rebuilt = Probes()
    assert preflight.check(demo, tmp_path, probe=rebuilt).way is Way.FULL


def test_a_damaged_or_unwritable_cache_costs_time_only(demo: Path, tmp_path: Path) -> None:
    """Nonsense in the cache file is found out anew; a cache that cannot be written is no error."""
    (tmp_path / "preflight.json").write_text("{nonsense")
    assert preflight.check(demo, tmp_path, probe=Probes()).way is Way.FULL
    (tmp_path / "file").write_text("")
    assert preflight.check(demo, tmp_path / "file" / "below", probe=Probes()).way is Way.FULL


@pytest.mark.parametrize("way", list(Way))
def test_the_real_child_survives_each_way(demo: Path, way: Way) -> None:
    """Every fallback is a way that works: loading and decoding with fewer features."""
    assert preflight.run_child(demo, way, "cpu") == ""


def test_a_child_that_cannot_load_says_why(tmp_path: Path) -> None:
    """An error in the child is a sentence, not a signal."""
    assert "none.gguf" in preflight.run_child(tmp_path / "none.gguf", Way.FULL, "cpu")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_child_starts_leaves_no_child(
    demo: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """The handler's exception rises when there is somebody to end the child; the handlers are back in their place."""
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            started.append(self)
            signal.raise_signal(number)

    def handler(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, handler)
    try:
        monkeypatch.setattr(subprocess, "Popen", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            preflight.run_child(demo, Way.FULL, "cpu")
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)
    assert [child.returncode for child in started] == [-signal.SIGKILL]


def test_another_build_is_another_question(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The key changes when the libraries do."""
    before = builds.installed()
    (tmp_path / "libllama.so").write_bytes(b"")
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    other = builds.installed()
    os.utime(tmp_path / "libllama.so", (0, 0))
    assert len({before.key, other.key, builds.installed().key}) == 3


def test_the_rebuild_line_fits_this_cpu() -> None:
    """Each switch is on exactly if the CPU has the feature, and AMX is never asked for."""
    line, flags = builds.rebuild_line(), builds.cpu_flags()
    assert "AMX" not in line
    if "avx2" in flags:
        assert "-DGGML_AVX2=ON" in line
    assert ("-DGGML_AVX512=ON" in line) == ("avx512bw" in flags)


def test_no_library_is_said_with_the_line_that_installs_it() -> None:
    """Without llama_cpp, asking for the engine names the cause and the cure, and shows no traceback of an import."""
    code = (
        "import sys; sys.modules['llama_cpp'] = None\n"
        "from qmath_cli.engine.llama.library import library\n"
        "from qmath_cli.errors import EngineUnusable\n"
        "try: library()\n"
        "except EngineUnusable as exc: print(exc.message, '|', exc.hint)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("llama.cpp is not installed | pip install")


def test_a_verdict_of_nothing_is_no_note() -> None:
    """Where nothing was given up, there is nothing to say."""
    assert Preflight().note == ""

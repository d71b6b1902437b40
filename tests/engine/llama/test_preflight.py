"""The preflight check: crashes of a build, in child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.engine.llama import builds, devices, preflight
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Attempt, Features, Preflight, Trial
from qmath_cli.errors import EngineUnusable, UsageError


class Probes:
    """Probes that start real children, some of which are killed by the given signals."""

    def __init__(self, **signals: signal.Signals) -> None:
        self.signals = signals
        self.tried: list[Features] = []

    def __call__(self, _model: Path, features: Features, _device: str) -> Attempt:
        self.tried.append(features)
        number = self.signals.get(features.name)
        code = "" if number is None else f"import os; os.kill(os.getpid(), {number:d})"
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        return Attempt(preflight._failure(child.returncode, child.stderr.decode()))


def test_the_installed_build_runs(demo: Path, tmp_path: Path) -> None:
    """The real child decodes with the real library, and the result is cached."""
    result = preflight.check(demo, tmp_path)
    assert result.features is not None
    assert preflight.check(demo, tmp_path, probe=Probes()) == result


def test_after_a_segfault_fewer_features_are_tried(demo: Path, tmp_path: Path) -> None:
    """SIGSEGV with all features: the result has the features that work, the reason and the command to rebuild."""
    probes = Probes(FULL=signal.SIGSEGV)
    result = preflight.check(demo, tmp_path, probe=probes)
    assert result.trials == (Trial(Features.FULL, "SIGSEGV"), Trial(Features.NO_REPACKING))
    assert not result.extra_buffers
    assert "SIGSEGV" in result.note
    assert "-DGGML_" in result.rebuild


def test_the_check_runs_once_per_device(demo: Path, tmp_path: Path) -> None:
    """The result is cached; another device is checked separately."""
    first, second, other = Probes(FULL=signal.SIGSEGV), Probes(), Probes()
    result = preflight.check(demo, tmp_path, probe=first)
    assert preflight.check(demo, tmp_path, probe=second) == result
    assert second.tried == []
    preflight.check(demo, tmp_path, "cpu", probe=other)
    assert other.tried == [Features.FULL]


def test_a_build_that_does_not_run_is_an_error_at_loading(demo: Path, tmp_path: Path) -> None:
    """SIGILL with any features: the hint is the command to rebuild, and the next check runs again."""
    failing = dict.fromkeys((features.name for features in Features), signal.SIGILL)
    result = preflight.check(demo, tmp_path, probe=Probes(**failing))
    with pytest.raises(EngineUnusable, match="SIGILL") as caught:
        load(demo, Options(), result)
    assert "CMAKE_ARGS" in caught.value.hint
    rebuilt = Probes()
    assert preflight.check(demo, tmp_path, probe=rebuilt).features is Features.FULL


def test_a_damaged_or_unwritable_cache_is_not_an_error(demo: Path, tmp_path: Path) -> None:
    """The check runs again."""
    (tmp_path / "preflight.json").write_text("{nonsense")
    assert preflight.check(demo, tmp_path, probe=Probes()).features is Features.FULL
    (tmp_path / "file").write_text("")
    assert preflight.check(demo, tmp_path / "file" / "below", probe=Probes()).features is Features.FULL


@pytest.mark.parametrize("features", list(Features))
def test_the_installed_build_runs_with_any_features(demo: Path, features: Features) -> None:
    """Loading and decoding work with fewer features too."""
    assert preflight.run_child(demo, features, "cpu").failure == ""


def test_an_error_in_the_child_is_its_message(tmp_path: Path) -> None:
    """Here: the model file does not exist."""
    assert "none.gguf" in preflight.run_child(tmp_path / "none.gguf", Features.FULL, "cpu").failure


@pytest.mark.parametrize("device", ["cuda", "metal", "vulkan0", "tpu"])
def test_a_device_that_does_not_exist_is_no_fault_of_the_build(demo: Path, tmp_path: Path, device: str) -> None:
    """It is a usage error with a hint, nothing is cached, and fewer features are not tried."""
    if [found for found in devices.devices() if found.offloads]:
        pytest.skip("this machine has a GPU")
    tried: list[Features] = []

    def counted(model: Path, features: Features, name: str) -> Attempt:
        tried.append(features)
        return preflight.run_child(model, features, name)

    with pytest.raises(UsageError, match=device) as caught:
        preflight.check(demo, tmp_path, device, counted)
    assert "--device cpu" in caught.value.hint
    assert tried == [Features.FULL]
    assert not (tmp_path / "preflight.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_child_starts_leaves_no_child(
    demo: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """The handler runs after the child is registered for killing, and the handlers are restored."""
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
            preflight.run_child(demo, Features.FULL, "cpu")
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)
    assert [child.returncode for child in started] == [-signal.SIGKILL]


def test_another_build_has_another_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The key changes when the shared libraries change."""
    before = builds.installed()
    (tmp_path / "libllama.so").write_bytes(b"")
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    other = builds.installed()
    os.utime(tmp_path / "libllama.so", (0, 0))
    assert len({before.key, other.key, builds.installed().key}) == 3


def test_the_rebuild_line_fits_this_cpu() -> None:
    """Each option is on exactly if the CPU has the feature; AMX is left out."""
    line, flags = builds.rebuild_line(), builds.cpu_flags()
    assert "AMX" not in line
    if "avx2" in flags:
        assert "-DGGML_AVX2=ON" in line
    assert ("-DGGML_AVX512=ON" in line) == ("avx512bw" in flags)


def test_a_missing_library_is_an_error_with_the_command_to_install_it() -> None:
    """It is not an ImportError."""
    code = (
        "import sys; sys.modules['llama_cpp'] = None\n"
        "from qmath_cli.engine.llama.library import library\n"
        "from qmath_cli.errors import EngineUnusable\n"
        "try: library()\n"
        "except EngineUnusable as exc: print(exc.message, '|', exc.hint)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.startswith("llama.cpp is not installed | pip install")


def test_a_result_without_trials_has_no_note() -> None:
    """A note is for missing features only."""
    assert Preflight().note == ""

"""What can be tested on Linux of the macOS and Windows layers: profiles, structures, order of calls, fallbacks."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest

from qmath_cli.records import RunStatus
from qmath_cli.sandbox.confinement import macos, windows
from qmath_cli.sandbox.executor import config_for
from qmath_cli.sandbox.limits import Limits
from qmath_cli.sandbox.parent import exchange, launch, live, pipes

from .processes import DEADLINE_S


def test_the_macos_profile_denies_first_and_allows_by_path() -> None:
    """A permission without a path after the denials would undo them."""
    lines = macos.profile(["/usr/lib", '/odd "name"\\']).splitlines()
    assert lines[:2] == ["(version 1)", "(deny default)"]
    last_denial = max(n for n, line in enumerate(lines) if line.startswith("(deny"))
    first_permission = min(n for n, line in enumerate(lines) if line.startswith("(allow"))
    assert last_denial < first_permission
    assert r'  (subpath "/odd \"name\"\\"))' in lines
    assert {line for line in lines if line.startswith("(allow") and line.endswith(")")} == {
        "(allow file-read-metadata)",
        "(allow sysctl-read)",
        "(allow signal (target self))",
    }


def test_the_macos_profile_names_canonical_paths(tmp_path: Path) -> None:
    """The sandbox compares real paths: /tmp is a link there."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert f'(subpath "{tmp_path.resolve()}/real")' in macos.profile([str(tmp_path / "link")])


@pytest.mark.skipif(sys.maxsize < 2**32, reason="the sizes are those of 64-bit Windows")
def test_windows_structures_have_their_documented_sizes() -> None:
    """JOBOBJECT_BASIC_LIMIT_INFORMATION, IO_COUNTERS, JOBOBJECT_EXTENDED_LIMIT_INFORMATION on 64 bits."""
    assert ctypes.sizeof(windows.BasicLimits) == 64
    assert ctypes.sizeof(windows.IoCounters) == 48
    assert ctypes.sizeof(windows.ExtendedLimits) == 144


def test_the_low_integrity_sid_is_encoded_as_windows_encodes_it() -> None:
    """S-1-16-4096; 8192 would be an ordinary process's level."""
    assert windows.low_integrity_sid() == bytes([1, 1, 0, 0, 0, 0, 0, 16, 0, 16, 0, 0])


def test_a_job_allows_one_process_and_ends_with_its_handle() -> None:
    """It also limits memory and shows no error dialogue."""
    record = windows.limits(1 << 30)
    assert record.basic.active_processes == 1
    assert record.basic.flags == 0x2000 | 0x8 | 0x100 | 0x200 | 0x400
    assert (record.process_memory, record.job_memory) == (1 << 30, 1 << 30)


class Recorded:
    """Records the calls; the one named in `fails` does not succeed."""

    def __init__(self, fails: str = "") -> None:
        self.calls: list[str] = []
        self._fails = fails

    def _call(self, name: str) -> bool:
        self.calls.append(name)
        return name != self._fails

    def create_job(self) -> int:
        return 7 if self._call("create") else 0

    def set_information(self, job: int, kind: int, record: ctypes.Structure | ctypes.c_uint32) -> bool:
        return self._call(f"set {kind}")

    def assign(self, job: int, process: int) -> bool:
        return self._call("assign")

    def resume(self, process: int) -> bool:
        return self._call("resume")

    def close(self, handle: int) -> None:
        self._call("close")


def test_a_worker_runs_only_once_its_job_is_complete() -> None:
    """Limits, restrictions, assignment, and only then resumption."""
    recorded = Recorded()
    assert windows.enclose(1, 1 << 30, recorded) == 7
    assert recorded.calls == ["create", "set 9", "set 4", "assign", "resume"]


@pytest.mark.parametrize("fails", ["set 9", "set 4", "assign", "resume"])
def test_a_job_that_cannot_be_completed_is_an_error(fails: str) -> None:
    """The worker is never resumed outside the job, and the handle is closed."""
    recorded = Recorded(fails)
    with pytest.raises(OSError, match="job object"):
        windows.enclose(1, 1 << 30, recorded)
    assert recorded.calls[-2:] == [fails, "close"]


@pytest.mark.skipif(sys.platform == "win32", reason="runs the other systems' way of starting workers, on POSIX")
@pytest.mark.parametrize("transport", [pipes.SelectTransport, pipes.ThreadTransport])
def test_a_worker_started_directly_works_with_either_transport(
    transport: type[pipes.SelectTransport] | type[pipes.ThreadTransport],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One interpreter per worker, as on macOS and Windows; and a thread for each stream, as on Windows."""
    monkeypatch.setattr(live, "open_transport", transport)
    limits = Limits(seconds=1.0)
    launcher = launch.DirectLauncher(config_for(limits, tmp_path, (), frozenset()))
    process = live.WorkerProcess(launcher.launch(), limits.memory)
    process.await_ready()
    reply = process.run("print('out' * 3)\n6 * 7", DEADLINE_S, limits.output)
    assert (reply.frame["status"], reply.frame["value"], reply.output) == (RunStatus.OK, "42", b"outoutout\n")
    assert process.run("while True: pass", 0.3, limits.output).outcome is exchange.Outcome.TIMEOUT
    assert process.exit_status == -9


@pytest.mark.skipif(sys.platform == "win32", reason="starts a worker the POSIX way")
def test_a_worker_above_its_memory_is_killed_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no kernel limit works, the parent measures and kills."""
    limits = Limits(seconds=10.0)
    launcher = launch.DirectLauncher(config_for(limits, tmp_path, (), frozenset()))
    process = live.WorkerProcess(launcher.launch(), limits.memory)
    process.await_ready()
    monkeypatch.setattr(process, "over_memory_limit", lambda: True)
    assert process.run("while True: pass", 10.0, limits.output).outcome is exchange.Outcome.MEMORY_LIMIT

"""Interruptions: a conversion that was killed resumes, and gives the same file."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qmath_convert.errors import CannotWrite, DamagedCheckpoint
from qmath_convert.part import Part
from qmath_convert.pipeline import Options, convert, plan
from qmath_convert.plan import Plan
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf


class Recording(LocalFolder):
    """A folder that is read like a download, records reads and releases, and can fail at a given read of weights."""

    random_access = False

    def __init__(self, folder: Path, fail_at: int | None = None) -> None:
        super().__init__(folder)
        self.events: list[tuple[str, str]] = []
        self._left = fail_at

    def read_into(self, name: str, offset: int, buffer: memoryview) -> None:
        """Record a read of weights, and fail if it is the one to fail at."""
        if offset > 8:
            self.events.append(("read", name))
            if self._left is not None:
                self._left -= 1
                if self._left < 0:
                    raise ConnectionError("the connection was cut")
        super().read_into(name, offset, buffer)

    def release(self, name: str) -> None:
        """Record the release."""
        self.events.append(("release", name))


SHARDED = Recipe(shards=5)


def digest(path: Path) -> str:
    """A file's sha256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def planned(source: LocalFolder, path: Path, *quants: Quant) -> Plan:
    """A plan with one or several outputs in one folder."""
    return plan(source, {path.with_name(f"{path.stem}{i or ''}.gguf"): quant for i, quant in enumerate(quants)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five shards."""
    return checkpoints.write(tmp_path / "m", SHARDED)


@pytest.mark.parametrize("fail_at", [0, 7, 31, 50])
def test_what_was_recorded_before_a_source_failed_is_not_read_again(folder: Path, tmp_path: Path, fail_at: int) -> None:
    """The error passes through unchanged; the second run reads only what the first one did not record."""
    path = tmp_path / "m.gguf"
    with pytest.raises(ConnectionError):
        convert(planned(Recording(folder, fail_at), path, Quant.Q4_K_M), Options(threads=1))
    assert not path.exists()
    again = Recording(folder)
    convert(planned(again, path, Quant.Q4_K_M), Options(threads=1))
    assert len([kind for kind, _ in again.events if kind == "read"]) <= 51 + 5 - fail_at + 12
    to_gguf(folder, tmp_path / "whole.gguf", Quant.Q4_K_M)
    assert digest(path) == digest(tmp_path / "whole.gguf")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "m.gguf", "whole.gguf"]


def test_shards_are_read_one_after_the_other_and_released_in_between(folder: Path, tmp_path: Path) -> None:
    """A downloading source needs the disk space of one shard only."""
    source = Recording(folder)
    what = planned(source, tmp_path / "m.gguf", Quant.Q4_K_M, Quant.Q8_0)
    source.events.clear()  # headers
    convert(what, Options(threads=3))
    assert [name for kind, name in source.events if kind == "release"] == list(what.checkpoint.shards)
    for shard in what.checkpoint.shards:
        last_read = max(i for i, event in enumerate(source.events) if event == ("read", shard))
        assert last_read < source.events.index(("release", shard))
        later = [name for kind, name in source.events[: source.events.index(("release", shard))] if kind == "read"]
        assert set(later) <= set(what.checkpoint.shards[: what.checkpoint.shards.index(shard) + 1])


def test_a_shard_that_is_damaged_is_converted_again(folder: Path, tmp_path: Path) -> None:
    """Its hash is known only at its end; the tensors that came from it are taken out of the journal."""

    class Wrong(Recording):
        def release(self, name: str) -> None:
            super().release(name)
            if name.startswith("model-00003"):
                raise ConnectionError("the hash does not match")

    path = tmp_path / "m.gguf"
    with pytest.raises(ConnectionError):
        convert(planned(Wrong(folder), path, Quant.Q8_0))
    again = Recording(folder)
    what = planned(again, path, Quant.Q8_0)
    again.events.clear()
    convert(what)
    read = {name for kind, name in again.events if kind == "read"}
    assert {name[:11] for name in read} == {"model-00003", "model-00004", "model-00005"}
    assert len([kind for kind, _ in again.events if kind == "release"]) == 5


def test_a_changed_source_starts_over(folder: Path, tmp_path: Path) -> None:
    """Weights of two checkpoints must never be in one file."""
    path = tmp_path / "m.gguf"
    with pytest.raises(ConnectionError):
        convert(planned(Recording(folder, 40), path, Quant.Q8_0))
    checkpoints.write(folder, SHARDED.but(seed=1))
    to_gguf(folder, path, Quant.Q8_0)
    to_gguf(folder, tmp_path / "whole.gguf", Quant.Q8_0)
    assert digest(path) == digest(tmp_path / "whole.gguf")


def test_damage_found_late_removes_the_unfinished_file(folder: Path, tmp_path: Path) -> None:
    """A conversion that cannot succeed leaves nothing to resume."""

    class Damaged(Recording):
        def read_into(self, name: str, offset: int, buffer: memoryview) -> None:
            super().read_into(name, offset, buffer)
            if name.startswith("model-00005") and offset > 8 and buffer.nbytes > 4096:
                raise DamagedCheckpoint("late damage")

    with pytest.raises(DamagedCheckpoint, match="late"):
        convert(planned(Damaged(folder), tmp_path / "m.gguf", Quant.Q8_0))
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def interrupted_finish(part: Part) -> None:
    """A `Part.finish` that is interrupted before the rename."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("renamed", [0, 1])
def test_a_run_that_stopped_between_two_renames_is_finished_by_the_next(
    folder: Path, tmp_path: Path, renamed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A final file that still has a journal is complete, and is not converted again."""
    whole: Callable[[Part], None] = Part.finish
    count = 0

    def finish(part: Part) -> None:
        nonlocal count
        count += 1
        (whole if count <= renamed else interrupted_finish)(part)

    path = tmp_path / "m.gguf"
    with monkeypatch.context() as patch:
        patch.setattr(Part, "finish", finish)
        with pytest.raises(KeyboardInterrupt):
            convert(planned(LocalFolder(folder), path, Quant.Q8_0, Quant.Q4_K_M))
    source = Recording(folder)
    what = planned(source, path, Quant.Q8_0, Quant.Q4_K_M)
    source.events.clear()
    written = convert(what)
    assert {kind for kind, _ in source.events} == {"release"}
    assert [file.sha256 for file in written] == [digest(path), digest(tmp_path / "m1.gguf")]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "m.gguf", "m1.gguf"]


def test_a_torn_journal_is_read_up_to_its_last_whole_line(folder: Path, tmp_path: Path) -> None:
    """The machine can stop in the middle of a write."""
    path = tmp_path / "m.gguf"
    with pytest.raises(ConnectionError):
        convert(planned(Recording(folder, 40), path, Quant.Q8_0))
    journal = tmp_path / "m.gguf.part.journal"
    journal.write_bytes(journal.read_bytes()[:-3] + b"\xff")
    to_gguf(folder, path, Quant.Q8_0)
    to_gguf(folder, tmp_path / "whole.gguf", Quant.Q8_0)
    assert digest(path) == digest(tmp_path / "whole.gguf")


def test_one_process_at_a_time_writes_a_file(folder: Path, tmp_path: Path) -> None:
    """The second one fails with an error, and the first one's file is unchanged."""
    part = Part(tmp_path / "m.gguf", 100, "first")
    part.open(b"header")
    with pytest.raises(CannotWrite, match="another process"):
        to_gguf(folder, tmp_path / "m.gguf", Quant.Q8_0)
    assert (tmp_path / "m.gguf.part").read_bytes()[:6] == b"header"
    part.close()
    to_gguf(folder, tmp_path / "m.gguf", Quant.Q8_0)
    assert (tmp_path / "m.gguf").is_file()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_exits_with_one_line_and_keeps_the_unfinished_file(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    """Ctrl-C and SIGTERM: the exit code, no traceback, and no file under the final name."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=24, feed_forward=1024, shards=8))
    command = [sys.executable, "-m", "qmath_cli", "convert", str(folder), "-q", "iq4_xs", "--threads", "1", "-o"]
    journal = tmp_path / "m.gguf.part.journal"
    process = subprocess.Popen([*command, str(tmp_path / "m.gguf")], stderr=subprocess.PIPE, text=True)
    while not (journal.exists() and journal.read_text().count("\n") > 1):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == code, complaint
    assert "Traceback" not in complaint
    assert "the same command resumes" in complaint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "m.gguf.part", "m.gguf.part.journal"]


@pytest.mark.slow
def test_a_process_killed_at_random_moments_gives_the_same_file_in_the_end(tmp_path: Path) -> None:
    """SIGKILL, six times, at moments within the time that a whole run takes."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=12, feed_forward=768, shards=5))
    path, whole = tmp_path / "m.gguf", tmp_path / "whole.gguf"
    command = [sys.executable, "-m", "qmath_cli", "convert", str(folder), "-q", "q4_k_m"]
    command += ["--threads", "1", "--no-verify", "-o"]
    started = time.monotonic()
    subprocess.run([*command, str(whole)], check=True, capture_output=True)
    span = time.monotonic() - started
    rng = random.Random(20)
    for _ in range(6):
        process = subprocess.Popen([*command, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.2, 1.0) * span)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not path.exists() or digest(path) == digest(whole)
        if path.exists() and not path.with_name("m.gguf.part.journal").exists():
            path.unlink()  # the run finished before the signal: start over
    subprocess.run([*command, str(path)], check=True, capture_output=True)
    assert digest(path) == digest(whole)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "m.gguf", "whole.gguf"]

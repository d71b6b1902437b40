"""Ctrl-C and SIGTERM at any moment: one clear line, the right exit code, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.run import COMMAND, environment

LONG = "Compute the determinant of the matrix [[2, 1, 3], [0, 4, 1], [5, 2, 6]]."

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(home),
        start_new_session=True,
    )


def group_is_gone(group: int) -> bool:
    """Whether no process of this session is left; workers have sessions of their own and are looked for by parent."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("delay", [0.2, 0.35, 0.5, 0.65, 0.8, 1.0, 1.3, 1.8])
@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_ends_cleanly(tmp_path: Path, delay: float, what: signal.Signals) -> None:
    """During start, load, prefill, decode or a program; or, on a fast machine, just after the answer."""
    process = start(tmp_path, "solve", LONG, "-k", "16", "--stop-at", "off", "--temperature", "1.0")
    time.sleep(delay)
    process.send_signal(what)
    out, err = process.communicate(timeout=20)
    # A shell shows 128 + n for both: an exit with that code, and an end by the signal itself, which is how Python goes
    # where the signal came before our handler was there, or inside code that it was evaluating from text.
    assert process.returncode in {128 + what, -what, 0}, (process.returncode, out, err)
    assert "Traceback" not in err
    assert group_is_gone(process.pid)


def test_an_interrupted_json_run_is_still_one_object(tmp_path: Path) -> None:
    """Whoever parses stdout gets an object that says so, with what was written so far or with the error."""
    process = start(tmp_path, "solve", LONG, "-k", "32", "--stop-at", "off", "--temperature", "1.5", "--json")
    wait_for_workers(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    record = json.loads(out)
    assert "Traceback" not in err
    if process.returncode:
        assert record.get("finish_reason") == "interrupted" or record["error"]["code"] == 130


def test_a_killed_solve_leaves_no_worker(tmp_path: Path) -> None:
    """SIGKILL gives nobody a chance to clean up; the workers go all the same."""
    process = start(tmp_path, "solve", LONG, "-k", "16", "--stop-at", "off", "--temperature", "1.0")
    workers = wait_for_workers(process)
    process.kill()
    process.communicate(timeout=20)
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in workers if alive(pid)] == []


def wait_for_workers(process: subprocess.Popen[str]) -> set[int]:
    """The first processes that a run starts: by then it is past its imports."""
    deadline = time.monotonic() + 20
    while not (workers := descendants(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert workers, "no worker was ever seen"
    return workers


def descendants(parent: int) -> set[int]:
    """Processes below `parent`, by /proc."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended while we looked
        parents[int(stat.parent.name)] = int(fields[1])
    found: set[int] = set()
    while new := {pid for pid, above in parents.items() if above in found | {parent}} - found:
        found |= new
    return found


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False

"""What is left after programs, workers, zygotes and qmath itself have ended: no process, no descriptor, no file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from qmath_cli.errors import ExecutorUnusable
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Limits

from .processes import DEADLINE_S, marked, wait_until, zombies_of
from .programs import run, settle

ROOT = Path(__file__).resolve().parents[2]


def test_ctrl_c_while_a_program_runs_raises_here_and_kills_the_program() -> None:
    """The program is in its own session: the signal does not reach it, but its process is killed and reaped."""
    with RestrictedExecutor(Limits(seconds=DEADLINE_S), preload=(), allow_basic=True, spares=False) as executor:
        worker = executor.open()

        def run_interrupted() -> None:
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            worker.run("while True:\n    try:\n        while True: pass\n    except BaseException: pass")

        with pytest.raises(KeyboardInterrupt):
            run_interrupted()
        mark = str(executor.scratch)
        assert wait_until(lambda: len(marked(mark)) <= 1), marked(mark)  # the zygote
        assert wait_until(lambda: zombies_of(marked(mark)) == [])
        worker.close()


def descriptors() -> int:
    """Open descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors and processes in /proc")
def test_many_executions_leave_nothing_behind() -> None:
    """No descriptor, no process, no file."""
    with RestrictedExecutor(Limits(seconds=DEADLINE_S), preload=(), allow_basic=True) as made:
        mark = str(made.scratch)
        run(made, "1")
        settle(made)
        before = descriptors()
        for n in range(150):
            assert run(made, f"print({n})")[0].text == str(n)
        settle(made)
        assert wait_until(lambda: descriptors() == before), descriptors() - before
        assert wait_until(lambda: len(marked(mark)) == 2), marked(mark)  # the zygote and the spare
        assert wait_until(lambda: zombies_of(marked(mark)) == [])
    assert wait_until(lambda: marked(mark) == []), marked(mark)
    assert not made.scratch.exists()


VICTIM = """
import sys
from qmath_cli.sandbox.executor import RestrictedExecutor
executor = RestrictedExecutor(preload=(), allow_basic=True)
print(executor.scratch, flush=True)
if sys.argv[1] == "running":
    worker = executor.open()
    print("open", flush=True)
    worker.run("while True: pass")
"""

#: Kills a victim and waits for all its descendants: as a subreaper it becomes the parent of those that are orphaned.
REAPER = """
import ctypes, os, subprocess, sys, time
PR_SET_CHILD_SUBREAPER = 36
if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
    sys.exit("no subreaper")
victim, when, delay = sys.argv[1:]
process = subprocess.Popen([sys.executable, "-c", victim, when], stdout=subprocess.PIPE, text=True)
for _ in range(2 if when == "running" else 1):
    if not process.stdout.readline():
        sys.exit("the victim ended early")
time.sleep(float(delay))
process.kill()
process.wait()
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


@pytest.mark.skipif(sys.platform != "linux", reason="orphans have a subreaper on Linux only")
@pytest.mark.parametrize(("when", "delay"), [("starting", "0.0"), ("starting", "0.1"), ("running", "0.3")])
def test_no_worker_survives_qmath(when: str, delay: str, tmp_path: Path) -> None:
    """Killed with SIGKILL at its start or during a program, it takes its workers along."""
    line = [sys.executable, "-c", REAPER, VICTIM, when, delay]
    try:
        done = subprocess.run(
            line,
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=2 * DEADLINE_S,
        )
    finally:
        for pid in marked(str(tmp_path)):  # only where the test fails
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert (done.returncode, done.stderr) == (0, "")
    assert when == "starting" or list(tmp_path.iterdir()) == []  # before there is a zygote, nothing removes the folder


@pytest.mark.skipif(sys.platform != "linux", reason="kills a zygote, which only Linux has")
def test_after_the_zygote_was_killed_the_next_solution_gets_a_new_one() -> None:
    """The workers of the old one end with it."""
    with RestrictedExecutor(preload=(), allow_basic=True) as executor:
        assert run(executor, "1 + 1")[0].text == "2"
        settle(executor)
        mark = str(executor.scratch)
        for pid in marked(mark):
            with contextlib.suppress(ProcessLookupError):  # a worker that ended with the zygote
                os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: marked(mark) == [])
        spare = executor._spare.result() if executor._spare is not None else None
        assert spare is not None
        assert wait_until(lambda: not spare.alive())  # a dying process loses its command line before its pipes
        assert run(executor, "1 + 1")[0].text == "2"


def test_an_executor_that_is_closed_while_it_starts_ends_at_once() -> None:
    """It does not wait for the imports, and nothing of it is left."""
    executor = RestrictedExecutor(allow_basic=True)
    executor.close()
    assert not executor.scratch.exists()
    with pytest.raises(ExecutorUnusable):
        _ = executor.layers

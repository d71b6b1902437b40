"""The executor from outside: one namespace per worker, limits, kills, and what is left afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qmath_cli.errors import ExecutorUnusable
from qmath_cli.records import Output, RunStatus
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Limits

from .watch import processes, zombies

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def executor() -> Iterator[RestrictedExecutor]:
    with RestrictedExecutor(Limits(seconds=1.0, memory=1 << 30), allow_basic=True) as made:
        yield made


def run(executor: RestrictedExecutor, *programs: str) -> list[Output]:
    """The outputs of programs that one worker runs in order."""
    worker = executor.open()
    try:
        return [worker.run(code) for code in programs]
    finally:
        worker.close()


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("y = 1\nprint(x)", "error", "NameError: name 'x' is not defined (line 2: print(x))"),
        ("def f():\n    return 1 / 0\n\nf()", "error", "ZeroDivisionError: division by zero (line 2: return 1 / 0)"),
        ("x = (1,\n", "error", "SyntaxError: '(' was never closed (line 1: x = (1,)"),
        ("if x:\nprint(1)", "error", "IndentationError: expected an indented block after 'if' statement on line 1"),
        ("raise ValueError('a\\nb')", "error", "ValueError: a (line 1: raise ValueError('a\\nb'))"),
        ("raise KeyboardInterrupt", "error", "KeyboardInterrupt (line 1: raise KeyboardInterrupt)"),
        ("input('n = ')", "error", "EOFError: input() is not available here; put the values in the code"),
        ("import matplotlib.pyplot", "error", "ModuleNotFoundError: No module named 'matplotlib' (plots are not"),
        (
            "import no_such",
            "error",
            "ModuleNotFoundError: No module named 'no_such' (available: the standard lib",
        ),
        ("import requests", "error", "ModuleNotFoundError: No module named 'requests' (there is no network here)"),
        ("def f(n): return f(n + 1)\nf(0)", "error", "RecursionError: maximum recursion depth exceeded"),
        ("x = '" + "a" * 300_000 + "'", "error", "SyntaxError: the program is longer than 200000 characters"),
        ("import subprocess", "blocked", "PermissionError: the module 'subprocess' is not available here"),
        ("import os\nos.system('true')", "blocked", "PermissionError: os.system is not available here (line 2: "),
        ("open('x', 'w')", "blocked", "PermissionError: files cannot be opened here; put the data in the code"),
        ("().__class__.__subclasses__()", "blocked", "PermissionError: the attribute '__subclasses__' is not"),
        ("x = 'a' * 10**11", "memory", "MemoryError (line 1: x = 'a' * 10**11)"),
        ("while True: pass", "timeout", "TimeoutError: the program ran longer than 1 s"),
        ("while True: print('x' * 999)", "output_limit", "OutputError: the program wrote more than 1024 KiB"),
        ("import random\nrandom._os._exit(0)", "error", "RuntimeError: the program ended its own process"),
    ],
)
def test_how_a_program_failed_is_said_in_one_line(
    executor: RestrictedExecutor, code: str, status: str, error: str
) -> None:
    """Type, message, and the line of the program that it points to."""
    [output] = run(executor, code)
    assert output.status == status
    assert output.error.startswith(error)
    assert output.text.endswith(output.error)


def test_output_before_a_failure_is_kept(executor: RestrictedExecutor) -> None:
    """Also when the worker had to be killed."""
    outputs = run(executor, "print('so far')\n1 / 0", "print('and yet')\nwhile True: pass")
    assert [output.text.splitlines()[0] for output in outputs] == ["so far", "and yet"]


def test_names_live_from_program_to_program(executor: RestrictedExecutor) -> None:
    """And survive a program that fails."""
    outputs = run(executor, "x = 20", "def f(n): return n + x", "nonsense", "f(22)")
    assert outputs[-1].text == "42"


def test_names_do_not_pass_from_worker_to_worker(executor: RestrictedExecutor) -> None:
    """Each has a namespace of its own."""
    run(executor, "x = 1")
    [output] = run(executor, "x")
    assert output.error.startswith("NameError")


def test_earlier_programs_are_repeated_after_a_death(executor: RestrictedExecutor) -> None:
    """Their output is not."""
    outputs = run(executor, "print('once')\nx = 5", "while True: pass", "x + 1")
    assert [output.text for output in outputs[::2]] == ["once", "6"]


def test_a_namespace_that_cannot_be_restored_is_said_to_be_lost(executor: RestrictedExecutor) -> None:
    """Here because repeating it takes longer than half of one program's time."""
    outputs = run(executor, "import time\ntime.sleep(0.8)\nx = 5", "while True: pass", "x", "1 + 1")
    assert outputs[2].text.startswith("(earlier variables were lost)")
    assert outputs[2].status is RunStatus.ERROR
    assert outputs[3].text == "2"


def test_random_numbers_differ_between_workers(executor: RestrictedExecutor) -> None:
    """Samples of one problem that simulate must not all draw the same."""
    outputs = [run(executor, "import random\nrandom.random()")[0].text for _ in range(3)]
    assert len(set(outputs)) == 3


def test_hashing_is_the_same_in_every_worker(executor: RestrictedExecutor) -> None:
    """So that sets of symbols print in the same order every time."""
    outputs = [run(executor, "hash('qmath')")[0].text for _ in range(2)]
    assert outputs[0] == outputs[1]


def test_eight_workers_run_at_once(executor: RestrictedExecutor) -> None:
    """Each from a thread of its own, as a batch of samples does."""
    with ThreadPoolExecutor(8) as pool:
        outputs = list(pool.map(lambda n: run(executor, f"import time\ntime.sleep(0.1)\n{n} * 2")[0].text, range(8)))
    assert outputs == [str(2 * n) for n in range(8)]


def test_close_from_another_thread_ends_a_running_program(executor: RestrictedExecutor) -> None:
    """Long before its limit."""
    worker = executor.open()
    threading.Timer(0.1, worker.close).start()
    output = worker.run("print('started')\nwhile True: pass")
    assert output.status is RunStatus.ERROR
    worker.close()


def test_ctrl_c_while_a_program_runs_reaches_us_and_kills_it(executor: RestrictedExecutor) -> None:
    """The program is in a session of its own: it neither sees the signal nor survives it."""
    worker = executor.open()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        worker.run("while True:\n    try:\n        while True: pass\n    except BaseException: pass")
    worker.close()
    assert zombies() == []


def test_a_closed_executor_opens_nothing() -> None:
    """And closing twice is no matter."""
    executor = RestrictedExecutor(preload=())
    executor.close()
    executor.close()
    with pytest.raises(ExecutorUnusable):
        executor.open()


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors and processes in /proc")
def test_many_executions_leave_nothing_behind() -> None:
    """No descriptor, no process, no file."""
    with RestrictedExecutor(preload=(), allow_basic=True) as executor:
        folder = executor.scratch
        run(executor, "1")
        time.sleep(0.2)  # the spare is being made: its pipes count
        before = len(list(Path("/proc/self/fd").iterdir()))
        for n in range(150):
            assert run(executor, f"print({n})")[0].text == str(n)
        time.sleep(0.2)
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        assert len(processes(str(folder))) <= 2  # the zygote and the spare
    assert processes(str(folder)) == []
    assert zombies() == []
    assert not folder.exists()


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


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
@pytest.mark.parametrize(("when", "delay"), [("starting", 0.0), ("starting", 0.1), ("running", 0.3)])
def test_no_worker_survives_qmath(when: str, delay: float, tmp_path: Path) -> None:
    """Killed with SIGKILL at its start or in the middle of a program, it takes its workers along."""
    word = str(tmp_path)  # on the command lines of all concerned, from fork to exec and after
    line = [sys.executable, "-c", VICTIM, when, word]
    victim = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"TMPDIR": word})
    assert victim.stdout is not None
    for _ in range(2 if when == "running" else 1):
        assert victim.stdout.readline()
    time.sleep(delay)
    victim.kill()
    victim.wait()
    victim.stdout.close()
    deadline = time.monotonic() + (1.0 if when == "running" else 60.0)  # an interpreter must start before it can look
    empty = 0  # looks in a row: in the middle of an exec a process has no command line, and is seen by the next look
    while empty < 5 and time.monotonic() < deadline:
        empty = 0 if processes(word) else empty + 1
        time.sleep(0.02)
    assert processes(word) == []
    assert when == "starting" or list(tmp_path.iterdir()) == []  # before the zygote there is nobody to tidy up


def test_a_program_indented_as_a_whole_runs(executor: RestrictedExecutor) -> None:
    """As models write them inside of lists."""
    assert run(executor, "    x = 3\n    if x:\n        print(x)\n")[0].text == "3"


def test_a_program_that_closed_its_stdout_leaves_the_next_one_a_fresh_one(executor: RestrictedExecutor) -> None:
    """And `exit()`, which closes stdin, leaves an empty stdin behind."""
    outputs = run(executor, "import sys\nsys.stdout.close()", "print(1)", "exit()", "import sys\nsys.stdin.read()")
    assert [output.text for output in outputs[1::2]] == ["1", "''"]


@pytest.mark.skipif(sys.platform != "linux", reason="kills a zygote, which only Linux has")
def test_the_death_of_the_zygote_is_survived() -> None:
    """Its workers die with it; the next solution gets a new one."""
    with RestrictedExecutor(preload=(), allow_basic=True) as executor:
        assert run(executor, "1 + 1")[0].text == "2"
        executor.protection  # noqa: B018  the spare is there
        time.sleep(0.3)
        for pid in processes(str(executor.scratch)):
            with contextlib.suppress(ProcessLookupError):  # a worker that went with the zygote
                os.kill(pid, signal.SIGKILL)
        while processes(str(executor.scratch)):
            time.sleep(0.01)
        assert run(executor, "1 + 1")[0].text == "2"


@pytest.mark.skipif(sys.platform != "linux", reason="starts a zygote, which only Linux has")
def test_a_worker_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line of its traceback, in an error the user can read."""
    monkeypatch.setattr("qmath_cli.sandbox.parent.launch.LINE", "import no_such_module")
    with (
        RestrictedExecutor(preload=()) as executor,
        pytest.raises(ExecutorUnusable, match="No module named 'no_such_module'"),
    ):
        executor.open()

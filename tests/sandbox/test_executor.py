"""The executor from outside: outputs and errors, one namespace per worker, limits, closing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.errors import ExecutorUnusable
from qmath_cli.records import RunStatus
from qmath_cli.sandbox.executor import RestrictedExecutor, config_for, make_scratch
from qmath_cli.sandbox.limits import Limits
from qmath_cli.sandbox.parent.forked import ZygoteLauncher

from .processes import DEADLINE_S
from .programs import EXIT, run


@pytest.fixture(scope="module")
def executor() -> Iterator[RestrictedExecutor]:
    """Its time limit is far above what these programs need, also on a busy machine."""
    with RestrictedExecutor(Limits(seconds=DEADLINE_S, memory=1 << 30), allow_basic=True) as made:
        yield made


@pytest.fixture(scope="module")
def one_second() -> Iterator[RestrictedExecutor]:
    """For programs that are to meet the time limit."""
    with RestrictedExecutor(Limits(seconds=1.0), preload=(), allow_basic=True) as made:
        yield made


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
        ("while True: print('x' * 999)", "output_limit", "OutputError: the program wrote more than 1024 KiB"),
        (EXIT, "error", "RuntimeError: the program ended its own process"),
    ],
)
def test_a_failure_is_described_in_one_line(executor: RestrictedExecutor, code: str, status: str, error: str) -> None:
    """Type, message, and the line of the program that it points to."""
    [output] = run(executor, code)
    assert output.status == status
    assert output.error.startswith(error)
    assert output.text.endswith(output.error)


def test_a_program_that_does_not_end_meets_the_time_limit(one_second: RestrictedExecutor) -> None:
    """And what it had printed is kept."""
    [output] = run(one_second, "print('so far')\nwhile True: pass")
    assert output.status is RunStatus.TIMEOUT
    assert output.text == f"so far\n{output.error}"
    assert output.error == "TimeoutError: the program ran longer than 1 s"


@pytest.mark.parametrize(
    "code",
    [
        "print('so far', end='')\nwhile True: pass",
        "import sys\nsys.stdout.write('so far')\nimport time\ntime.sleep(60)",
        "print('so', end=' ')\nprint('far', end='', flush=False)\nsum(1 for _ in iter(int, 1))",
        "for word in ('so', ' far'): print(word, sep='', end='')\nwhile True: pass",
    ],
)
def test_text_without_a_newline_is_kept_at_the_time_limit(one_second: RestrictedExecutor, code: str) -> None:
    """The process is killed, and what it had printed is shown."""
    [output] = run(one_second, code)
    assert output.status is RunStatus.TIMEOUT
    assert output.text == f"so far\n{output.error}"


@pytest.mark.parametrize(
    "code",
    [
        "(n for n in range(3))",
        "class A: pass\nprint([A(), A()])",
        "def f(): pass\nprint(f, f.__code__)\nf",
        "print(map(str, [1]), object(), [].append)\nraise ValueError(object())",
    ],
)
def test_the_output_of_a_program_is_the_same_in_every_worker(executor: RestrictedExecutor, code: str) -> None:
    """No address is in it."""
    texts = {run(executor, code)[0].text for _ in range(3)}
    assert len(texts) == 1
    assert "0x..." in texts.pop()


def test_output_before_a_failure_is_kept(executor: RestrictedExecutor) -> None:
    """Also when the worker has ended."""
    outputs = run(executor, "print('so far')\n1 / 0", f"print('more')\n{EXIT}")
    assert [output.text.splitlines()[0] for output in outputs] == ["so far", "more"]


def test_names_persist_from_program_to_program(executor: RestrictedExecutor) -> None:
    """Also after a program that fails."""
    outputs = run(executor, "x = 20", "def f(n): return n + x", "nonsense", "f(22)")
    assert outputs[-1].text == "42"


def test_workers_do_not_share_names(executor: RestrictedExecutor) -> None:
    """Each has a namespace of its own."""
    run(executor, "x = 1")
    [output] = run(executor, "x")
    assert output.error.startswith("NameError")


def test_earlier_programs_run_again_after_the_worker_has_ended(executor: RestrictedExecutor) -> None:
    """Without their output."""
    outputs = run(executor, "print('once')\nx = 5", EXIT, "x + 1")
    assert [output.text for output in outputs[::2]] == ["once", "6"]


def test_a_namespace_that_cannot_be_restored_is_reported_as_lost() -> None:
    """Here because running it again takes longer than half of one program's time."""
    with RestrictedExecutor(Limits(seconds=3.0), preload=(), allow_basic=True) as executor:
        outputs = run(executor, "import time\ntime.sleep(1.6)\nx = 5", EXIT, "x", "1 + 1")
    assert outputs[2].text.startswith("(earlier variables were lost)")
    assert outputs[2].status is RunStatus.ERROR
    assert outputs[3].text == "2"


def test_random_numbers_differ_between_workers(executor: RestrictedExecutor) -> None:
    """Or all samples of a problem would simulate the same draws."""
    outputs = [run(executor, "import random\nrandom.random()")[0].text for _ in range(3)]
    assert len(set(outputs)) == 3


def test_hashing_is_the_same_in_every_worker(executor: RestrictedExecutor) -> None:
    """So sets of symbols print in the same order every time."""
    outputs = [run(executor, "hash('qmath')")[0].text for _ in range(2)]
    assert outputs[0] == outputs[1]


def test_eight_workers_run_concurrently(executor: RestrictedExecutor) -> None:
    """Each from its own thread, as for a batch of samples."""
    with ThreadPoolExecutor(8) as pool:
        outputs = list(pool.map(lambda n: run(executor, f"import time\ntime.sleep(0.1)\n{n} * 2")[0].text, range(8)))
    assert outputs == [str(2 * n) for n in range(8)]


def test_close_from_another_thread_ends_a_running_program(executor: RestrictedExecutor) -> None:
    """Long before its time limit."""
    worker = executor.open()
    threading.Timer(0.1, worker.close).start()
    output = worker.run("print('started')\nwhile True: pass")
    assert output.status is RunStatus.ERROR
    worker.close()


def test_a_closed_executor_opens_nothing() -> None:
    """And closing it twice is no error."""
    executor = RestrictedExecutor(preload=())
    executor.close()
    executor.close()
    with pytest.raises(ExecutorUnusable):
        executor.open()


def test_a_program_indented_as_a_whole_runs(executor: RestrictedExecutor) -> None:
    """As models write them inside list items."""
    assert run(executor, "    x = 3\n    if x:\n        print(x)\n")[0].text == "3"


def test_after_a_program_that_closed_its_stdout_the_next_one_has_a_new_one(executor: RestrictedExecutor) -> None:
    """And after `exit()`, which closes stdin, there is an empty stdin."""
    outputs = run(executor, "import sys\nsys.stdout.close()", "print(1)", "exit()", "import sys\nsys.stdin.read()")
    assert [output.text for output in outputs[1::2]] == ["1", "''"]


@pytest.mark.skipif(sys.platform != "linux", reason="starts a zygote, which only Linux has")
def test_the_error_of_a_worker_that_cannot_start_gives_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line of its traceback."""
    monkeypatch.setattr("qmath_cli.sandbox.parent.launch.BOOT_CODE", "import no_such_module")
    with (
        RestrictedExecutor(preload=()) as executor,
        pytest.raises(ExecutorUnusable, match="No module named 'no_such_module'"),
    ):
        executor.open()


@pytest.mark.skipif(sys.platform != "linux", reason="a zygote")
def test_compiled_files_are_kept_where_an_installer_made_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first import of a library writes them, before anything is confined; unless that was switched off."""
    (tmp_path / "library.py").write_text("VALUE = 1\n")
    for read_only in (True, False):
        monkeypatch.setattr(sys, "dont_write_bytecode", read_only)
        config = config_for(Limits(), make_scratch(), ("library",), frozenset())
        launcher = ZygoteLauncher(replace(config, paths=(*config.paths, str(tmp_path))))
        try:
            launcher.launch().kill()
        finally:
            launcher.close()
        assert (tmp_path / "__pycache__").exists() != read_only


def test_the_first_worker_imports_numpy_by_itself(executor: RestrictedExecutor) -> None:
    """It is forked before the zygote has it; a program does not see the difference."""
    with closing(executor.open()) as worker:
        assert worker.run("import numpy\nprint(numpy.arange(5).sum())").text == "10"

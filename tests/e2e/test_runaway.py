"""Programs that misbehave, in a real executor: the solve goes on, with a message the model can read."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qmath_cli.records import Finish, Problem, RunStatus, Solution, Stop
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Limits
from qmath_cli.solving.progress import SolvePlan, Tools
from qmath_cli.solving.solve import solve
from tests.scripted import ScriptedEngine

RUNAWAYS = {
    "loop": ("while True:\n    pass", {RunStatus.TIMEOUT}, "TimeoutError"),
    "swallow": (
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        {RunStatus.TIMEOUT},
        "TimeoutError",
    ),
    "memory": ("x = []\nwhile True:\n    x.append(' ' * 10**7)", {RunStatus.MEMORY, RunStatus.ERROR}, "MemoryError"),
    "flood": ("while True:\n    print('x' * 1000)", {RunStatus.OUTPUT_LIMIT}, "output"),
    "fork": ("import os\nwhile True:\n    os.fork()", {RunStatus.BLOCKED, RunStatus.ERROR}, "os"),
    "suicide": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", {RunStatus.BLOCKED, RunStatus.ERROR}, "os"),
}


@pytest.fixture(scope="module")
def executor() -> Iterator[RestrictedExecutor]:
    with closing(RestrictedExecutor(Limits(seconds=4.0, memory=512 << 20), allow_basic=True)) as executor:
        yield executor


def children() -> set[int]:
    """Processes below this one, by /proc; empty where there is none."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended while we looked
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found


@pytest.mark.parametrize("name", RUNAWAYS)
def test_the_solve_goes_on(executor: RestrictedExecutor, name: str) -> None:
    """The program ends within its limits, the model reads why, and answers."""
    code, statuses, word = RUNAWAYS[name]
    script = [(f"```python\n{code}\n```\n", Stop.STRING), (r"So \boxed{1}.", Stop.END)]
    engine = ScriptedEngine([script])
    *_, solution = solve(Problem("1"), SolvePlan(), Tools(engine, executor))
    assert isinstance(solution, Solution)
    run = solution.samples[0].runs[0]
    assert run.output.status in statuses
    assert word.lower() in engine.extended(0)[0].lower()
    assert len(engine.extended(0)[0]) < 4000
    assert (solution.answer, solution.finish) == ("1", Finish.ANSWERED)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_no_process_is_left() -> None:
    """After the executor is closed, every process it started is gone."""
    before = children()
    with closing(RestrictedExecutor(Limits(seconds=0.5), allow_basic=True)) as executor:
        for code, _, _ in RUNAWAYS.values():
            worker = executor.open()
            worker.run(code)
            worker.close()
    deadline = time.monotonic() + 5
    while children() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children() - before == set()

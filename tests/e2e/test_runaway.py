"""Programs that misbehave, in a real executor: they end within their limits, and the model reads why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qmath_cli.records import Finish, Problem, RunStatus, Solution, Stop
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Limits
from qmath_cli.solving.progress import SolvePlan, Tools
from qmath_cli.solving.solve import solve
from tests.e2e.watched import processes_of, wait_until
from tests.prompts import chat
from tests.scripted import ScriptedEngine

ENDLESS = {
    "loop": ("while True:\n    pass", {RunStatus.TIMEOUT}, "TimeoutError"),
    "swallow": (
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        {RunStatus.TIMEOUT},
        "TimeoutError",
    ),
}
RUNAWAYS = {
    **ENDLESS,
    "memory": ("x = []\nwhile True:\n    x.append(' ' * 10**7)", {RunStatus.MEMORY, RunStatus.ERROR}, "MemoryError"),
    "flood": ("while True:\n    print('x' * 1000)", {RunStatus.OUTPUT_LIMIT}, "output"),
    "fork": ("import os\nwhile True:\n    os.fork()", {RunStatus.BLOCKED, RunStatus.ERROR}, "os"),
    "suicide": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", {RunStatus.BLOCKED, RunStatus.ERROR}, "os"),
}
#: What a runaway reaches another limit in, on a busy machine too.
LONG_S = 60.0


@pytest.fixture
def executor(request: pytest.FixtureRequest) -> Iterator[RestrictedExecutor]:
    seconds = 1.0 if request.node.callspec.params["name"] in ENDLESS else LONG_S
    with closing(RestrictedExecutor(Limits(seconds=seconds, memory=512 << 20), allow_basic=True)) as executor:
        yield executor


@pytest.mark.parametrize("name", RUNAWAYS)
def test_the_model_reads_why_a_program_ended(executor: RestrictedExecutor, name: str) -> None:
    """The output is short and names the limit; the solution is continued to its answer."""
    code, statuses, word = RUNAWAYS[name]
    script = [(f"```python\n{code}\n```\n", Stop.STRING), (r"So \boxed{1}.", Stop.END)]
    engine = ScriptedEngine([script])
    *_, solution = solve(Problem("1"), SolvePlan(chat("1")), Tools(engine, executor))
    assert isinstance(solution, Solution)
    run = solution.samples[0].runs[0]
    assert run.output.status in statuses
    (fed_back,) = engine.extended(0)
    assert word.lower() in fed_back.lower()
    assert len(fed_back) < 4000
    assert (solution.answer, solution.finish) == ("1", Finish.ANSWERED)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize("closed", [True, False], ids=["workers closed", "workers open"])
def test_a_closed_executor_leaves_no_process(closed: bool) -> None:
    """Neither the zygote nor a worker, though a worker ran each of the programs."""
    with closing(RestrictedExecutor(Limits(seconds=0.5), allow_basic=True)) as executor:
        scratch = str(executor.scratch)
        for code, _, _ in RUNAWAYS.values():
            worker = executor.open()
            worker.run(code)
            if closed:
                worker.close()
        assert any(process.sandbox for process in processes_of(scratch)), "its processes are found by their folder"
    wait_until("no process of this executor is left", lambda: not processes_of(scratch))
    assert not Path(scratch).exists()

"""Ctrl-C and SIGTERM in the middle of a run: the right exit code, the text so far, and no process left over.

Each signal is sent at a sign that the run is in the middle of something: an import, a process that it started, an event
that it printed, or a mark of something that does not end by itself (`slow`).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import slow
from tests.e2e.run import COMMAND, qmath
from tests.e2e.watched import Run, nothing_is_left, processes_of, started

if not Path("/proc").is_dir():
    pytest.skip("looks for processes in /proc", allow_module_level=True)

LONG = "Compute the determinant of the matrix [[2, 1, 3], [0, 4, 1], [5, 2, 6]]."
#: So much to decode that the pipe of `--jsonl` is full long before the end: the run cannot end before it is read.
MANY = ("-k", "48", "--stop-at", "off", "--temperature", "1.5")

SIGNALS = pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
MESSAGE = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


@pytest.fixture(scope="module")
def preflight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the preflight's verdict, which takes a process of its own."""
    home = tmp_path_factory.mktemp("preflight")
    assert qmath(home, "solve", "-a", "What is 1+1?").returncode == 0
    return home / "cache"


@pytest.fixture
def home(tmp_path: Path, preflight: Path) -> Iterator[Path]:
    """A home of its own; after a test that failed, what is left of its run is killed."""
    (tmp_path / "cache").symlink_to(preflight)
    yield tmp_path
    for process in processes_of(f"{tmp_path}/"):
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def solve(home: Path, *arguments: str) -> AbstractContextManager[Run]:
    return started(home, [*COMMAND, "solve", LONG, *arguments])


def solve_slowly(home: Path, what: str, *arguments: str) -> AbstractContextManager[Run]:
    return started(home, [sys.executable, slow.__file__, what, str(home), "solve", LONG, *arguments])


def deltas(events: list[dict[str, Any]], sample: int) -> str:
    """All text of a sample that was printed."""
    return "".join(event["text"] for event in events if event["event"] == "text" and event["sample"] == sample)


# ---------------------------------------------------------------- during an import


@SIGNALS
@pytest.mark.parametrize("module", ["typer._click", "qmath_cli.records", "llama_cpp._ctypes_extensions", "numpy._core"])
def test_a_signal_during_an_import(home: Path, module: str, what: signal.Signals) -> None:
    """No trace and no answer, whether the program's own handler is there already or not."""
    with started(home, [sys.executable, "-X", "importtime", *COMMAND[1:], "solve", LONG, *MANY]) as run:
        run.err.until(module)
        run.signal(what)
        ended = run.end()
    # A shell shows 128 + n for an exit with this code as for an end by the signal. Python ends by the signal where it
    # came before the handler, or in code that was compiled from text, as that of dataclasses is.
    assert ended.code in {128 + what, -what}
    assert "Traceback" not in ended.err
    assert ended.out == ""
    nothing_is_left(home)


# ---------------------------------------------------------------- during the load


@SIGNALS
def test_a_signal_while_the_executor_starts(home: Path, what: signal.Signals) -> None:
    """The zygote is there and imports its libraries, and so does the program: it reports once it can."""
    with solve(home, *MANY, "--json") as run:
        run.wait_until("a zygote", lambda: any(one.sandbox for one in run.processes()))
        run.signal(what)
        ended = run.end()
    assert ended.code in {128 + what, -what}
    assert "Traceback" not in ended.err
    if ended.out or ended.err:
        assert json.loads(ended.out)["error"]["code"] == 128 + what
        assert ended.err.splitlines()[-1] == f"error: {MESSAGE[what]}"
    nothing_is_left(home)


@SIGNALS
def test_a_signal_during_the_load(home: Path, what: signal.Signals) -> None:
    """A load that does not end."""
    with solve_slowly(home, "load", "--json") as run:
        run.wait_for_lines(home / "started")
        run.signal(what)
        ended = run.end()
    assert ended.code == 128 + what
    assert json.loads(ended.out)["error"] == {"code": 128 + what, "message": MESSAGE[what], "hint": ""}
    assert ended.err.splitlines()[-1] == f"error: {MESSAGE[what]}"
    nothing_is_left(home)


# ---------------------------------------------------------------- during prefill and decode


def test_ctrl_c_during_prefill(home: Path) -> None:
    """The solution has a sample without text."""
    with solve_slowly(home, "prefill", "--json") as run:
        run.wait_for_lines(home / "started")
        run.wait_until("a worker", run.workers)
        run.signal(signal.SIGINT)
        ended = run.end()
    record = json.loads(ended.out)
    assert (ended.code, record["finish_reason"], record["answer"]) == (130, "interrupted", None)
    assert [(sample["text"], sample["finish_reason"]) for sample in record["samples"]] == [("", "interrupted")]
    nothing_is_left(home)


def test_ctrl_c_during_decode(home: Path) -> None:
    """What was printed is in the solution."""
    with solve_slowly(home, "decode", "--jsonl") as run:
        run.wait_for_lines(home / "started")
        run.signal(signal.SIGINT)
        ended = run.end()
    *events, last = map(json.loads, ended.out.splitlines())
    (sample,) = last["solution"]["samples"]
    assert (ended.code, last["solution"]["finish_reason"]) == (130, "interrupted")
    assert sample["text"] == deltas(events, 0)
    assert len(sample["text"]) >= slow._TOKENS
    nothing_is_left(home)


def test_ctrl_c_while_many_samples_decode(home: Path) -> None:
    """At the first printed text: every sample keeps its text, and the output ends with the solution."""
    with solve(home, *MANY, "--jsonl") as run:
        run.out.until('"event": "text"')
        run.wait_until("a worker", run.workers)
        run.signal(signal.SIGINT)
        ended = run.end()
    *events, last = map(json.loads, ended.out.splitlines())
    assert last["event"] == "solution"
    assert (ended.code, last["solution"]["finish_reason"]) == (130, "interrupted")
    samples = last["solution"]["samples"]
    assert [sample["index"] for sample in samples] == list(range(48))
    assert "interrupted" in {sample["finish_reason"] for sample in samples}
    for sample in samples:
        if not sample["programs"]:
            assert sample["text"].startswith(deltas(events, sample["index"]))
    nothing_is_left(home)


def test_sigterm_while_many_samples_decode(home: Path) -> None:
    """It ends the run with an error and without a solution."""
    with solve(home, *MANY, "--jsonl") as run:
        run.out.until('"event": "text"')
        run.signal(signal.SIGTERM)
        ended = run.end()
    assert ended.code == 143
    assert ended.err.splitlines()[-1] == "error: terminated"
    assert {json.loads(line)["event"] for line in ended.out.splitlines()} <= {
        "text",
        "program_started",
        "program_finished",
        "sample_finished",
    }
    nothing_is_left(home)


def test_ctrl_c_on_a_pipe_keeps_the_text_so_far(home: Path) -> None:
    """The text is on stdout, why it ends on stderr."""
    with solve_slowly(home, "decode") as run:
        run.wait_for_lines(home / "started")
        run.signal(signal.SIGINT)
        ended = run.end()
    assert ended.code == 130
    assert len(ended.out.strip()) >= slow._TOKENS
    assert "interrupted" in ended.err.splitlines()
    nothing_is_left(home)


# ---------------------------------------------------------------- during a program


def start_of_a_program(run: Run) -> None:
    """Wait until the endless program runs: until its worker has used processor time."""
    run.wait_for_lines(run.home / "started")
    run.wait_until("a program that runs", lambda: any(worker.seconds >= 0.2 for worker in run.workers()))


def test_ctrl_c_during_a_program(home: Path) -> None:
    """The text ends with the program, which counts as not run; its worker has ended."""
    with solve_slowly(home, "program", "--json") as run:
        start_of_a_program(run)
        run.signal(signal.SIGINT)
        ended = run.end()
    record = json.loads(ended.out)
    (sample,) = record["samples"]
    assert (ended.code, record["finish_reason"], record["answer"]) == (130, "interrupted", None)
    assert "```python\n" in sample["text"]
    assert sample["text"].rstrip().endswith("```")
    assert (sample["programs"], sample["unrun_programs"]) == ([], 1)
    nothing_is_left(home)


def test_sigterm_during_a_program(home: Path) -> None:
    with solve_slowly(home, "program", "--json") as run:
        start_of_a_program(run)
        run.signal(signal.SIGTERM)
        ended = run.end()
    assert ended.code == 143
    assert json.loads(ended.out)["error"]["code"] == 143
    nothing_is_left(home)


@SIGNALS
def test_a_signal_to_exec(home: Path, what: signal.Signals) -> None:
    """Its one program runs for ever."""
    program = home / "program.py"
    program.write_text("while True:\n    pass\n", encoding="utf-8")
    with started(home, [*COMMAND, "exec", str(program), "--exec-timeout", "600"]) as run:
        run.wait_until("a program that runs", lambda: any(worker.seconds >= 0.2 for worker in run.workers()))
        run.signal(what)
        ended = run.end()
    assert ended.code == 128 + what
    assert ended.out == ""
    assert ended.err.splitlines()[-1] == f"error: {MESSAGE[what]}"
    nothing_is_left(home)


# ---------------------------------------------------------------- while answers are compared


def stop_the_grader(run: Run) -> None:
    """Wait until the run has a grader that imports its libraries, and stop it: the comparison does not end."""
    run.wait_until("a grader", lambda: any(one.grader and one.seconds >= 0.05 for one in run.processes()))
    (grader,) = (process for process in run.processes() if process.grader)
    os.kill(grader.pid, signal.SIGSTOP)


def test_ctrl_c_while_answers_are_compared(home: Path) -> None:
    """The answer is there, and whether it is the expected one is not decided."""
    with solve(home, "--expect", "12", "--json") as run:
        stop_the_grader(run)
        run.signal(signal.SIGINT)
        ended = run.end()
    record = json.loads(ended.out)
    assert (ended.code, record["finish_reason"], record["answer"]) == (130, "interrupted", "-11")
    assert record["expected"] == {"answer": "12", "equal": None}
    nothing_is_left(home)


def test_sigterm_while_answers_are_compared(home: Path) -> None:
    with solve(home, "--expect", "12", "--json") as run:
        stop_the_grader(run)
        run.signal(signal.SIGTERM)
        ended = run.end()
    assert (ended.code, json.loads(ended.out)["error"]["code"]) == (143, 143)
    nothing_is_left(home)


# ---------------------------------------------------------------- SIGKILL


def test_a_killed_solve_leaves_no_process(home: Path) -> None:
    """It cannot clean up; its zygote, workers and grader end by themselves."""
    with solve(home, "--expect", "12") as run:
        run.wait_until("a grader", lambda: any(one.grader for one in run.processes()))
        run.wait_until("a worker", run.workers)
        run.signal(signal.SIGKILL)
        assert run.end().code == -signal.SIGKILL
    nothing_is_left(home)


def test_a_solve_that_is_killed_during_a_program_leaves_no_process(home: Path) -> None:
    """The program would run for ever."""
    with solve_slowly(home, "program") as run:
        start_of_a_program(run)
        run.signal(signal.SIGKILL)
        assert run.end().code == -signal.SIGKILL
    nothing_is_left(home)


def test_processes_of_other_runs_are_told_apart(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The check for left-over processes sees this run's, and no other's."""
    other = tmp_path_factory.mktemp("other")
    with solve_slowly(home, "program") as run:
        start_of_a_program(run)
        assert len(run.processes()) >= 3
        assert processes_of(f"{other}/") == []
    nothing_is_left(home)

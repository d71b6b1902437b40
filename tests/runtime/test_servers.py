"""Runs on model servers, as the commands and the Python API make them: the same solutions, and where they are from."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

import qmath_cli
from qmath_cli.app import run
from qmath_cli.engine.remote import member
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.records import Output, RunStatus
from qmath_cli.runtime.servers.text_only import DefusingExecutor
from tests.engine.remote.client import ASSISTANT
from tests.engine.remote.dialects import DIALECTS, GENERIC, LLAMA_SERVER, VLLM
from tests.engine.remote.faults import Break, Broken, every
from tests.engine.remote.generation import Asked, Reply
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Latency, Serving
from tests.scripted import EchoExecutor
from tests.terminal.schemas import validate

PROBLEM = "What is 6*7?"
SECRET = "s3cret-key"


def solves(asked: Asked) -> Reply:
    """A solution with a program; from its output on, or from wherever it stands."""
    written = asked.text.rpartition(ASSISTANT)[2]
    first, last = "We compute.\n```python\nprint(6*7)\n```\n", "So $\\boxed{42}$."
    if "```output" in written:
        return Reply(last[len(written.rpartition("```\n")[2]) :])
    return Reply((first + "```output\n43")[len(written) :])


SERVING = Serving(solves, key=SECRET)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    monkeypatch.setenv("QMATH_SERVER_KEY", SECRET)
    monkeypatch.setenv("QMATH_HISTORY", "on")
    monkeypatch.setattr(member, "_FIRST_PAUSE_S", 0.02)


def record(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    printed = capsys.readouterr()
    assert SECRET not in printed.out + printed.err
    found: dict[str, Any] = json.loads(printed.out.splitlines()[-1])
    return found


@pytest.mark.parametrize("kind", DIALECTS)
def test_a_problem_is_solved_with_a_program_here(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On every kind of server, and the record says which it was."""
    serving = SERVING if kind != "mlx-lm" else Serving(solves)
    with ScriptedServer(DIALECTS[kind], serving) as server:
        assert run(["solve", PROBLEM, "--server", server.url, "--json"]) == ExitCode.OK
        found = record(capsys)
        validate(found)
        (described,) = found["model"]["servers"]
        assert (found["answer"], described["kind"], described["address"]) == ("42", kind, server.url)
        assert (found["model"]["file"], described["deterministic"]) == (None, False)
        assert run(["history", "show", "1", "--json"]) == ExitCode.OK
        assert record(capsys)["model"]["servers"] == [described]


def test_the_address_may_come_from_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several of them too, and with the path that other clients want."""
    with ScriptedServer(VLLM, SERVING) as one, ScriptedServer(LLAMA_SERVER, SERVING) as other:
        monkeypatch.setenv("QMATH_SERVER", f"{one.url}/v1, {other.url}/")
        assert run(["solve", PROBLEM, "-k", "6", "--stop-at", "off", "--json"]) == ExitCode.OK
        found = record(capsys)
    assert [one["address"] for one in found["model"]["servers"]] == [one.url, other.url]
    assert found["votes"]["groups"][0]["count"] == 6
    assert min(one.counters.finished, other.counters.finished) > 0


def test_a_login_in_an_address_is_used_and_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in JSON nor in an error."""
    with ScriptedServer(VLLM, Serving(solves)) as server:
        address = server.url.replace("http://", f"http://me:{SECRET}@")
        os.environ.pop("QMATH_SERVER_KEY")
        assert run(["solve", PROBLEM, "--server", address, "--json"]) == ExitCode.OK
        assert record(capsys)["model"]["servers"][0]["address"] == server.url
        assert str(server.counters.authorizations[-1]).startswith("Basic ")
    assert run(["solve", PROBLEM, "--server", address]) == ExitCode.ENGINE
    assert SECRET not in capsys.readouterr().err


@pytest.mark.parametrize("address", ["ftp://gpu:1", "http://", "http://gpu:99999", "http://gpu:80?x=1", "a b://c"])
def test_what_is_no_address_is_a_usage_error(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is sent."""
    assert run(["solve", PROBLEM, "--server", address]) == ExitCode.USAGE
    assert "is not the URL of a server" in capsys.readouterr().err


def test_a_batch_is_solved_on_servers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every result says which; streams that break on the way change nothing."""
    problems = tmp_path / "problems.txt"
    problems.write_text("".join(f"{number}. What is {number}*7?\n" for number in range(1, 13)))
    serving = Serving(solves, key=SECRET, faults=every(5, Broken(Break.RESET, 4)))
    with ScriptedServer(VLLM, serving) as one, ScriptedServer(VLLM, SERVING) as other:
        assert run(["batch", str(problems), "--server", one.url, "--server", other.url]) == ExitCode.OK
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(int(one["id"]) for one in found) == list(range(1, 13))
    assert {(one["answer"], len(one["servers"])) for one in found} == {("42", 2)}
    validate(found[0])
    assert other.counters.asked[0].stream is False  # nobody watches the text


def test_a_text_that_somebody_sees_is_streamed(capsys: pytest.CaptureFixture[str]) -> None:
    """As events, or as the one sample of a pipe; several samples for a pipe are not."""
    with ScriptedServer(VLLM, SERVING) as server:
        for more, streamed in (([], True), (["-k", "2", "--jsonl"], True), (["-k", "2", "--json"], False)):
            server.counters.asked.clear()
            run(["solve", PROBLEM, "--server", server.url, "--mode", "cot", "--stop-at", "off", *more])
            assert {asked.stream for asked in server.counters.asked} == {streamed}
    capsys.readouterr()


def test_many_problems_of_a_program_come_whole() -> None:
    """One of them is streamed, so that an interrupt keeps its text."""
    with (
        ScriptedServer(VLLM, SERVING) as server,
        qmath_cli.open_model(server=server.url, mode="cot", k=1, max_tokens=50) as model,
    ):
        model.solve_many([PROBLEM] * 3)
        model.solve(PROBLEM)
        assert [asked.stream for asked in server.counters.asked] == [False, False, False, True]


def test_a_problem_that_cannot_be_sent_is_named_before_any_is_solved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that takes text only would read its control token."""
    problems = tmp_path / "problems.jsonl"
    problems.write_text('{"id": "good", "problem": "1+1"}\n{"id": "bad", "problem": "<|im_end|>?"}\n')
    with ScriptedServer(GENERIC, SERVING) as server:
        assert run(["batch", str(problems), "--server", server.url]) == ExitCode.USAGE
        assert server.counters.started == 0
    assert "problem bad" in capsys.readouterr().err


def test_an_evaluation_goes_on_after_the_server_was_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was graded is kept, nothing is computed twice, and another server at another address may finish it."""
    arguments = ["eval", "demo", "--limit", "12", "-k", "2", "--json", "--out", str(tmp_path / "runs")]

    def dying(asked: Asked) -> Reply:
        if asked.number == 36:
            threading.Thread(target=server.kill).start()
        return solves(asked)

    with ScriptedServer(VLLM, Serving(dying, key=SECRET, slots=64)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr("qmath_cli.runtime.servers.opening._PATIENCE_S", 0.1)
        assert run([*arguments, "--server", server.url]) == ExitCode.ENGINE
    capsys.readouterr()
    (file,) = (tmp_path / "runs").glob("*.jsonl")
    before = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    assert 0 < len(before) < 24
    with ScriptedServer(LLAMA_SERVER, SERVING) as server:
        assert run([*arguments, "--server", server.url]) == ExitCode.OK
        assert server.counters.finished == 2 * (24 - len(before))
    found = record(capsys)
    validate(found)
    assert (found["servers"][0]["kind"], found["items"]) == ("llama-server", 12)
    assert "same seed need not give the same text" in " ".join(found["remarks"])
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    validate(lines[0])
    assert len({(one["item"], one["index"]) for one in lines[1:]}) == len(lines[1:]) == 24
    assert [one for one in before if one not in lines] == []


def test_the_python_api_solves_on_servers() -> None:
    """With one address or several."""
    with ScriptedServer(VLLM, Serving(solves, key=SECRET, latency=Latency(token_s=0.001))) as server:
        with qmath_cli.open_model(server=[server.url]) as model:
            assert model.solve(PROBLEM, k=3).answer == "42"
            assert [one.answer for one in model.solve_many([PROBLEM, "求 6*7。"])] == ["42", "42"]
            with pytest.raises(UsageError, match="fixed"):
                model.solve(PROBLEM, server="http://elsewhere")
        with pytest.raises(qmath_cli.ModelMissing, match="does not have 72b-instruct"):
            qmath_cli.open_model("72b-instruct", server=server.url)
        with qmath_cli.open_model("7b-instruct", server=server.url) as model:
            assert model.info.base_name == "7b-instruct"


def test_bench_measures_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    """The same object as for a model on this machine."""
    endless = Serving(lambda _asked: Reply(" ".join(map(str, range(400)))), key=SECRET, latency=Latency(token_s=0.001))
    with ScriptedServer(VLLM, endless) as server:
        options = ["--server", server.url, "--sequences", "1,3", "--repeats", "1", "--tokens", "16", "--json"]
        assert run(["bench", *options]) == ExitCode.OK
        assert server.counters.asked[-1].body["ignore_eos"] is True
    found = record(capsys)
    validate(found)
    assert [one["sequences"] for one in found["decode"]] == [1, 3]
    assert min(one["rate"]["median"] for one in found["decode"]) > 0


def test_more_sequences_than_this_machine_can_have_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Only servers take so many."""
    assert run(["eval", "demo", "--limit", "1", "--parallel", "257"]) == ExitCode.USAGE
    assert "--server" in capsys.readouterr().err


def test_an_output_that_spells_a_control_token_is_broken_visibly() -> None:
    """For servers that take text only."""

    class Printing(EchoExecutor):
        def run(self, code: str) -> Output:
            return Output(f"a<|im_end|>{code}", RunStatus.OK)

    worker = DefusingExecutor(Printing()).open()
    assert worker.run("<|x|> < |y|>").text == "a< |im_end|>< |x|> < |y|>"

"""A solve on this machine whose samples are scored on a server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

import qmath_cli as qmath
from qmath_cli.app import run
from qmath_cli.errors import ExitCode, ModelMissing, QmathError, ServerUnusable, UsageError
from qmath_cli.evaluation.datasets import Dataset, Item
from qmath_cli.evaluation.records import GradedSample, ItemSample
from qmath_cli.evaluation.rewards import reward
from qmath_cli.evaluation.schedule import EvaluationPlan
from qmath_cli.models import lockfile
from qmath_cli.paths import find
from qmath_cli.records import Finish, Language, Mode, Pick, Prompt, Sample, Sampling
from qmath_cli.runtime.rewards import reward_loader
from qmath_cli.runtime.servers.rewards import ServedReward
from qmath_cli.settings import Settings
from tests.engine.remote.dialects import OLLAMA, SGLANG, VLLM
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Dialect, Serving
from tests.engine.remote.vocabulary import vocabulary
from tests.terminal.schemas import schema, validate

PROBLEM = "What is 12% of 450?"
NAME = "Qwen2.5-Math-RM-72B"


def shortest(ids: Sequence[int]) -> list[list[float]]:
    """A reward model that prefers short solutions."""
    return [[-float(index + 1)] for index in range(len(ids))]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[qmath.Model]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QMATH_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("QMATH_SERVER_KEY", raising=False)
        with qmath.open_model("demo", mode="cot", k=4, temperature=1.2, max_tokens=200) as opened:
            yield opened


@pytest.mark.parametrize("dialect", [VLLM, SGLANG], ids=lambda one: one.kind)
def test_the_sample_that_the_server_scores_highest_is_picked(model: qmath.Model, dialect: Dialect) -> None:
    """Every sample has the score of its own conversation."""
    with ScriptedServer(dialect, Serving(name=NAME, reward=shortest)) as server:
        solution = model.solve(PROBLEM, pick="rm", reward_server=server.url)
    rewards = [sample.reward for sample in solution.samples]
    assert all(reward is not None and reward < 0 for reward in rewards)
    lengths = [sample.usage.completion_tokens for sample in solution.samples]
    best = min(range(4), key=lambda index: lengths[index])
    assert max(rewards, key=lambda one: one or 0.0) == rewards[best]
    assert len(set(lengths)) > 1


def test_a_server_is_tried_once_however_many_problems_follow(model: qmath.Model) -> None:
    """One score for the trial, then one for each different sample."""
    with ScriptedServer(VLLM, Serving(name=NAME, reward=shortest)) as server:
        for _ in range(3):
            model.solve(PROBLEM, pick="rm", k=1, temperature=0, reward_server=server.url)
        assert server.counters.requests["POST /pooling"] == 4
        assert server.counters.requests["GET /v1/models"] == 1


@pytest.mark.parametrize(
    ("dialect", "serving", "wanted", "error"),
    [
        (VLLM, Serving(name=NAME, reward=shortest, pools=False), "", ServerUnusable),
        (OLLAMA, Serving(name=NAME), "", ServerUnusable),
        (VLLM, Serving(name=NAME, reward=shortest), "prm-72b", ModelMissing),
        (VLLM, Serving(name=NAME, reward=lambda ids: [[0.1, 0.9]] * len(ids)), "", ServerUnusable),
    ],
    ids=["no-pooling", "another-kind", "another-model", "steps"],
)
def test_a_server_that_cannot_score_is_refused_before_anything_is_sampled(
    model: qmath.Model, dialect: Dialect, serving: Serving, wanted: str, error: type[QmathError]
) -> None:
    """No event comes first."""
    with ScriptedServer(dialect, serving) as server:
        stream = model.stream(PROBLEM, pick="rm", reward_server=server.url, reward_model=wanted)
        with pytest.raises(error):
            next(iter(stream))


def test_several_reward_servers_are_refused(model: qmath.Model) -> None:
    """One is enough: it scores many at the same time."""
    with pytest.raises(UsageError, match="one server"):
        model.solve(PROBLEM, pick="rm", reward_server="127.0.0.1:1 127.0.0.1:2")


def test_a_reward_server_that_nothing_asks_for_is_not_reached(model: qmath.Model) -> None:
    """A vote needs no scores."""
    with ScriptedServer(VLLM, Serving(name=NAME, reward=shortest)) as server:
        model.solve(PROBLEM, pick="maj", k=1, reward_server=server.url)
        assert server.counters.connections == 0


def graded(name: str, index: int) -> GradedSample:
    text = f"{name} {'long ' * index}"
    return GradedSample(ItemSample(name, Sample(text, "1", Finish.ANSWERED, index=index)), {})


def test_an_evaluation_has_the_samples_of_many_problems_scored_at_the_same_time() -> None:
    """Every sample gets its own score, in the order in which they are stored."""
    items = tuple(Item(str(number), PROBLEM, "1", "1", Language.EN) for number in range(24))
    data = Dataset("made up", items, "0" * 64)
    plan = EvaluationPlan(data, Mode.COT, Sampling(), lambda _item: Prompt(()), k=3)
    samples = [graded(item.id, index) for item in data.items for index in range(4)]
    settings = replace(Settings(), pick=Pick.RM)
    with ScriptedServer(SGLANG, Serving(name=NAME, reward=shortest)) as server:
        loader = reward_loader(replace(settings, reward_server=server.url), find({}), lockfile.load())
        assert isinstance(loader, ServedReward)
        with loader() as model:
            one_by_one = list(reward(plan, samples, model))
            together = list(reward(plan, samples, model, at_once=8))
    assert together == one_by_one
    assert [one.key for one in together] == [one.key for one in samples]
    assert [one.sample.reward is None for one in together[:4]] == [False, False, False, True]


def test_the_json_of_a_solve_names_the_server_that_scored(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its kind, version and model; without one the field is absent."""
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    asked = ["solve", PROBLEM, "-m", "demo", "-k", "2", "--json", "-q", "--mode", "cot"]
    with ScriptedServer(VLLM, Serving(name=NAME, reward=shortest)) as server:
        run([*asked, "--pick", "rm", "--reward-server", server.url])
        record = json.loads(capsys.readouterr().out)
        run(asked)
    validate(record)
    named = record["reward_server"]
    assert (named["address"], named["kind"], named["model"]) == (server.url, "vllm", NAME)
    assert "reward_server" not in json.loads(capsys.readouterr().out)


def test_steps_are_scored_on_a_server_and_multiplied(model: qmath.Model) -> None:
    """One score per step of every sample."""

    def right(ids: Sequence[int]) -> list[list[float]]:
        return [[0.5, 0.5]] * ids.count(vocabulary().mark)

    with ScriptedServer(VLLM, Serving(name="Qwen2.5-Math-PRM-7B", reward=right)) as server:
        solution = model.solve(PROBLEM, pick="prm", k=2, reward_server=server.url)
    for sample in solution.samples:
        assert sample.steps
        assert sample.reward == 0.5 ** len(sample.steps)


def test_an_evaluation_goes_on_with_the_scores_that_a_failed_server_leaves(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The error is the server's; the same command samples nothing again, and scores what has no score."""
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    asked = ["eval", "demo", "--limit", "12", "-k", "1", "--mode", "cot", "--max-tokens", "60", "--pick", "rm",
             "--out", str(tmp_path), "--json"]  # fmt: skip
    calls: list[int] = []

    def breaking(ids: Sequence[int]) -> list[list[float]]:
        calls.append(len(ids))
        return shortest(ids) if len(calls) <= 9 else []

    with ScriptedServer(VLLM, Serving(name=NAME, reward=breaking)) as server:
        assert run([*asked, "--reward-server", server.url]) == ExitCode.ENGINE
        (file,) = tmp_path.glob("*.jsonl")
        kept = [json.loads(line)["reward"] for line in file.read_text(encoding="utf-8").splitlines()[1:]]
        server.serving = Serving(name=NAME, reward=shortest)
        before = server.counters.requests["POST /pooling"]
        capsys.readouterr()
        assert run([*asked, "--reward-server", server.url]) == ExitCode.OK
        again = server.counters.requests["POST /pooling"] - before
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for record in records:
        jsonschema.validate(record, schema("qmath.eval-run/2"))
    assert json.loads(capsys.readouterr().out)["rm"]
    assert 0 < sum(one is not None for one in kept) < 12
    assert again == 1 + kept.count(None)  # and the short solution that shows whether the server scores


def test_a_solution_that_somebody_wrote_is_scored_on_a_server(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By either kind of model, which the server's answer tells where its name does not."""
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    path = tmp_path / "solution.md"
    path.write_text("What is 1 + 1?\n\nFirst.\n\nSo $\\boxed{2}$.\n", encoding="utf-8")

    def steps(ids: Sequence[int]) -> list[list[float]]:
        return [[0.5, 0.5]] * ids.count(vocabulary().mark)

    kinds = []
    for name, rows in ((NAME, shortest), ("Qwen2.5-Math-PRM-7B", steps), ("mine", shortest), ("mine", steps)):
        with ScriptedServer(VLLM, Serving(name=name, reward=rows)) as server:
            assert run(["score", str(path), "--reward-server", server.url, "--json"]) == ExitCode.OK
            record = json.loads(capsys.readouterr().out)
        validate(record)
        assert (record["model"]["server"]["address"], record["model"]["file"]) == (server.url, None)
        kinds.append((record["model"]["kind"], record["steps"] and [one["score"] for one in record["steps"]]))
    assert kinds == [("reward", None), ("process-reward", [0.5, 0.5])] * 2
    with ScriptedServer(VLLM, Serving(name=NAME, reward=shortest)) as server:
        assert run(["score", str(path), "--reward-server", server.url, "-m", "prm-7b"]) == ExitCode.MODEL_MISSING
    with ScriptedServer(VLLM) as server:
        assert run(["score", str(path), "--reward-server", server.url]) not in {ExitCode.OK, ExitCode.UNEXPECTED}

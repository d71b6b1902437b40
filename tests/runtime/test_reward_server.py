"""A solve on this machine whose samples are scored on a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

import qmath_cli as qmath
from qmath_cli.errors import ModelMissing, QmathError, ServerUnusable, UsageError
from tests.engine.remote.dialects import OLLAMA, SGLANG, VLLM
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Dialect, Serving

PROBLEM = "Calculate 48/(6*2)."
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

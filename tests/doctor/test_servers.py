"""`qmath doctor --server`: what is found of a server of each kind, and what is said to be missing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from qmath_cli.doctor.results import CheckResult, Status
from qmath_cli.doctor.servers import Examination, examine
from qmath_cli.engine.remote.address import Address
from qmath_cli.engine.remote.http import Access
from qmath_cli.models import lockfile
from qmath_cli.records import ServerKind
from qmath_cli.settings import Settings
from tests.engine.remote.dialects import DIALECTS, GENERIC, LLAMA_SERVER, SGLANG, VLLM
from tests.engine.remote.faults import Refused, Shape, always, failing, refusal
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Dialect, Serving


def found(server: ScriptedServer | str, *, key: str = "", model: str = "") -> dict[str, CheckResult]:
    """The results by name."""
    url = server if isinstance(server, str) else server.url
    one = Examination(Access(Address.parse(url), key), None, model, lockfile.load())
    return {result.name: result for result in one.results()}


def examined(dialect: Dialect, serving: Serving | None = None, **more: str) -> dict[str, CheckResult]:
    with ScriptedServer(dialect, serving) as server:
        return found(server, **more)


@pytest.mark.parametrize("kind", DIALECTS)
def test_a_sound_server_has_no_problem(kind: str) -> None:
    """Its kind and its model are named, and it has computed a token."""
    results = examined(DIALECTS[kind])
    assert [one for one in results.values() if one.status is not Status.OK] == []
    assert kind in results["server"].detail
    assert results["models"].detail == "Qwen2.5-Math-7B-Instruct"
    assert "instruct" in results["model"].detail
    assert "first token after" in results["latency"].detail


@pytest.mark.parametrize("kind", DIALECTS)
def test_only_two_tokens_are_computed(kind: str) -> None:
    """The probes end after one token each."""
    with ScriptedServer(DIALECTS[kind]) as server:
        found(server)
        assert server.counters.completion_tokens == 2


def test_the_numbers_are_those_of_the_server() -> None:
    """Context and slots as told, and what came from the cache."""
    results = examined(LLAMA_SERVER, Serving(context=8192, slots=6))
    assert results["context"].detail.startswith("8192 tokens")
    assert results["width"].detail.startswith("6 ")
    assert int(results["prefixes"].detail.split()[0]) > 50


@pytest.mark.parametrize("dialect", [VLLM, SGLANG], ids=lambda one: one.kind)
def test_a_cache_that_is_not_told_is_no_warning(dialect: Dialect) -> None:
    """The option that would tell is named."""
    result = examined(dialect, Serving(tells_cached=False))["prefixes"]
    assert result.status is Status.OK
    assert "not told; with --enable-" in result.detail


def test_a_cache_that_is_not_used_is_a_warning() -> None:
    """The second of two equal prompts is computed again."""
    result = examined(replace(VLLM, block=100_000))["prefixes"]
    assert (result.status, result.fix) == (Status.WARNING, "start it with --enable-prefix-caching")


@pytest.mark.parametrize("key", ["", "wrong"])
def test_a_missing_key_is_a_problem(key: str) -> None:
    """The variable that has to hold it is named, and the key is not shown."""
    results = examined(VLLM, Serving(key="right"), key=key)
    assert list(results) == ["server"]
    assert results["server"].status is Status.PROBLEM
    assert "QMATH_SERVER_KEY" in results["server"].fix
    assert "right" not in json.dumps([results["server"].detail, results["server"].fix])


def test_a_server_that_loads_its_model_is_to_be_waited_for() -> None:
    """503 while loading."""
    result = examined(LLAMA_SERVER, Serving(loading=100))["server"]
    assert (result.status, result.fix) == (Status.PROBLEM, "wait until it has loaded its model")


def test_no_server_is_a_problem() -> None:
    """Nothing listens there."""
    with ScriptedServer(VLLM) as server:
        url = server.url
    assert found(url)["server"].status is Status.PROBLEM


def test_a_web_page_is_no_model_server() -> None:
    """Something else listens there."""
    dialect = replace(GENERIC, answers={}, writes={})
    assert "not a model server" in examined(dialect)["server"].detail


def test_a_chat_model_that_is_no_math_model_is_a_warning() -> None:
    """It works, but was not trained on these prompts."""
    result = examined(VLLM, Serving(name="Meta-Llama-3-8B-Instruct"))["model"]
    assert result.status is Status.WARNING
    assert "Qwen2.5-Math" in result.fix


def test_a_small_context_is_a_warning_with_the_option_that_raises_it() -> None:
    """llama-server divides its context among its slots."""
    result = examined(LLAMA_SERVER, Serving(context=1024))["context"]
    assert result.status is Status.WARNING
    assert "-c 4096 times" in result.fix


def test_a_model_that_is_not_there_is_a_problem() -> None:
    """Its models are named."""
    result = examined(VLLM, model="72b-instruct")["models"]
    assert result.status is Status.PROBLEM
    assert "Qwen2.5-Math-7B-Instruct" in result.fix


def test_a_server_that_cannot_compute_is_a_problem() -> None:
    """It lists its models, and fails at the first token."""
    result = examined(VLLM, Serving(faults=always(failing())))["latency"]
    assert result.status is Status.PROBLEM
    assert "the engine has died" in result.detail


def test_a_server_that_refuses_is_a_problem_with_its_words() -> None:
    """400."""
    faults = always(Refused(refusal(Shape.FLAT, "no completions today")))
    assert "no completions today" in examined(SGLANG, Serving(faults=faults))["latency"].detail


def _scores(ids: Sequence[int]) -> list[list[float]]:
    return [[float(len(ids))]] * len(ids)


@pytest.mark.parametrize("dialect", [VLLM, SGLANG], ids=lambda one: one.kind)
def test_a_reward_model_scores_a_solution(dialect: Dialect) -> None:
    """It is not asked to write."""
    results = examined(dialect, Serving(name="Qwen2.5-Math-RM-72B", reward=_scores))
    assert results["reward"].status is Status.OK
    assert re.search(r"scores solutions: -?\d+\.\d\d", results["reward"].detail)
    assert "latency" not in results


def test_a_reward_model_without_its_endpoint_is_a_problem_with_its_causes() -> None:
    """Not started with --runner pooling."""
    result = examined(VLLM, Serving(name="Qwen2.5-Math-RM-72B", reward=_scores, pools=False))["reward"]
    assert result.status is Status.PROBLEM
    assert "--runner pooling" in result.fix


def test_the_kind_can_be_said() -> None:
    """What the user says is not found out."""
    with ScriptedServer(VLLM) as server:
        one = Examination(Access(Address.parse(server.url)), ServerKind.GENERIC, "", lockfile.load())
        results = {result.name: result for result in one.results()}
    assert "generic" in results["server"].detail


def test_servers_with_different_models_are_a_problem() -> None:
    """Work cannot be shared among them."""
    with ScriptedServer(VLLM) as one, ScriptedServer(VLLM, Serving(name="Qwen2.5-Math-72B-Instruct")) as other:
        results = list(examine(replace(Settings(), server=f"{one.url} {other.url}"), lockfile.load()))
    assert [result.name for result in results].count("server") == 2
    assert results[-1].status is Status.PROBLEM
    assert "Qwen2.5-Math-72B-Instruct" in results[-1].detail


def test_the_reward_models_server_is_examined_too() -> None:
    """After the others."""
    serving = Serving(name="Qwen2.5-Math-RM-72B", reward=_scores)
    with ScriptedServer(VLLM) as one, ScriptedServer(SGLANG, serving) as other:
        results = list(examine(replace(Settings(), server=one.url, reward_server=other.url), lockfile.load()))
    assert (results[-1].name, results[-1].status) == ("reward", Status.OK)

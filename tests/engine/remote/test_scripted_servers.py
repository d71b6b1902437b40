"""The scripted servers themselves: what a client may rely on when it is tested against them."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx2 as httpx
import pytest

from tests.engine.remote.dialects import DIALECTS, GENERIC, LLAMA_SERVER, OLLAMA, SGLANG, VLLM
from tests.engine.remote.faults import Break, Broken, MissedStop, always, first, too_many
from tests.engine.remote.generation import Asked, Reply
from tests.engine.remote.process import ServerProcess
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Dialect, Latency, Serving
from tests.engine.remote.vocabulary import vocabulary

TEXT = "Let π = 3.\n```python\nprint(6*7)\n```\n```output\n42\n```\n"
NAME = "Qwen2.5-Math-7B-Instruct"
PROMPT = "<|im_start|>user\nWhat is 6*7?<|im_end|>\n<|im_start|>assistant\n"


def writes(text: str, *, ends: bool = True) -> Serving:
    return Serving(model=lambda _asked: Reply(text, ends), name=NAME)


def completion(url: str, *, timeout: float = 30.0, **more: Any) -> list[dict[str, Any]]:
    """The events of a streaming completion."""
    body = {"model": NAME, "prompt": PROMPT, "max_tokens": 100, "stream": True, **more}
    with httpx.stream("POST", f"{url}/v1/completions", json=body, timeout=timeout) as answer:
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(one["choices"][0]["text"] for one in events if one["choices"])


@pytest.mark.parametrize("kind", [name for name in DIALECTS if name not in {"llama-server", "ollama"}])
def test_a_completion_streams_its_text_and_says_why_it_ends(kind: str) -> None:
    """All of the text before the stop string arrives, and a reason."""
    with ScriptedServer(DIALECTS[kind], writes(TEXT)) as server:
        events = completion(server.url, stop=["```output"])
    assert text_of(events) == TEXT.partition("```output")[0]
    assert [one["choices"][0]["finish_reason"] for one in events if one["choices"]][-1] == "stop"


def test_vllm_sends_the_ids_of_a_stop_string_that_it_cuts_off() -> None:
    """Returned ids are those that were sampled; the text ends before the stop string."""
    with ScriptedServer(VLLM, writes(TEXT)) as server:
        events = completion(server.url, stop=["```output"], return_token_ids=True)
    ids = tuple(one for event in events if event["choices"] for one in event["choices"][0]["token_ids"])
    assert vocabulary().text(ids).startswith(text_of(events) + "```output"[:3])
    assert events[-1]["choices"][0]["stop_reason"] == "```output"


def test_llama_server_names_the_stop_and_counts_what_it_had_computed() -> None:
    """The second of two equal prompts is cached but for its last tokens."""
    with ScriptedServer(LLAMA_SERVER, writes(TEXT)) as server:
        body = {"prompt": list(vocabulary().encode(PROMPT)), "n_predict": 100, "stop": ["```output"]}
        once, again = (httpx.post(f"{server.url}/completion", json=body).json() for _ in range(2))
    assert (once["stop_type"], once["stopping_word"]) == ("word", "```output")
    assert once["timings"]["cache_n"] == 0
    assert again["timings"]["cache_n"] > again["timings"]["prompt_n"]


def test_ollama_cuts_a_prompt_that_it_may_cut() -> None:
    """Without `truncate: false` and `shift: false` the beginning of a long prompt is dropped in silence."""
    with ScriptedServer(OLLAMA, Serving(name=NAME, context=64)) as server:
        body = {"model": NAME, "prompt": "1+" * 100 + "1=", "raw": True, "stream": False}
        cut = httpx.post(f"{server.url}/api/generate", json=body)
        refused = httpx.post(f"{server.url}/api/generate", json={**body, "truncate": False, "shift": False})
    assert cut.json()["prompt_eval_count"] == 32
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("dialect", "path", "body", "prefix"),
    [
        (LLAMA_SERVER, "/completion", {"n_predict": 100, "stop": ["```output"]}, "data: "),
        (OLLAMA, "/api/generate", {"raw": True, "options": {"stop": ["```output"]}}, ""),
    ],
    ids=["llama-server", "ollama"],
)
def test_the_native_endpoints_stream_without_a_done_line(
    dialect: Dialect, path: str, body: dict[str, Any], prefix: str
) -> None:
    """The last record says that it is the last, and the body ends properly."""
    with ScriptedServer(dialect, writes(TEXT)) as server:
        body = {"model": NAME, "prompt": PROMPT, "stream": True, **body}
        with httpx.stream("POST", f"{server.url}{path}", json=body) as answer:
            records = [json.loads(line.removeprefix(prefix)) for line in answer.iter_lines() if line]
    assert "".join(one.get("content", one.get("response")) for one in records) == TEXT.partition("```output")[0]
    assert records[-1].get("stop", records[-1].get("done")) is True


def test_a_kind_is_known_by_its_endpoints() -> None:
    """Each server names its owner, or does not."""
    owners = {}
    for kind, dialect in DIALECTS.items():
        with ScriptedServer(dialect) as server:
            owners[kind] = httpx.get(f"{server.url}/v1/models").json()["data"][0].get("owned_by")
    assert owners == {
        "vllm": "vllm",
        "sglang": "sglang",
        "llama-server": "llamacpp",
        "ollama": "library",
        "lm-studio": "organization_owner",
        "mlx-lm": None,
        "generic": "me",
    }


@pytest.mark.parametrize("how", [Break.CLOSED, Break.RESET])
def test_a_broken_stream_fails_in_the_client(how: Break) -> None:
    """A connection that closes or resets in the middle is an error of the transport."""
    serving = Serving(name=NAME, faults=always(Broken(how)))
    with ScriptedServer(VLLM, serving) as server, pytest.raises(httpx.TransportError):
        completion(server.url)
    assert server.counters.failed == 1


def test_a_stream_without_a_final_event_looks_complete_to_http() -> None:
    """Only the missing reason shows it."""
    with ScriptedServer(VLLM, Serving(name=NAME, faults=always(Broken(Break.NO_FINAL, 3)))) as server:
        events = completion(server.url)
    assert len(events) == 3
    assert all(one["choices"][0]["finish_reason"] is None for one in events)


def test_a_hang_ends_when_the_client_goes() -> None:
    """The server sees that the client has closed, and frees the slot."""
    with ScriptedServer(VLLM, Serving(name=NAME, faults=always(Broken(Break.HANG)))) as server:
        with pytest.raises(httpx.ReadTimeout):
            completion(server.url, timeout=0.3)
        end = time.monotonic() + 10
        while server.counters.closed == 0 and time.monotonic() < end:
            time.sleep(0.01)
    assert (server.counters.closed, server.counters.running) == (1, 0)


def test_fragments_split_characters() -> None:
    """With one byte per chunk the text is the same."""
    with ScriptedServer(SGLANG, Serving(model=lambda _: Reply("π ≤ 三"), name=NAME, fragment=1)) as server:
        assert text_of(completion(server.url)) == "π ≤ 三"


def test_a_missed_stop_string_arrives_in_the_text() -> None:
    """The server writes on behind it."""
    serving = Serving(model=lambda _: Reply(TEXT), name=NAME, faults=always(MissedStop()))
    with ScriptedServer(GENERIC, serving) as server:
        assert text_of(completion(server.url, stop=["```output"])) == TEXT


def test_refusals_come_before_anything_is_computed() -> None:
    """429 for the first two, then the text."""
    with ScriptedServer(VLLM, Serving(name=NAME, faults=first(2, too_many("1")))) as server:
        body = {"model": NAME, "prompt": PROMPT}
        codes = [httpx.post(f"{server.url}/v1/completions", json=body).status_code for _ in range(3)]
    assert codes == [429, 429, 200]
    assert server.counters.started == 1


def test_slots_limit_what_runs_at_once() -> None:
    """Six requests on two slots: two run, four wait."""
    latency = Latency(token_s=0.01)
    with ScriptedServer(VLLM, Serving(name=NAME, slots=2, latency=latency)) as server:
        body = {"model": NAME, "prompt": PROMPT}

        async def ask() -> None:
            async with httpx.AsyncClient() as client:
                await asyncio.gather(*(client.post(f"{server.url}/v1/completions", json=body) for _ in range(6)))

        asyncio.run(ask())
    assert (server.counters.peak, server.counters.peak_running, server.counters.finished) == (6, 2, 6)


def test_what_is_not_sent_takes_the_servers_default() -> None:
    """Sixteen tokens on vLLM."""
    with ScriptedServer(VLLM, writes("1 " * 40)) as server:
        answer = httpx.post(f"{server.url}/v1/completions", json={"model": NAME, "prompt": PROMPT}).json()
    assert answer["usage"]["completion_tokens"] == 16


def test_a_model_reads_its_prompt() -> None:
    """What is written may depend on the prompt and the seed."""

    def model(asked: Asked) -> Reply:
        return Reply(f"{asked.text.count('6*7')} {asked.seed}")

    with ScriptedServer(VLLM, Serving(model=model, name=NAME)) as server:
        assert text_of(completion(server.url, seed=5)) == "1 5"


def test_a_killed_process_is_gone() -> None:
    """A server of its own process answers, counts, and is then refused."""
    with ServerProcess("vllm", "--slots", "8") as server:
        assert text_of(completion(server.url))
        assert server.counters()["finished"] == 1
        server.kill()
        with pytest.raises(httpx.ConnectError):
            completion(server.url)

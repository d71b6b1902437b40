"""Every kind of server, as the engine speaks to it: the same texts, stops and counts come from all."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.engine.remote.address import Address
from qmath_cli.engine.remote.detect import detect
from qmath_cli.engine.remote.http import Access
from qmath_cli.records import Sampling, Stop
from qmath_cli.runtime.servers import vocabulary as installed
from tests.engine.remote.client import asking, complete, engine_on, finish, writing
from tests.engine.remote.dialects import DIALECTS
from tests.engine.remote.faults import MissedStop, always
from tests.engine.remote.generation import Reply
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Serving

TEXT = "Let π = 3, und 求根 🧮.\n```python\nprint(6*7)\n```\n```output\n42\n```\n"
BEFORE = TEXT.partition("```output")[0]
WITH_IDS = ("vllm", "sglang", "llama-server")
TEXT_ONLY = ("ollama", "lm-studio", "mlx-lm", "generic")

every_kind = pytest.mark.parametrize("kind", DIALECTS)


@every_kind
def test_a_kind_is_found_out(kind: str) -> None:
    """By what the server tells, in a few requests."""
    with ScriptedServer(DIALECTS[kind]) as server:
        found = detect(Access(Address.parse(server.url)))
    assert (found.kind, len(found.models)) == (kind, 1)


@every_kind
def test_a_text_ends_before_its_stop_string(kind: str, tmp_path: Path) -> None:
    """Where the server finds the stop string."""
    with (
        ScriptedServer(DIALECTS[kind], Serving(writing(TEXT))) as server,
        engine_on(server.url, home=tmp_path) as engine,
    ):
        assert complete(engine) == (BEFORE, Stop.STRING)


@every_kind
def test_our_own_stop_detection_decides(kind: str, tmp_path: Path) -> None:
    """A server that misses the stop string is left; its bytes may be cut anywhere, between comments, with CR LF."""
    serving = Serving(writing(TEXT), faults=always(MissedStop()), fragment=1, keep_alive=True, crlf=True)
    with ScriptedServer(DIALECTS[kind], serving) as server, engine_on(server.url, home=tmp_path) as engine:
        assert complete(engine) == (BEFORE, Stop.STRING)


@every_kind
def test_a_text_goes_on_after_an_output(kind: str, tmp_path: Path) -> None:
    """The server gets the text so far with the output, and no more than one prompt of it is new."""
    with ScriptedServer(DIALECTS[kind], Serving(writing(TEXT + "So 42."))) as server:
        with engine_on(server.url, home=tmp_path) as engine:
            (key,) = engine.start(asking(), [Sampling()])
            finish(engine, [key])
            engine.extend(key, "```output\n42\n```\n")
            found = finish(engine, [key])
            usage = engine.usage(key)
        assert (found.texts[key], found.stops[key]) == ("So 42.", Stop.END)
        first, second = server.counters.asked
        assert second.text == first.text + BEFORE + "```output\n42\n```\n"
        assert second.prompt[: len(first.prompt)] == first.prompt
        assert second.as_ids == (kind in WITH_IDS)
        if kind in WITH_IDS:
            assert usage.prompt_tokens == len(first.prompt)
            assert usage.cached_tokens == server.counters.cached_tokens > 0
            assert usage.prefilled_tokens + usage.cached_tokens == len(first.prompt) + len(second.prompt)


@every_kind
def test_the_token_limit_ends_a_text(kind: str, tmp_path: Path) -> None:
    """With exactly so many tokens."""
    with (
        ScriptedServer(
            DIALECTS[kind], Serving(lambda _asked: Reply("1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10"))
        ) as server,
        engine_on(server.url, home=tmp_path) as engine,
    ):
        (key,) = engine.start(asking(), [Sampling(max_tokens=7)])
        found = finish(engine, [key])
        assert (found.stops[key], engine.usage(key).completion_tokens) == (Stop.MAX_TOKENS, 7)


@every_kind
def test_the_context_ends_a_text(kind: str, tmp_path: Path) -> None:
    """A text that fills it, and is not degenerate, stops there."""
    numbers = " ".join(map(str, range(500)))
    with (
        ScriptedServer(DIALECTS[kind], Serving(lambda _asked: Reply(numbers), context=128)) as server,
        engine_on(server.url, home=tmp_path, ctx=128) as engine,
    ):
        assert complete(engine)[1] is Stop.CONTEXT


@every_kind
def test_a_cycle_is_degenerate(kind: str, tmp_path: Path) -> None:
    """And the request is ended."""
    with (
        ScriptedServer(DIALECTS[kind], Serving(lambda _asked: Reply("7", ends=False))) as server,
        engine_on(server.url, home=tmp_path) as engine,
    ):
        assert complete(engine)[1] is Stop.DEGENERATE


@every_kind
def test_every_sampling_value_is_sent(kind: str, tmp_path: Path) -> None:
    """Neutral ones too, because servers have defaults of their own."""
    with (
        ScriptedServer(DIALECTS[kind], Serving(writing("42"))) as server,
        engine_on(server.url, home=tmp_path) as engine,
    ):
        complete(engine, temperature=0.7, top_p=0.8, seed=5)
        (asked,) = server.counters.asked
    body = dict(asked.body) | dict(asked.body.get("options", {}))
    off = 0 if kind not in {"vllm", "sglang"} else -1
    assert (body["temperature"], body["top_p"], body["min_p"], body["top_k"]) == (0.7, 0.8, 0.0, off)
    assert body.get("seed") == (None if kind == "mlx-lm" else 5)
    assert 1.0 in (body.get("repeat_penalty"), body.get("repetition_penalty"))
    assert (body["presence_penalty"], body["frequency_penalty"]) == (0, 0)
    assert body.get("truncate", False) is False


@pytest.mark.parametrize("kind", WITH_IDS)
def test_the_servers_tokenizer_keeps_a_users_text_plain(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a vocabulary on this machine, a problem that spells a control token is no control token either."""
    with ScriptedServer(DIALECTS[kind], Serving(writing(TEXT))) as server:
        problem = "Is <|im_end|> a token? 求 $\\frac{1}{2}$"
        with engine_on(server.url, home=tmp_path) as engine:
            complete(engine, asking(problem))
        monkeypatch.setattr(installed.store, "installed", lambda _paths, _lock: ())
        with engine_on(server.url, home=tmp_path) as engine:
            assert complete(engine, asking(problem)) == (BEFORE, Stop.STRING)
        by_us, by_server = server.counters.asked
        assert by_server.prompt == by_us.prompt


@pytest.mark.parametrize("kind", WITH_IDS)
def test_without_a_vocabulary_here_a_text_goes_on_all_the_same(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text so far becomes ids again."""
    monkeypatch.setattr(installed.store, "installed", lambda _paths, _lock: ())
    with (
        ScriptedServer(DIALECTS[kind], Serving(writing(TEXT + "So 42."))) as server,
        engine_on(server.url, home=tmp_path) as engine,
    ):
        (key,) = engine.start(asking(), [Sampling()])
        finish(engine, [key])
        engine.extend(key, "```output\n42\n```\n")
        assert finish(engine, [key]).texts[key] == "So 42."

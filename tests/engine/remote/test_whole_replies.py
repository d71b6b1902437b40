"""Texts that nobody watches: they come in whole replies, and come out as those of streams do."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from qmath_cli.engine.llama.model import load_vocabulary
from qmath_cli.engine.remote import exchange, member, pace, spread
from qmath_cli.engine.remote.dialects.dialect import Delta, Ending
from qmath_cli.engine.remote.pace import Pace, whole_words
from qmath_cli.engine.remote.stretch import Stretch
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.records import Sampling, Stop
from qmath_cli.runtime.servers import opening
from tests.conftest import ROOT
from tests.engine.remote.client import Finished, asking, complete, engine_on, finish, wait_until, writing
from tests.engine.remote.dialects import DIALECTS, GENERIC, LLAMA_SERVER, MLX, OLLAMA, SGLANG, VLLM
from tests.engine.remote.faults import Break, Broken, MissedStop, always, first, only, too_many
from tests.engine.remote.generation import Reply
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Latency, Serving

TEXT = "Let π = 3, und 求根 🧮: it is 42.\n```python\nprint(6*7)\n```\n```output\n42\n```\n"
BEFORE = TEXT.partition("```output")[0]
LONG = " ".join(f"{number} squared is {number * number}." for number in range(40))
WITH_IDS = ("vllm", "sglang", "llama-server")
WHOLE = [kind for kind in DIALECTS if kind != "mlx-lm"]
PLAIN = asking(stops=())

every_kind = pytest.mark.parametrize("kind", DIALECTS)
every_whole_kind = pytest.mark.parametrize("kind", WHOLE)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(member, "_LONGEST_PAUSE_S", 0.1)


@every_kind
def test_a_text_comes_whole_where_the_server_would_stop_with_its_connection(kind: str, tmp_path: Path) -> None:
    """mlx_lm.server looks at the connection only when it writes: its texts are streamed."""
    with (
        ScriptedServer(DIALECTS[kind], Serving(writing(TEXT))) as server,
        engine_on(server.url, home=tmp_path, watched=False) as engine,
    ):
        (key,) = engine.start(PLAIN, [Sampling(max_tokens=200)])
        found = finish(engine, [key])
        assert (found.texts[key], found.stops[key]) == (TEXT, Stop.END)
        (asked,) = server.counters.asked
        assert asked.stream == (kind == "mlx-lm")
        assert engine.usage(key).completion_tokens == server.counters.completion_tokens - (kind in WITH_IDS)


@every_kind
def test_a_stop_string_ends_a_whole_text_where_the_server_names_it(kind: str, tmp_path: Path) -> None:
    """Others would write on behind it, so that they stream; the next round goes on from the same tokens."""
    with (
        ScriptedServer(DIALECTS[kind], Serving(writing(TEXT + "So 42."))) as server,
        engine_on(server.url, home=tmp_path, watched=False) as engine,
    ):
        (key,) = engine.start(asking(), [Sampling(max_tokens=200)])
        found = finish(engine, [key])
        assert (found.texts[key], found.stops[key]) == (BEFORE, Stop.STRING)
        engine.extend(key, "```output\n42\n```\n")
        assert finish(engine, [key]).texts[key] == "So 42."
        one, two = server.counters.asked
    assert (one.stream, two.stream) == ((False, False) if kind in WITH_IDS else (True, True))
    assert two.text == one.text + BEFORE + "```output\n42\n```\n"


@pytest.mark.parametrize("kind", WITH_IDS)
def test_our_own_stop_detection_decides_on_whole_texts(kind: str, tmp_path: Path) -> None:
    """What a server writes behind a stop string that it missed is not taken."""
    serving = Serving(writing(TEXT), faults=always(MissedStop()))
    with (
        ScriptedServer(DIALECTS[kind], serving) as server,
        engine_on(server.url, home=tmp_path, watched=False) as engine,
    ):
        assert complete(engine) == (BEFORE, Stop.STRING)


@pytest.mark.parametrize("kind", WITH_IDS)
def test_a_long_text_comes_in_parts_from_the_cache(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part has its own seed, and is counted once."""
    monkeypatch.setattr(pace, "_LEAST_OF_FEW", 7)
    monkeypatch.setattr(pace, "_MOST", 7)
    with (
        ScriptedServer(DIALECTS[kind], Serving(writing(LONG))) as server,
        engine_on(server.url, home=tmp_path, watched=False) as engine,
    ):
        (key,) = engine.start(PLAIN, [Sampling()])
        found = finish(engine, [key])
        assert (found.texts[key], found.stops[key]) == (LONG, Stop.END)
        usage, counters = engine.usage(key), server.counters
    assert not any(one.stream for one in counters.asked)
    assert len({one.seed for one in counters.asked}) == counters.started == -(-counters.completion_tokens // 7)
    assert usage.completion_tokens == counters.completion_tokens - 1  # the end token is not counted
    assert usage.cached_tokens == counters.cached_tokens > counters.prompt_tokens * 0.7


def test_a_part_may_end_within_a_character_or_a_stop_string() -> None:
    """The next one goes on with it: the tokens are what counts."""
    with closing(load_vocabulary(ROOT / "qmath_cli" / "demo" / "demo-q4_k_m.gguf")) as file:
        tokens = file.tokenizer.tokenize_plain(TEXT.encode())
        for size in range(1, 9):
            state = SequenceState(0, Sampling(), ("```output",), [1, 2, 3])
            one = Stretch(state, asking(), file.tokenizer, exact=True)
            text = ""
            for start in range(0, len(tokens), size):
                one.begin(len(state.tokens), size)
                chunk = one.take(Delta("x", tuple(tokens[start : start + size]), Ending.LENGTH))
                text += chunk.text if chunk is not None else ""
                if chunk is not None and chunk.stop is not None:
                    break
            assert (text, chunk and chunk.stop) == (BEFORE, Stop.STRING)


@pytest.mark.parametrize("kind", ["vllm without ids", *(kind for kind in WHOLE if kind not in WITH_IDS)])
def test_a_long_text_comes_in_parts_of_whole_words_where_there_are_no_ids(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server gets the text again, up to a place where its tokens are the same again."""
    monkeypatch.setattr(pace, "_MOST", 9)
    monkeypatch.setattr(pace, "_LEAST_OF_FEW", 9)
    text = "Let π be 3, und 求根 and so on:\n7 8 9\n\n\\frac{1}{2} ends it."
    if kind == "vllm without ids":
        monkeypatch.setattr("tests.engine.remote.dialects.openai.choice", _without_ids)
    with (
        ScriptedServer(DIALECTS[kind.partition(" ")[0]], Serving(writing(text))) as server,
        engine_on(server.url, home=tmp_path, watched=False) as engine,
    ):
        assert complete(engine, PLAIN) == (text, Stop.END)
        assert server.counters.started > 3
        assert not any(one.stream for one in server.counters.asked)
        written = [one.text.rpartition("assistant\n")[2] for one in server.counters.asked]
    assert all(text.startswith(one) for one in written)
    assert all(one == "" or text[len(one)] == " " or one.endswith("\n") for one in written)


def test_a_part_without_a_blank_is_taken_as_it_is() -> None:
    """Long numbers, and what is no text at all; never less than something."""
    assert whole_words("1234567") == "1234567"
    assert whole_words("") == ""
    assert whole_words(" ab") == " ab"
    assert whole_words("a b\n\nc d") == "a b\n\nc"
    assert whole_words("a b\ncd") == "a b\n"
    assert whole_words("a b  ") == "a"


def _without_ids(piece: object, *, ids: bool, **more: object) -> dict[str, object]:
    return {"index": 0, "text": getattr(piece, "text", ""), "finish_reason": None, **more}


@every_whole_kind
def test_the_limits_end_a_whole_text(kind: str, tmp_path: Path) -> None:
    """The user's number of tokens, and the context."""
    numbers = " ".join(map(str, range(500)))
    with (
        ScriptedServer(DIALECTS[kind], Serving(lambda _asked: Reply(numbers), context=128)) as server,
        engine_on(server.url, home=tmp_path, ctx=128, watched=False) as engine,
    ):
        (key,) = engine.start(PLAIN, [Sampling(max_tokens=7)])
        found = finish(engine, [key])
        assert (found.stops[key], engine.usage(key).completion_tokens) == (Stop.MAX_TOKENS, 7)
        assert complete(engine, PLAIN)[1] is Stop.CONTEXT
        assert not any(one.stream for one in server.counters.asked)


@every_whole_kind
def test_a_cycle_within_a_whole_text_is_degenerate(kind: str, tmp_path: Path) -> None:
    """Its text is cut where a stream would have been, or about there where it came without tokens."""
    serving = Serving(lambda _asked: Reply("So it is 7", ends=False))
    with ScriptedServer(DIALECTS[kind], serving) as server:
        texts = []
        for watched in (True, False):
            with engine_on(server.url, home=tmp_path, watched=watched) as engine:
                text, stop = complete(engine, PLAIN, max_tokens=250)
                texts.append(text)
                assert stop is Stop.DEGENERATE
        assert [one.stream for one in server.counters.asked] == [True, False]
    assert 100 < len(texts[1]) < 450
    assert kind not in WITH_IDS or texts[1] == texts[0]


@pytest.mark.parametrize(
    ("kind", "how"),
    [*(("llama-server", how) for how in Break if how is not Break.HANG), ("ollama", Break.NO_FINAL),
     ("generic", Break.NO_FINAL), ("vllm", Break.CLOSED), ("ollama", Break.ERROR), ("generic", Break.EMPTY),
     ("sglang", Break.RESET)],
)  # fmt: skip
def test_a_broken_whole_reply_is_asked_for_again_as_a_stream(
    kind: str, how: Break, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only that request is lost, and its seed is the same again; what a reply without an ending has is kept."""
    monkeypatch.setattr(exchange, "_REFUSED_S", 0.0)
    text = TEXT.removeprefix("Let π")  # the scripted model does not go on within a character
    serving = Serving(writing(text), faults=only({0: Broken(how, 3)}))
    with (
        ScriptedServer(DIALECTS[kind], serving) as server,
        engine_on(server.url, home=tmp_path, watched=False) as engine,
    ):
        assert complete(engine, PLAIN, max_tokens=200, seed=5) == (text, Stop.END)
        lost, again = server.counters.asked
    assert (lost.stream, again.stream) == (False, True)
    assert (again.seed == lost.seed) == (how is not Break.NO_FINAL)
    assert (again.prompt == lost.prompt) == (how is not Break.NO_FINAL)


def test_the_other_texts_of_a_server_are_not_lost_with_one(tmp_path: Path) -> None:
    """Each comes out whole, and once."""
    serving = Serving(writing(LONG), slots=4, faults=only({1: Broken(Break.CLOSED, 3), 5: Broken(Break.LATE_503, 9)}))
    with (
        ScriptedServer(LLAMA_SERVER, serving) as server,
        engine_on(server.url, home=tmp_path, watched=False) as engine,
    ):
        found = finish(engine, engine.start(PLAIN, [Sampling(seed=seed) for seed in range(12)]))
        assert set(found.texts.values()) == {LONG}
        assert server.counters.started <= 12 * 3


def test_a_busy_server_is_asked_for_whole_replies_again(tmp_path: Path) -> None:
    """Nothing has broken: it only has too much to do."""
    serving = Serving(writing(TEXT), faults=first(2, too_many("0")))
    with ScriptedServer(VLLM, serving) as server, engine_on(server.url, home=tmp_path, watched=False) as engine:
        assert complete(engine, PLAIN, max_tokens=200) == (TEXT, Stop.END)
        assert [one.stream for one in server.counters.asked] == [False]


def test_a_whole_reply_that_does_not_come_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while without a byte, as a stream; the next attempt shows that something happens."""
    monkeypatch.setattr(opening, "_SILENCE_S", 0.3)
    serving = Serving(writing(TEXT), faults=first(1, Broken(Break.HANG, 3)))
    with ScriptedServer(SGLANG, serving) as server, engine_on(server.url, home=tmp_path, watched=False) as engine:
        assert complete(engine, PLAIN, max_tokens=200) == (TEXT, Stop.END)
        assert [one.stream for one in server.counters.asked] == [False, True]


def test_whole_replies_end_with_their_connections(tmp_path: Path) -> None:
    """Released, or with the engine: within a second the servers compute nothing any more."""
    serving = Serving(lambda _asked: Reply(LONG), slots=4, latency=Latency(token_s=0.05))
    with ScriptedServer(VLLM, serving) as server:
        with engine_on(server.url, home=tmp_path, watched=False) as engine:
            keys = engine.start(PLAIN, [Sampling(seed=seed) for seed in range(6)])
            wait_until(lambda: server.counters.running == 4)
            engine.release(keys[0])
            wait_until(lambda: server.counters.closed == 1)
            started = time.monotonic()
        wait_until(lambda: server.counters.connected == 0 and server.counters.running == 0)
        assert time.monotonic() - started < 5
        assert not any(one.stream for one in server.counters.asked)


def test_a_whole_reply_is_not_taken_from_its_server_before_it_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server with nothing to do gets what another has not begun with, but a whole reply shows no beginning."""
    monkeypatch.setattr(spread, "_IDLE_S", 0.05)
    slow = Serving(writing(TEXT), slots=4, latency=Latency(token_s=0.01))
    with ScriptedServer(VLLM, slow) as one, ScriptedServer(VLLM, Serving(writing(TEXT))) as other:
        with engine_on(one.url, other.url, home=tmp_path, watched=False) as engine:
            found = finish(engine, engine.start(PLAIN, [Sampling(seed=seed, max_tokens=200) for seed in range(4)]))
            assert set(found.texts.values()) == {TEXT}
        assert one.counters.closed + other.counters.closed == 0
        assert one.counters.finished > 0


def test_a_killed_servers_whole_replies_come_from_the_others(tmp_path: Path) -> None:
    """Complete, and once."""
    serving = Serving(writing(LONG), slots=4, latency=Latency(token_s=0.0005))
    killed: list[bool] = []

    def kill(found: Finished) -> None:
        if len(found.stops) >= 6 and one.counters.running and not killed:
            killed.append(True)
            one.kill()

    with (
        ScriptedServer(VLLM, serving) as one,
        ScriptedServer(LLAMA_SERVER, serving) as other,
        engine_on(one.url, other.url, home=tmp_path, watched=False) as engine,
    ):
        found = finish(engine, engine.start(PLAIN, [Sampling(seed=seed) for seed in range(24)]), kill)
    assert killed
    assert set(found.texts.values()) == {LONG}
    assert set(found.stops.values()) == {Stop.END}


def test_a_slow_server_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole reply of it would take long, and a stream costs it little."""
    monkeypatch.setattr(pace, "LONGEST_S", 0.5)
    for dialect in (OLLAMA, GENERIC, VLLM, MLX):
        with (
            ScriptedServer(dialect, Serving(writing(TEXT))) as server,
            engine_on(server.url, home=tmp_path, watched=False) as engine,
        ):
            for one in engine._members:  # as after many slow replies
                one.pace.longest = 0.5
            assert complete(engine, PLAIN) == (TEXT, Stop.END)
            assert [one.stream for one in server.counters.asked] == [True]


def test_a_reply_is_as_long_as_its_servers_pace_allows() -> None:
    """In tokens, for a text that can be divided, and for one that cannot."""
    fast = Pace()
    for _ in range(100):
        fast.came(400, 10.0)
    assert fast.part(3000, divisible=True, at_once=4) == pytest.approx(800, rel=0.02)
    assert fast.part(3000, divisible=False, at_once=4) == 0
    assert fast.part(500, divisible=True, at_once=4) == fast.part(500, divisible=False, at_once=4) == 500
    for _ in range(100):
        fast.came(4000, 10.0)
    assert fast.part(3000, divisible=True, at_once=4) == 1024
    assert fast.part(3000, divisible=False, at_once=4) == 3000
    for _ in range(100):
        fast.came(80, 10.0)
    assert fast.part(3000, divisible=True, at_once=4) == 0
    assert fast.part(3000, divisible=True, at_once=100) == pytest.approx(160, rel=0.02)
    for _ in range(100):
        fast.came(20, 10.0)
    assert fast.part(3000, divisible=True, at_once=100) == 0


def test_replies_that_break_make_the_next_ones_shorter_for_a_while() -> None:
    """Until enough of them have come."""
    one = Pace()
    for _ in range(50):
        one.came(1000, 10.0)
    one.broke()
    assert one.part(3000, divisible=True, at_once=4) == pytest.approx(1000, rel=0.05)
    for _ in range(16):
        one.broke()
    assert one.part(3000, divisible=True, at_once=4) == 0
    for _ in range(300):
        one.came(1000, 10.0)
    assert one.part(3000, divisible=True, at_once=4) == 1024

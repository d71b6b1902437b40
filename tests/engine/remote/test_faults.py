"""What goes wrong on the way: a text comes out whole, and once, or an error says why not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from qmath_cli.engine.remote import member
from qmath_cli.errors import ServerUnusable, UsageError
from qmath_cli.records import Sampling, Stop
from qmath_cli.runtime.servers import opening
from tests.engine.remote.client import asking, complete, engine_on, finish, wait_until, writing
from tests.engine.remote.dialects import DIALECTS, GENERIC, LLAMA_SERVER, OLLAMA, VLLM
from tests.engine.remote.faults import (
    Break,
    Broken,
    Fault,
    MissedStop,
    Refused,
    Shape,
    always,
    failing,
    first,
    only,
    refusal,
    too_many,
)
from tests.engine.remote.generation import Reply
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Latency, Serving

TEXT = "First 6*7 is forty-two, 四十二, and then π is more than 3. So $\\boxed{42}$."
TOO_LONG = "This model's maximum context length is 4096 tokens"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are short."""
    monkeypatch.setattr(member, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(member, "_LONGEST_PAUSE_S", 0.1)


@pytest.mark.parametrize(
    ("kind", "how"),
    [*((kind, Break.RESET) for kind in DIALECTS), *(("vllm", how) for how in Break if how is not Break.HANG),
     ("llama-server", Break.ERROR), ("ollama", Break.GARBAGE)],
)  # fmt: skip
def test_a_broken_stream_goes_on_where_it_broke(kind: str, how: Break, tmp_path: Path) -> None:
    """What has arrived is kept, and is not written again."""
    serving = Serving(writing(TEXT), faults=only({0: Broken(how, 5), 1: Broken(how, 0)}))
    with ScriptedServer(DIALECTS[kind], serving) as server, engine_on(server.url, home=tmp_path) as engine:
        assert complete(engine) == (TEXT, Stop.END)
        assert server.counters.started == 3


@pytest.mark.parametrize("kind", DIALECTS)
def test_a_stream_without_a_final_event_is_not_the_end_of_a_text(kind: str, tmp_path: Path) -> None:
    """Not even where all of the text has arrived: only the server knows that."""
    serving = Serving(writing(TEXT), faults=only({0: Broken(Break.NO_FINAL, 1000)}))
    with ScriptedServer(DIALECTS[kind], serving) as server, engine_on(server.url, home=tmp_path) as engine:
        assert complete(engine) == (TEXT, Stop.END)
        assert server.counters.started == 2


@pytest.mark.parametrize("fault", [too_many("0"), too_many(), failing(500), failing(502)], ids=str)
def test_a_server_that_refuses_for_now_is_asked_again(fault: Fault, tmp_path: Path) -> None:
    """With and without Retry-After."""
    serving = Serving(writing(TEXT), faults=first(3, fault))
    with ScriptedServer(VLLM, serving) as server, engine_on(server.url, home=tmp_path) as engine:
        assert complete(engine) == (TEXT, Stop.END)


def test_retry_after_is_waited_for(tmp_path: Path) -> None:
    """As long as the server says, and not our own pause."""
    serving = Serving(writing(TEXT), faults=first(1, too_many("1")))
    with ScriptedServer(VLLM, serving) as server, engine_on(server.url, home=tmp_path) as engine:
        started = time.monotonic()
        complete(engine)
        assert time.monotonic() - started >= 1


def test_a_hang_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while without a byte."""
    monkeypatch.setattr(opening, "_SILENCE_S", 0.3)
    serving = Serving(writing(TEXT), faults=first(1, Broken(Break.HANG, 3)))
    with ScriptedServer(LLAMA_SERVER, serving) as server, engine_on(server.url, home=tmp_path) as engine:
        assert complete(engine) == (TEXT, Stop.END)


@pytest.mark.parametrize("shape", [Shape.NESTED, Shape.FLAT, Shape.NUMBERS, Shape.SENTENCE])
def test_a_refusal_for_the_context_is_an_end(shape: Shape, tmp_path: Path) -> None:
    """In whichever form it comes."""
    serving = Serving(writing(TEXT), faults=always(Refused(refusal(shape, TOO_LONG))))
    with ScriptedServer(VLLM, serving) as server, engine_on(server.url, home=tmp_path) as engine:
        assert complete(engine) == ("", Stop.CONTEXT)


@pytest.mark.parametrize("shape", Shape)
def test_another_refusal_is_an_error_with_the_servers_words(shape: Shape, tmp_path: Path) -> None:
    """It would come again for every request."""
    serving = Serving(writing(TEXT), faults=always(Refused(refusal(shape, "min_p is not for you"))))
    with (
        ScriptedServer(VLLM, serving) as server,
        engine_on(server.url, home=tmp_path) as engine,
        pytest.raises(ServerUnusable, match="400" if shape is Shape.DETAIL else "min_p is not for you"),
    ):
        complete(engine)


def test_a_text_that_no_server_continues_is_an_error(tmp_path: Path) -> None:
    """After some attempts without one new token."""
    serving = Serving(writing(TEXT), faults=always(Broken(Break.RESET, 0)))
    with (
        ScriptedServer(VLLM, serving) as server,
        engine_on(server.url, home=tmp_path) as engine,
        pytest.raises(ServerUnusable, match="for one text"),
    ):
        complete(engine)
    assert server.counters.failed < 40


def test_thirty_equal_tokens_and_a_silent_end_are_degenerate(tmp_path: Path) -> None:
    """Ollama ends such a stream without its final line, again and again."""
    serving = Serving(lambda _asked: Reply("8", ends=False), faults=always(Broken(Break.NO_FINAL, 30)))
    with ScriptedServer(OLLAMA, serving) as server, engine_on(server.url, home=tmp_path) as engine:
        assert complete(engine)[1] is Stop.DEGENERATE


def test_a_server_that_writes_on_behind_a_stop_is_left(tmp_path: Path) -> None:
    """After a moment, in which another one would have ended its reply; the text is whole all the same."""
    text = "We see.\n```output" + " on" * 200
    serving = Serving(writing(text), faults=always(MissedStop()), latency=Latency(token_s=0.1))
    with ScriptedServer(VLLM, serving) as server, engine_on(server.url, home=tmp_path) as engine:
        keys = engine.start(asking(), [Sampling(seed=seed) for seed in range(4)])
        found = finish(engine, keys)
        wait_until(lambda: server.counters.closed == 4)
    assert set(found.texts.values()) == {"We see.\n"}
    assert set(found.stops.values()) == {Stop.STRING}


def test_a_connection_is_used_again(tmp_path: Path) -> None:
    """A reply is read to its end."""
    with ScriptedServer(VLLM, Serving(writing(TEXT))) as server, engine_on(server.url, home=tmp_path) as engine:
        before = server.counters.connections
        for _ in range(3):
            complete(engine)
        assert server.counters.connections == before + 1


def test_a_key_is_asked_for_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes from the environment alone."""
    with ScriptedServer(VLLM, Serving(writing(TEXT), key="s3cret-key")) as server:
        with pytest.raises(ServerUnusable, match="wants a key") as missing, engine_on(server.url, home=tmp_path):
            pass
        assert missing.value.hint == "set QMATH_SERVER_KEY"
        monkeypatch.setenv("QMATH_SERVER_KEY", "wr0ng-key")
        with pytest.raises(ServerUnusable) as wrong, engine_on(server.url, home=tmp_path):
            pass
        assert "wr0ng-key" not in f"{wrong.value.message} {wrong.value.hint} {wrong.value!r}"
        monkeypatch.setenv("QMATH_SERVER_KEY", " s3cret-key\n")
        with engine_on(server.url, home=tmp_path) as engine:
            assert complete(engine) == (TEXT, Stop.END)
            assert "s3cret-key" not in repr(vars(engine))


def test_a_problem_that_spells_a_control_token_is_refused_by_text_servers(tmp_path: Path) -> None:
    """They would take it for one."""
    with ScriptedServer(GENERIC, Serving(writing(TEXT))) as server, engine_on(server.url, home=tmp_path) as engine:
        with pytest.raises(UsageError, match=r"<\|im_end\|>"):
            engine.start(asking("What is <|im_end|>?"), [Sampling()])
        assert complete(engine, asking("What is <|x y|> or a<b|c|>?")) == (TEXT, Stop.END)


def test_a_text_server_that_spells_the_end_of_a_turn_has_ended_it(tmp_path: Path) -> None:
    """And does not go on in the user's place."""
    written = "No, 43.<\u200b|im_end|>\nuser".replace("\u200b", "")
    serving = Serving(lambda _asked: Reply(written), name="m")
    with ScriptedServer(GENERIC, serving) as server, engine_on(server.url, home=tmp_path) as engine:
        assert complete(engine) == ("No, 43.", Stop.END)


def test_released_sequences_stop_on_the_servers(tmp_path: Path) -> None:
    """Within a second, running or waiting, and so does everything when the engine is closed."""
    serving = Serving(lambda _asked: Reply(" ".join(map(str, range(3000)))), slots=4, latency=Latency(token_s=0.05))
    with ScriptedServer(VLLM, serving) as server:
        with engine_on(server.url, home=tmp_path) as engine:
            keys = engine.start(asking(), [Sampling(seed=seed) for seed in range(8)])
            wait_until(lambda: server.counters.running == 4)
            started = time.monotonic()
            for key in keys[:5]:
                engine.release(key)
            wait_until(lambda: server.counters.closed >= 4)
        wait_until(lambda: server.counters.connected == 0)
        assert time.monotonic() - started < 10
        assert server.counters.running == 0

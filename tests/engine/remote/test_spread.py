"""Work over several servers: all of it is done, once, whatever becomes of a server."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from qmath_cli.engine.remote import member, spread
from qmath_cli.errors import ModelMissing, ServerUnusable, UsageError
from qmath_cli.records import Sampling, Stop
from qmath_cli.runtime.servers import opening
from tests.engine.remote.client import Finished, asking, engine_on, finish, wait_until, writing
from tests.engine.remote.dialects import GENERIC, LLAMA_SERVER, SGLANG, VLLM
from tests.engine.remote.faults import always, too_many
from tests.engine.remote.generation import Reply
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Latency, Serving

TEXT = " ".join(str(number * number) for number in range(12))
SLOW = Serving(writing(TEXT), slots=4, latency=Latency(token_s=0.004))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "_FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(member, "_LONGEST_PAUSE_S", 0.1)


def seeds(count: int) -> list[Sampling]:
    return [Sampling(seed=seed) for seed in range(count)]


def whole(found: Finished) -> bool:
    return set(found.texts.values()) == {TEXT} and set(found.stops.values()) == {Stop.END}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_killed_servers_sequences_go_on_elsewhere(tmp_path: Path) -> None:
    """Every text is complete, and no piece of one comes twice."""
    notes: list[str] = []
    with ScriptedServer(VLLM, SLOW) as one, ScriptedServer(LLAMA_SERVER, SLOW) as other:
        with engine_on(one.url, other.url, home=tmp_path, note=notes.append) as engine:
            ids = engine.start(asking(), seeds(40))

            def kill(found: Finished) -> None:
                if len(found.stops) >= 10 and one.counters.running and not killed:
                    killed.append(True)
                    one.kill()

            killed: list[bool] = []
            found = finish(engine, ids, kill)
        assert killed
        assert whole(found)
        assert len(found.texts) == 40
    assert [note for note in notes if one.url in note and "go to the others" in note]


def test_a_server_that_is_started_later_gets_its_share(tmp_path: Path) -> None:
    """It may be away when a run begins."""
    port = free_port()
    with ScriptedServer(VLLM, SLOW) as one, ExitStack() as later:
        with engine_on(one.url, f"http://127.0.0.1:{port}", home=tmp_path) as engine:
            ids = engine.start(asking(), seeds(60))
            started: list[ScriptedServer] = []

            def start(found: Finished) -> None:
                if len(found.stops) >= 8 and not started:
                    started.append(later.enter_context(ScriptedServer(SGLANG, SLOW, port)))

            assert whole(finish(engine, ids, start))
        assert started[0].counters.finished > 0
        assert one.counters.finished + started[0].counters.finished == 60


def test_a_slow_server_gets_less(tmp_path: Path) -> None:
    """By what each has finished."""
    crawling = Serving(writing(TEXT), slots=4, latency=Latency(token_s=0.04))
    with ScriptedServer(VLLM, SLOW) as fast, ScriptedServer(VLLM, crawling) as slow:
        with engine_on(fast.url, slow.url, home=tmp_path) as engine:
            assert whole(finish(engine, engine.start(asking(), seeds(60))))
        assert fast.counters.finished > 2 * slow.counters.finished > 0


def test_a_server_gets_no_more_than_it_computes_at_once(tmp_path: Path) -> None:
    """What it tells of its width is kept, so that the rest can go elsewhere."""
    with ScriptedServer(LLAMA_SERVER, SLOW) as server, engine_on(server.url, sequences=40, home=tmp_path) as engine:
        finish(engine, engine.start(asking(), seeds(20)))
        assert server.counters.peak <= 4


def test_a_sequence_is_continued_where_it_was(tmp_path: Path) -> None:
    """Its tokens are cached there, and nowhere else."""
    with ScriptedServer(VLLM, SLOW) as one, ScriptedServer(VLLM, SLOW) as other:
        with engine_on(one.url, other.url, home=tmp_path) as engine:
            (key,) = engine.start(asking(), seeds(1))
            finish(engine, [key])
            for server in (one, other):
                server.serving = Serving(lambda _asked: Reply("and 144"))
            engine.extend(key, "\n")
            finish(engine, [key])
        assert sorted((one.counters.started, other.counters.started)) == [0, 2]


def test_a_busy_server_is_left_to_others(tmp_path: Path) -> None:
    """429 without end from one server delays nothing."""
    busy = Serving(writing(TEXT), faults=always(too_many()), slots=4)
    with ScriptedServer(VLLM, SLOW) as one, ScriptedServer(VLLM, busy) as other:
        with engine_on(one.url, other.url, home=tmp_path) as engine:
            assert whole(finish(engine, engine.start(asking(), seeds(20))))
        assert other.counters.finished == 0


def test_a_sequence_that_is_released_before_its_request_begins_leaves_its_place(tmp_path: Path) -> None:
    """A server of one slot would otherwise never get anything again."""
    serving = Serving(writing(TEXT), slots=1)
    with ScriptedServer(LLAMA_SERVER, serving) as server, engine_on(server.url, home=tmp_path) as engine:
        for seed in range(20):
            (key,) = engine.start(asking(), [Sampling(seed=seed)])
            engine.release(key)
        assert whole(finish(engine, engine.start(asking(), seeds(2))))


def test_a_request_that_is_moved_before_it_begins_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this machine is so busy that it takes long until a request is sent."""
    monkeypatch.setattr(spread, "_IDLE_S", -1.0)  # every request is late as soon as it is there
    with ScriptedServer(VLLM, SLOW) as one, ScriptedServer(SGLANG, SLOW) as other:
        with engine_on(one.url, other.url, home=tmp_path) as engine:
            found = finish(engine, engine.start(asking(), seeds(40)))
        assert whole(found)
        assert len(found.texts) == 40


def test_without_any_server_a_run_ends_with_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some patience."""
    monkeypatch.setattr(opening, "_PATIENCE_S", 0.2)
    with ScriptedServer(VLLM, SLOW) as server, engine_on(server.url, home=tmp_path) as engine:
        ids = engine.start(asking(), seeds(8))
        wait_until(lambda: server.counters.running > 0)
        server.kill()
        with pytest.raises(ServerUnusable, match=r"no server there|lost"):
            finish(engine, ids)


def test_a_server_that_comes_back_without_its_model_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an error, and not with a wait for nothing."""

    def missing(*_arguments: object) -> str:
        raise ModelMissing("the server does not have it any more")

    with ScriptedServer(VLLM, SLOW) as server, engine_on(server.url, home=tmp_path) as engine:
        ids = engine.start(asking(), seeds(8))
        wait_until(lambda: server.counters.running > 0)
        server.kill()
        monkeypatch.setattr(opening, "model_of", missing)
        with ScriptedServer(VLLM, SLOW, server.port), pytest.raises(ServerUnusable, match="any more"):
            finish(engine, ids)


def test_servers_with_different_models_do_not_share_work(tmp_path: Path) -> None:
    """Half the samples would be another model's."""
    small = Serving(writing(TEXT), name="Qwen/Qwen2.5-Math-1.5B-Instruct")
    with (
        ScriptedServer(VLLM, SLOW) as one,
        ScriptedServer(VLLM, small) as other,
        pytest.raises(UsageError, match=r"1\.5B"),
        engine_on(one.url, other.url, home=tmp_path),
    ):
        pass


def test_a_text_server_is_not_mixed_with_ids(tmp_path: Path) -> None:
    """Beside one that takes text only, all sequences are text, and control tokens are refused."""
    with ScriptedServer(VLLM, SLOW) as one, ScriptedServer(GENERIC, SLOW) as other:
        with engine_on(one.url, other.url, home=tmp_path) as engine:
            assert whole(finish(engine, engine.start(asking(), seeds(20))))
            with pytest.raises(UsageError, match="control token"):
                engine.start(asking("<|im_end|>"), seeds(1))
        assert one.counters.finished > 0
        assert other.counters.finished > 0


def test_no_server_at_all_is_an_error_at_once(tmp_path: Path) -> None:
    """And so is a server without the model."""
    with (
        pytest.raises(ServerUnusable, match="no server there"),
        engine_on(f"http://127.0.0.1:{free_port()}", home=tmp_path),
    ):
        pass
    with (
        ScriptedServer(VLLM, Serving(name="")) as server,
        pytest.raises((ModelMissing, ServerUnusable)),
        engine_on(f"{server.url}/nothing", home=tmp_path),
    ):
        pass

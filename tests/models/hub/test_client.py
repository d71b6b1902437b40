from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmath_cli.errors import IntegrityError, NetworkError
from qmath_cli.models.hub.client import Hub, Snapshot
from tests.models.hub.loopback import COMMIT, Asked, Fault, Loopback, Repo, git_sha1, sha256

REPO = "Qwen/Qwen2.5-Math-1.5B-Instruct"
BIG = bytes(range(256)) * 2000
SMALL = b'{"model_type": "qwen2"}'


@pytest.fixture(autouse=True)
def _repo(loopback: Loopback) -> None:
    loopback.repos[REPO] = Repo({"model.safetensors": BIG, "config.json": SMALL})


@pytest.fixture
def snapshot(hub: Hub) -> Snapshot:
    return hub.snapshot(REPO, "main")


def whole(hub: Hub, snapshot: Snapshot, name: str = "model.safetensors", start: int = 0) -> bytes:
    return b"".join(hub.stream(snapshot, snapshot.files[name], start, snapshot.files[name].size))


def test_a_revision_becomes_a_commit_with_sizes_and_hashes(snapshot: Snapshot) -> None:
    """Large files have their sha256, the others git's own hash; the licence comes from the card."""
    assert (snapshot.commit, snapshot.licence) == (COMMIT, "apache-2.0")
    large, small = snapshot.files["model.safetensors"], snapshot.files["config.json"]
    assert (large.size, large.sha256) == (len(BIG), sha256(BIG))
    assert (small.size, small.sha256, small.git_sha1) == (len(SMALL), None, git_sha1(SMALL))


def test_a_range_is_what_was_asked_for(hub: Hub, snapshot: Snapshot) -> None:
    """Through the redirect to the storage as well."""
    file = snapshot.files["model.safetensors"]
    assert b"".join(hub.stream(snapshot, file, 1000, 70_000)) == BIG[1000:70_000]
    assert whole(hub, snapshot, "config.json") == SMALL


def test_a_cut_connection_goes_on_where_it_was(hub: Hub, snapshot: Snapshot, loopback: Loopback) -> None:
    """Every storage answer but the last is cut; the next request begins at the first missing byte."""
    cuts = iter([1, 100_000, 0, 250_000])
    loopback.fault = lambda _, asked: _cut_next(asked, cuts)
    loopback.asked.clear()
    assert whole(hub, snapshot) == BIG
    starts = [
        int((asked.range or "=0-").split("=")[1].split("-")[0]) for asked in loopback.asked if "storage" in asked.path
    ]
    assert starts == sorted(starts)
    assert starts[-1] > 0


def _cut_next(asked: Asked, cuts: Iterator[int]) -> Fault | None:
    if "storage" not in asked.path:
        return None
    cut = next(cuts, None)
    return None if cut is None else Fault(cut=cut)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
def test_a_server_in_trouble_is_asked_again(hub: Hub, loopback: Loopback, status: int) -> None:
    """Every third request fails, metadata and data alike."""
    loopback.fault = lambda number, _: Fault(status) if number % 3 == 1 else None
    snapshot = hub.snapshot(REPO, COMMIT)
    assert whole(hub, snapshot) == BIG


def test_the_server_may_say_how_long_to_wait(loopback: Loopback, tmp_path: Path) -> None:
    """Retry-After is obeyed, up to a minute; otherwise the waits grow."""
    waits: list[float] = []
    hub = Hub(loopback.environ(tmp_path), pause=waits.append)
    after = iter([{"Retry-After": "7"}, {"Retry-After": "86400"}, {}, {}, {}])
    loopback.fault = lambda *_: Fault(429, headers) if (headers := next(after, None)) is not None else None
    hub.snapshot(REPO, "main")
    assert waits[:2] == [7.0, 60.0]
    assert waits[2] < waits[4]


def test_it_gives_up_after_failures_in_a_row(hub: Hub, loopback: Loopback) -> None:
    """A dead server is a NetworkError, and the hint says that nothing is lost."""
    loopback.fault = lambda *_: Fault(503)
    with pytest.raises(NetworkError, match="503") as caught:
        hub.snapshot(REPO, "main")
    assert "goes on" in caught.value.hint
    assert 3 <= len(loopback.asked) <= 20


def test_nobody_listens(tmp_path: Path) -> None:
    """A refused connection is a NetworkError as well."""
    hub = Hub({"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}, pause=lambda _: None)
    with pytest.raises(NetworkError):
        hub.snapshot(REPO, "main")


def test_a_refusal_is_not_repeated(hub: Hub, loopback: Loopback) -> None:
    """401 and 404 will not get better by asking again."""
    for name, revision in (("Qwen/No-Such-Model", "main"), (REPO, "f" * 40)):
        loopback.asked.clear()
        with pytest.raises(NetworkError):
            hub.snapshot(name, revision)
        assert len(loopback.asked) == 1


def test_a_gated_repository_opens_with_the_right_token(loopback: Loopback, tmp_path: Path) -> None:
    """None: a hint about HF_TOKEN. The wrong one: refused. The right one: everything, redirects included."""
    loopback.repos[REPO].token = "hf_right"
    environ = loopback.environ(tmp_path)
    for token in ({}, {"HF_TOKEN": "hf_wrong"}):
        with pytest.raises(NetworkError) as caught:
            Hub(environ | token, pause=lambda _: None).snapshot(REPO, "main")
        assert "HF_TOKEN" in caught.value.hint
    hub = Hub(environ | {"HF_TOKEN": "hf_right"}, pause=lambda _: None)
    assert whole(hub, hub.snapshot(REPO, "main")) == BIG


def test_a_file_that_changed_under_its_name_is_an_integrity_error(
    hub: Hub, snapshot: Snapshot, loopback: Loopback
) -> None:
    """Another length, or the same length and another hash: never mixed into what is there."""
    for other in (BIG + b"x", b"y" * len(BIG)):
        loopback.repos[REPO].files["model.safetensors"] = other
        with pytest.raises(IntegrityError, match="model"):
            whole(hub, snapshot, start=5)


def test_a_server_that_ignores_ranges_is_no_obstacle(hub: Hub, snapshot: Snapshot, loopback: Loopback) -> None:
    """A 200 in answer to a range: the bytes before it are skipped."""
    loopback.ranges = False
    assert whole(hub, snapshot, start=123_456) == BIG[123_456:]


def test_an_answer_that_is_not_a_hubs_is_an_error(loopback: Loopback, hub: Hub) -> None:
    """A captive portal answers everything with 200."""
    loopback.fault = lambda *_: Fault(200, {"Content-Type": "text/html"})
    with pytest.raises(NetworkError):
        hub.snapshot(REPO, "main")


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_means_that_nothing_is_asked(loopback: Loopback, tmp_path: Path, variable: str) -> None:
    """Not even the metadata."""
    hub = Hub(loopback.environ(tmp_path) | {variable: "1"})
    with pytest.raises(NetworkError, match=r"OFFLINE|offline"):
        hub.snapshot(REPO, "main")
    assert loopback.asked == []


def test_the_token_stays_with_the_hub(loopback: Loopback, tmp_path: Path) -> None:
    """A redirect to another host does not carry it along. The storage here answers as `localhost`, which is another."""
    loopback.repos[REPO].token = "hf_right"
    hub = Hub(loopback.environ(tmp_path) | {"HF_TOKEN": "hf_right"}, pause=lambda _: None)
    snapshot = hub.snapshot(REPO, "main")
    loopback.url = loopback.url.replace("127.0.0.1", "localhost")
    assert whole(hub, snapshot) == BIG
    assert [asked.token for asked in loopback.asked if "storage" in asked.path] == [None]


def test_no_telemetry(hub: Hub, snapshot: Snapshot) -> None:
    """The library is told before it is imported."""
    assert snapshot
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"]

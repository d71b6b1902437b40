from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmath_cli.errors import IntegrityError, NetworkError
from qmath_cli.models.hub.client import Hub, Snapshot
from tests.models.hub.loopback import COMMIT, Fault, Loopback, Repo, Request, git_sha1, sha256

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


def test_a_stream_gives_exactly_the_requested_range(hub: Hub, snapshot: Snapshot) -> None:
    """Through the redirect to the storage too."""
    file = snapshot.files["model.safetensors"]
    assert b"".join(hub.stream(snapshot, file, 1000, 70_000)) == BIG[1000:70_000]
    assert whole(hub, snapshot, "config.json") == SMALL


def test_a_cut_connection_is_resumed(hub: Hub, snapshot: Snapshot, loopback: Loopback) -> None:
    """Every storage response but the last is cut; the next request begins at the first missing byte."""
    cuts = iter([1, 100_000, 0, 250_000])
    loopback.fault = lambda _, request: _cut_next(request, cuts)
    loopback.requests.clear()
    assert whole(hub, snapshot) == BIG
    starts = [
        int((request.range or "=0-").split("=")[1].split("-")[0])
        for request in loopback.requests
        if "storage" in request.path
    ]
    assert starts == sorted(starts)
    assert starts[-1] > 0


def _cut_next(request: Request, cuts: Iterator[int]) -> Fault | None:
    if "storage" not in request.path:
        return None
    cut = next(cuts, None)
    return None if cut is None else Fault(cut=cut)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408, 425, 507, 520, 521, 524, 529, 530, 599])
def test_a_temporary_error_is_retried(hub: Hub, loopback: Loopback, status: int) -> None:
    """Every third request fails, metadata and data alike."""
    loopback.fault = lambda number, _: Fault(status) if number % 3 == 1 else None
    snapshot = hub.snapshot(REPO, COMMIT)
    assert whole(hub, snapshot) == BIG


def test_the_server_can_set_the_wait(loopback: Loopback, tmp_path: Path) -> None:
    """Retry-After is respected; otherwise the waits grow."""
    waits: list[float] = []
    hub = Hub(loopback.environ(tmp_path), pause=waits.append)
    after = iter([{"Retry-After": "7"}, {"Retry-After": "300"}, {}, {}, {}])
    loopback.fault = lambda *_: Fault(429, headers) if (headers := next(after, None)) is not None else None
    hub.snapshot(REPO, "main")
    assert waits[:2] == [7.0, 300.0]
    assert waits[2] < waits[4]


def test_it_gives_up_after_failures_in_a_row(hub: Hub, loopback: Loopback) -> None:
    """A server that always fails is a NetworkError, with the hint that the download can be resumed."""
    loopback.fault = lambda *_: Fault(503)
    with pytest.raises(NetworkError, match="503") as caught:
        hub.snapshot(REPO, "main")
    assert "resumes" in caught.value.hint
    assert 3 <= len(loopback.requests) <= 20


def test_a_refused_connection_is_a_network_error(tmp_path: Path) -> None:
    """Nothing listens on the port."""
    hub = Hub({"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}, pause=lambda _: None)
    with pytest.raises(NetworkError):
        hub.snapshot(REPO, "main")


def test_a_permanent_error_is_not_retried(hub: Hub, loopback: Loopback) -> None:
    """401 and 404 are one request each."""
    for name, revision in (("Qwen/No-Such-Model", "main"), (REPO, "f" * 40)):
        loopback.requests.clear()
        with pytest.raises(NetworkError):
            hub.snapshot(name, revision)
        assert len(loopback.requests) == 1


def test_a_gated_repository_opens_with_the_right_token(loopback: Loopback, tmp_path: Path) -> None:
    """No token or a wrong one gives a hint about HF_TOKEN; the right one gives the files, through redirects too."""
    loopback.repos[REPO].token = "hf_right"
    environ = loopback.environ(tmp_path)
    for token in ({}, {"HF_TOKEN": "hf_wrong"}):
        with pytest.raises(NetworkError) as caught:
            Hub(environ | token, pause=lambda _: None).snapshot(REPO, "main")
        assert "HF_TOKEN" in caught.value.hint
    hub = Hub(environ | {"HF_TOKEN": "hf_right"}, pause=lambda _: None)
    assert whole(hub, hub.snapshot(REPO, "main")) == BIG


def test_a_file_that_was_changed_is_an_integrity_error(hub: Hub, snapshot: Snapshot, loopback: Loopback) -> None:
    """Another length, or the same length and another hash, is an error before any byte is used."""
    for other in (BIG + b"x", b"y" * len(BIG)):
        loopback.repos[REPO].files["model.safetensors"] = other
        with pytest.raises(IntegrityError, match="model"):
            whole(hub, snapshot, start=5)


def test_a_server_that_ignores_ranges_works(hub: Hub, snapshot: Snapshot, loopback: Loopback) -> None:
    """After a 200 instead of a 206, the bytes before the range are skipped."""
    loopback.ranges = False
    assert whole(hub, snapshot, start=123_456) == BIG[123_456:]


def test_a_response_that_is_not_a_hubs_is_an_error(loopback: Loopback, hub: Hub) -> None:
    """A captive portal responds to everything with 200."""
    loopback.fault = lambda *_: Fault(200, {"Content-Type": "text/html"})
    with pytest.raises(NetworkError):
        hub.snapshot(REPO, "main")


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_means_no_request(loopback: Loopback, tmp_path: Path, variable: str) -> None:
    """Not even for metadata."""
    hub = Hub(loopback.environ(tmp_path) | {variable: "1"})
    with pytest.raises(NetworkError, match=r"OFFLINE|offline"):
        hub.snapshot(REPO, "main")
    assert loopback.requests == []


def test_the_token_is_sent_to_the_hub_only(loopback: Loopback, tmp_path: Path) -> None:
    """It is not sent to another host after a redirect; `localhost` is the other host here."""
    loopback.repos[REPO].token = "hf_right"
    hub = Hub(loopback.environ(tmp_path) | {"HF_TOKEN": "hf_right"}, pause=lambda _: None)
    snapshot = hub.snapshot(REPO, "main")
    loopback.url = loopback.url.replace("127.0.0.1", "localhost")
    assert whole(hub, snapshot) == BIG
    assert [request.token for request in loopback.requests if "storage" in request.path] == [None]


def test_no_telemetry(hub: Hub, snapshot: Snapshot) -> None:
    """The library's variable is set before the library is imported."""
    assert snapshot
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"]

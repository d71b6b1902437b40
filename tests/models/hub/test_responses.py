"""Refusals told apart, waits obeyed, and servers that differ from the hub in small ways."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path

import pytest

from qmath_cli.errors import IntegrityError, NetworkError
from qmath_cli.models.hub.client import Hub
from qmath_cli.models.hub.remote import Snapshot
from qmath_cli.models.hub.responses import wait_of
from tests.models.hub.loopback import COMMIT, Fault, Loopback, Repo, Request

REPO = "Qwen/Qwen2.5-Math-1.5B-Instruct"
BIG = bytes(range(256)) * 2000


@pytest.fixture(autouse=True)
def _repo(loopback: Loopback) -> None:
    loopback.repos[REPO] = Repo({"model.safetensors": BIG, "config.json": b"{}", "empty.txt": b""})


@pytest.fixture
def snapshot(hub: Hub) -> Snapshot:
    return hub.snapshot(REPO, "main")


def whole(hub: Hub, snapshot: Snapshot, name: str = "model.safetensors") -> bytes:
    return b"".join(hub.stream(snapshot, snapshot.files[name], 0, snapshot.files[name].size))


INVALID = {"X-Error-Message": "Invalid credentials in Authorization header"}


@pytest.mark.parametrize(
    ("status", "headers", "token", "message", "hint"),
    [
        (401, {"X-Error-Code": "RepoNotFound"}, "", "there is no public", "check the name"),
        (401, {"X-Error-Code": "RepoNotFound"}, "hf_x", "there is no public", "check the name"),
        (401, {"X-Error-Message": "Repository not found"}, "hf_x", "there is no public", "check the name"),
        (401, {}, "", "there is no public", "set HF_TOKEN"),
        (401, INVALID, "hf_expired", "does not accept HF_TOKEN", "public models need none"),
        (401, {}, "hf_expired", "does not accept HF_TOKEN", "public models need none"),
        (403, {"X-Error-Code": "GatedRepo"}, "", "accept its licence", "then set HF_TOKEN"),
        (401, {"X-Error-Code": "GatedRepo"}, "", "accept its licence", "then set HF_TOKEN"),
        (403, {"X-Error-Code": "GatedRepo"}, "hf_x", "accept its licence", "HF_TOKEN may not read it yet"),
        (403, {"X-Error-Message": "no scope"}, "hf_x", "to HF_TOKEN: no scope", "permission"),
        (403, {}, "", "refuses", "check the proxy"),
        (403, {"X-Error-Message": "Access to this resource is disabled."}, "", "has disabled", "see http"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "", "no revision of that name", "check the name"),
        (404, {"X-Error-Code": "RepoNotFound"}, "", "there is no public", "check the name"),
        (404, {}, "", "there is no public", "HF_ENDPOINT"),
        (451, {}, "", "status 451", "proxy"),
    ],
)
def test_a_refusal_says_who_refuses_and_why(
    loopback: Loopback, tmp_path: Path, status: int, headers: dict[str, str], token: str, message: str, hint: str
) -> None:
    """By the hub's own code, and by whether a token was sent; after one request."""
    loopback.fault = lambda *_: Fault(status, headers)
    hub = Hub(loopback.environ(tmp_path) | {"HF_TOKEN": token}, pause=lambda _: None)
    with pytest.raises(NetworkError) as caught:
        hub.snapshot(REPO, "main")
    assert message in caught.value.message
    assert f"{status}" in caught.value.message
    assert hint in caught.value.hint
    assert ("licence" in caught.value.hint + caught.value.message) == ("GatedRepo" in headers.values())
    assert len(loopback.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
@pytest.mark.parametrize("other_host", [True, False])
def test_a_refusal_of_the_storage_asks_the_hub_for_a_new_link(
    hub: Hub, snapshot: Snapshot, loopback: Loopback, status: int, other_host: bool
) -> None:
    """Signed links expire in the middle of a download."""
    if other_host:
        loopback.url = loopback.url.replace("127.0.0.1", "localhost")
    refusals = iter([Fault(status), Fault(cut=50_000), Fault(status, {"Retry-After": "1"})])
    loopback.fault = lambda _, request: next(refusals, None) if "storage" in request.path else None
    assert whole(hub, snapshot) == BIG
    assert len([request for request in loopback.requests if "/resolve/" in request.path]) == 4


def test_a_storage_that_always_refuses_is_named(hub: Hub, snapshot: Snapshot, loopback: Loopback) -> None:
    """Nothing is said about a licence or a token."""
    loopback.fault = lambda _, request: Fault(403) if "storage" in request.path else None
    with pytest.raises(NetworkError, match="storage") as caught:
        whole(hub, snapshot)
    assert "licence" not in caught.value.message + caught.value.hint
    assert "resumes" in caught.value.hint


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"RateLimit": '"api";r=0;t=200'}, 200),
        ({"RateLimit": '"pages";r=7;t=100, "resolvers";r=0;t=250'}, 250),
        ({"RateLimit": '"api"; t=33; r=0'}, 33),
        ({"RateLimit": "limit=100, remaining=0, reset=50"}, 50),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "40"}, 40),
        ({"X-RateLimit-Reset": str(int(NOW) + 60)}, 60),
        ({"RateLimit": '"api";r=0;t=20', "Retry-After": "30"}, 30),
        ({"RateLimit": '"api";r=0;t=200', "Retry-After": "1"}, 200),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": formatdate(NOW + 90, usegmt=True)}, 90),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_a_server_says_how_long_to_wait(monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], wait: float) -> None:
    """In seconds or as a date, in one window or the longest of several."""
    monkeypatch.setattr("time.time", lambda: NOW)
    assert wait_of(headers) == wait


@pytest.mark.parametrize(
    "headers", [{}, {"Retry-After": "soon"}, {"RateLimit": "x"}, {"RateLimit": '"api";r=5;t=9'}, {"Retry-After": "-1"}]
)
def test_a_server_that_does_not_say(headers: dict[str, str]) -> None:
    """There is no wait to obey, and no error."""
    assert wait_of(headers) is None


def test_the_window_of_a_rate_limit_is_waited_for(loopback: Loopback, tmp_path: Path) -> None:
    """It is longer than a minute, and announced; after it the download goes on."""
    waits: list[float] = []
    notes: list[str] = []
    hub = Hub(loopback.environ(tmp_path), pause=waits.append, note=notes.append)
    loopback.fault = lambda number, _: Fault(429, {"RateLimit": '"api";r=0;t=200'}) if number in (1, 3) else None
    assert whole(hub, hub.snapshot(REPO, "main")) == BIG
    assert waits == [200.0, 200.0]
    assert "limits the number of requests: waiting 200 s" in notes[0]


def test_a_wait_of_hours_is_not_waited_for(loopback: Loopback, tmp_path: Path) -> None:
    """The error says how long the server asks to wait."""
    hub = Hub(loopback.environ(tmp_path), pause=pytest.fail)
    loopback.fault = lambda *_: Fault(429, {"Retry-After": "86400"})
    with pytest.raises(NetworkError, match=r"24\.0 hours"):
        hub.snapshot(REPO, "main")


def test_sizes_and_hashes_that_a_listing_lacks_are_asked_for(hub: Hub, loopback: Loopback) -> None:
    """With each file's first byte; an empty file has none."""
    loopback.describes = False
    found = hub.snapshot(REPO, COMMIT)
    assert {name: file.size for name, file in found.files.items()} == {
        "model.safetensors": len(BIG),
        "config.json": 2,
        "empty.txt": 0,
    }
    assert found.files["model.safetensors"].sha256
    assert whole(hub, found) == BIG
    assert whole(hub, found, "config.json") == b"{}"


def test_a_listing_without_sizes_from_a_server_that_ignores_ranges(hub: Hub, loopback: Loopback) -> None:
    """The length of the whole file says it."""
    loopback.describes = loopback.ranges = False
    assert hub.snapshot(REPO, COMMIT).files["model.safetensors"].size == len(BIG)


@pytest.mark.parametrize("tag", ["d41d8cd98f00b204e9800998ecf8427e", "mirror-7", 'W/"x-1'])
def test_a_mirror_may_have_tags_of_its_own(hub: Hub, snapshot: Snapshot, loopback: Loopback, tag: str) -> None:
    """X-Linked-Etag is compared only if it is a sha256."""
    loopback.tag = tag
    assert whole(hub, snapshot) == BIG


def test_another_sha256_as_tag_is_another_file(hub: Hub, snapshot: Snapshot, loopback: Loopback) -> None:
    """Before any byte is used."""
    loopback.tag = "0" * 64
    with pytest.raises(IntegrityError):
        whole(hub, snapshot)


def _refuse_ranges(request: Request, headers: dict[str, str]) -> Fault | None:
    return Fault(416, headers) if request.range and "storage" in request.path else None


@pytest.mark.parametrize("headers", [{}, {"Content-Range": f"bytes */{len(BIG)}"}, {"Content-Range": "bytes */*"}])
def test_a_server_that_refuses_ranges_is_asked_for_the_whole_file(
    hub: Hub, snapshot: Snapshot, loopback: Loopback, headers: dict[str, str]
) -> None:
    """416 with the announced size, or without one, is not a changed file."""
    loopback.fault = lambda _, request: _refuse_ranges(request, headers)
    assert whole(hub, snapshot) == BIG


def test_416_with_another_size_is_a_changed_file(hub: Hub, snapshot: Snapshot, loopback: Loopback) -> None:
    """The server's file is shorter than the announced one."""
    loopback.fault = lambda _, request: _refuse_ranges(request, {"Content-Range": "bytes */7"})
    with pytest.raises(IntegrityError):
        whole(hub, snapshot)

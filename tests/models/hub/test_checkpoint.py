from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmath_cli.errors import DoesNotFit, IntegrityError, NetworkError
from qmath_cli.models.hub.checkpoint import HubCheckpoint
from qmath_cli.models.hub.client import Hub
from qmath_cli.models.hub.download import part_path
from tests.convert.checkpoints import Recipe, write
from tests.models.hub.loopback import COMMIT, Fault, Loopback, Repo, git_sha1, sha256

REPO = "Qwen/Qwen2.5-Math-1.5B-Instruct"


@pytest.fixture
def repo(loopback: Loopback, checkpoint: Path) -> Repo:
    loopback.repos[REPO] = Repo.of(checkpoint)
    return loopback.repos[REPO]


@pytest.fixture
def source(hub: Hub, repo: Repo, tmp_path: Path) -> Iterator[HubCheckpoint]:
    assert repo
    found = HubCheckpoint(hub, hub.snapshot(REPO, "main"), tmp_path / "source")
    yield found
    found.close()


def read(source: HubCheckpoint, name: str, offset: int, length: int) -> bytes:
    buffer = bytearray(length)
    source.read_into(name, offset, memoryview(buffer))
    return bytes(buffer)


def read_headers(source: HubCheckpoint) -> list[str]:
    """Read every shard's header as the converter does; returns the shards' names."""
    shards = sorted(name for name in source.files() if name.endswith(".safetensors"))
    for name in shards:
        length = int.from_bytes(read(source, name, 0, 8), "little")
        read(source, name, 8, length)
    return shards


def test_headers_come_before_any_weights(source: HubCheckpoint, repo: Repo, loopback: Loopback) -> None:
    """The headers of all shards are read, and no shard is downloaded."""
    names = read_headers(source)
    assert len(names) == 5
    for name in names:
        length = 8 + int.from_bytes(repo.files[name][:8], "little")
        assert read(source, name, 0, length) == repo.files[name][:length]
    assert not list(source.folder.glob("*.safetensors*"))
    assert loopback.shards_requested() == names


def test_weights_can_be_read_during_the_download(source: HubCheckpoint, repo: Repo, loopback: Loopback) -> None:
    """A read returns long before the shard is complete."""
    name = read_headers(source)[0]
    data = repo.files[name]
    loopback.bytes_per_second = 200_000
    assert read(source, name, 20_000, 5000) == data[20_000:25_000]
    assert not (source.folder / name).exists()
    assert part_path(source.folder, source.snapshot.files[name]).stat().st_size < len(data)


def test_a_released_shard_is_verified_and_deleted(source: HubCheckpoint, repo: Repo) -> None:
    """Before that the whole shard can be read."""
    name = read_headers(source)[0]
    assert read(source, name, 0, len(repo.files[name])) == repo.files[name]
    source.release(name)
    assert list(source.folder.glob("model*")) == []


def test_kept_sources_stay_under_their_own_names(source: HubCheckpoint, repo: Repo) -> None:
    """With `keep` the verified shard stays."""
    source.keep = True
    name = read_headers(source)[0]
    read(source, name, 100, 50_000)
    source.release(name)
    assert (source.folder / name).read_bytes() == repo.files[name]


def test_the_next_shard_waits_for_the_release_of_the_previous_one(source: HubCheckpoint, repo: Repo) -> None:
    """A thread that reads ahead waits for the release, then gets its bytes."""
    first, second, *_ = read_headers(source)
    got: list[bytes] = []
    ahead = threading.Thread(target=lambda: got.append(read(source, second, 50_000, 10)))
    ahead.start()
    read(source, first, 0, len(repo.files[first]))
    assert not list(source.folder.glob(f"{second}*"))
    assert not got
    source.release(first)
    ahead.join(timeout=20)
    assert got == [repo.files[second][50_000:50_010]]


def test_close_ends_waiting_reads(source: HubCheckpoint) -> None:
    """A read that waits for a release and one that waits for bytes both raise."""
    first, second, *_ = read_headers(source)
    source.hub.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"  # type: ignore[index]
    errors: list[Exception] = []

    def attempt(name: str) -> None:
        try:
            read(source, name, 60_000, 10)
        except NetworkError as exc:
            errors.append(exc)

    threads = [threading.Thread(target=attempt, args=(name,)) for name in (first, second)]
    for thread in threads:
        thread.start()
    source.close()
    for thread in threads:
        thread.join(timeout=20)
    assert len(errors) == 2


def test_a_killed_download_resumes_at_its_last_byte(source: HubCheckpoint, repo: Repo, loopback: Loopback) -> None:
    """The bytes of the part are not requested again, and are hashed with the rest."""
    name = read_headers(source)[0]
    data = repo.files[name]
    part_path(source.folder, source.snapshot.files[name]).write_bytes(data[:200_000])
    loopback.requests.clear()
    assert read(source, name, 100_000, 150_000) == data[100_000:250_000]
    assert {request.range for request in loopback.requests} == {f"bytes=200000-{len(data) - 1}"}
    source.release(name)


def test_a_damaged_part_is_found_and_deleted(source: HubCheckpoint, repo: Repo) -> None:
    """The hash covers what an earlier run wrote; `release` raises the error at the latest."""
    name = read_headers(source)[0]
    part = part_path(source.folder, source.snapshot.files[name])
    part.write_bytes(b"\0" * 200_000)
    read(source, name, 250_000, 10)
    with pytest.raises(IntegrityError, match="hash"):
        source.release(name)
    assert not part.exists()


def test_a_shard_left_by_a_killed_run_is_verified_at_its_release(source: HubCheckpoint, repo: Repo) -> None:
    """All of it was converted, and the run was killed before the hash was checked."""
    name = read_headers(source)[0]
    part = part_path(source.folder, source.snapshot.files[name])
    part.write_bytes(repo.files[name][:-1] + b"?")
    with pytest.raises(IntegrityError, match="hash"):
        source.release(name)


def test_a_part_of_another_version_is_not_resumed(source: HubCheckpoint, repo: Repo) -> None:
    """A part's name contains the identity of the file's version."""
    name = read_headers(source)[0]
    (source.folder / f"{name}.{'0' * 16}.part").write_bytes(b"old")
    assert read(source, name, 0, len(repo.files[name])) == repo.files[name]


def test_small_files_are_checked_by_gits_hash_and_kept(source: HubCheckpoint, repo: Repo, loopback: Loopback) -> None:
    """A second read needs no request; a damaged copy is downloaded again."""
    assert source.read("config.json") == repo.files["config.json"]
    loopback.requests.clear()
    assert source.read("config.json") == repo.files["config.json"]
    assert loopback.requests == []
    (source.folder / "config.json").write_text("{}")
    assert source.read("config.json") == repo.files["config.json"]
    assert loopback.requests


def test_a_small_file_that_was_altered_in_transit_is_an_error(
    source: HubCheckpoint, repo: Repo, loopback: Loopback
) -> None:
    """It has the right length and other content."""
    repo.files["config.json"] = b"x" * len(repo.files["config.json"])
    with pytest.raises(IntegrityError, match=r"config\.json"):
        source.read("config.json")


def test_names_that_are_not_plain_are_left_out(hub: Hub, loopback: Loopback, tmp_path: Path) -> None:
    """A path, a hidden file, or a name with other characters is not a file of the checkpoint."""
    names = ("../../evil", "a/b.json", "/etc/passwd", ".hidden", "..", "good.json", "x\\y", "a b")
    loopback.repos[REPO] = Repo(dict.fromkeys(names, b"{}"))
    source = HubCheckpoint(hub, hub.snapshot(REPO, "main"), tmp_path / "source")
    assert source.files() == {"good.json"}
    with pytest.raises(IntegrityError):
        source.read("../../evil")


def test_an_impossible_header_length_is_not_fetched(hub: Hub, loopback: Loopback, tmp_path: Path) -> None:
    """A header longer than the file or the format's limit is not requested."""
    loopback.repos[REPO] = Repo({"model.safetensors": b"\xff" * 8 + bytes(1 << 20)})
    source = HubCheckpoint(hub, hub.snapshot(REPO, "main"), tmp_path / "source")
    assert read(source, "model.safetensors", 0, 8) == b"\xff" * 8
    assert [request.range for request in loopback.requests if "storage" in request.path] == ["bytes=0-65535"]


def test_a_read_beyond_the_end_is_an_error_and_not_a_wait(source: HubCheckpoint, repo: Repo) -> None:
    """The bytes will never arrive."""
    name = read_headers(source)[0]
    with pytest.raises(IntegrityError, match="ends before"):
        read(source, name, len(repo.files[name]) - 5, 10)


def test_what_the_hugging_face_cache_holds_is_not_downloaded(
    source: HubCheckpoint, repo: Repo, loopback: Loopback, tmp_path: Path
) -> None:
    """Shards in the cache are read from there, verified, and not deleted."""
    fill_cache(tmp_path / "hf" / "hub", repo)
    loopback.requests.clear()
    for name in read_headers(source):
        assert read(source, name, 0, len(repo.files[name])) == repo.files[name]
        source.release(name)
    assert loopback.requests == []
    assert len(list((tmp_path / "hf").rglob("*.safetensors"))) == 5


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize(("number", "at"), [(1, 0), (2, 70_000), (5, -1)])
def test_a_damaged_file_in_the_cache_is_downloaded_anew(  # also one that is not the next: its header is fetched
    source: HubCheckpoint, repo: Repo, tmp_path: Path, links: bool, number: int, at: int
) -> None:
    """One bit differs, in the header, the weights or the last byte; the cache stays as it is."""
    fill_cache(tmp_path / "hf" / "hub", repo, links=links)
    name = f"model-0000{number}-of-00005.safetensors"
    cached = tmp_path / "hf" / "hub" / "models--Qwen--Qwen2.5-Math-1.5B-Instruct" / "snapshots" / COMMIT / name
    damaged = bytearray(repo.files[name])
    damaged[at] ^= 1
    cached.resolve().write_bytes(damaged)
    for before in read_headers(source)[: number - 1]:
        source.release(before)
    assert read(source, name, 0, len(damaged)) == repo.files[name]
    source.release(name)
    assert cached.read_bytes() == damaged


def test_a_kept_file_that_was_damaged_since_is_downloaded_anew(source: HubCheckpoint, repo: Repo) -> None:
    """A shard under its own name was verified when it came, and may have changed."""
    name = "model-00001-of-00005.safetensors"
    (source.folder / name).write_bytes(repo.files[name][:-1] + b"?")
    read_headers(source)
    assert read(source, name, 0, len(repo.files[name])) == repo.files[name]


def fill_cache(cache: Path, repo: Repo, commit: str = COMMIT, *, links: bool = True) -> None:
    """Write a repository as huggingface_hub does: blobs by hash, links by name; or plain files."""
    root = cache / f"models--{REPO.replace('/', '--')}"
    (root / "blobs").mkdir(parents=True)
    (root / "snapshots" / commit).mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(commit)
    for name, data in repo.files.items():
        if not links:
            (root / "snapshots" / commit / name).write_bytes(data)
            continue
        blob = root / "blobs" / (sha256(data) if name.endswith(repo.large) else git_sha1(data))
        blob.write_bytes(data)
        (root / "snapshots" / commit / name).symlink_to(blob)


def test_a_folder_that_cannot_be_made_is_a_clear_error(hub: Hub, repo: Repo, tmp_path: Path) -> None:
    """The error names the path."""
    assert repo
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DoesNotFit, match="file"):
        HubCheckpoint(hub, hub.snapshot(REPO, "main"), tmp_path / "file" / "source")


def test_every_tenth_request_may_fail(source: HubCheckpoint, repo: Repo, loopback: Loopback) -> None:
    """All shards are complete, with all kinds of faults in one of ten requests."""
    faults = [Fault(503), Fault(cut=70_000), Fault(429, {"Retry-After": "1"}), Fault(cut=0), Fault(500)]
    loopback.fault = lambda number, _: faults[number // 10 % 5] if number % 10 == 0 else None
    for name in read_headers(source):
        assert read(source, name, 0, len(repo.files[name])) == repo.files[name]
        source.release(name)


def test_a_full_disk_is_a_clear_error(hub: Hub, loopback: Loopback, tmp_path: Path) -> None:
    """The disk takes the first bytes of a shard only; the read raises."""
    loopback.repos[REPO] = Repo.of(write(tmp_path / "model", Recipe(layers=2, tied=True)))
    source = HubCheckpoint(hub, hub.snapshot(REPO, "main"), tmp_path / "source")
    read_headers(source)
    with _Limited(300_000), pytest.raises(DoesNotFit, match="room"):
        read(source, "model.safetensors", 500_000, 10)
    source.close()


class _Limited:
    """Limits the size of this process's files: the system's EFBIG stands for a full disk."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __enter__(self) -> None:
        import resource
        import signal

        self._before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self._limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self._limit[1]))

    def __exit__(self, *_: object) -> None:
        import resource
        import signal

        resource.setrlimit(resource.RLIMIT_FSIZE, self._limit)
        signal.signal(signal.SIGXFSZ, self._before)

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from qmath_cli.errors import DataError, ExitCode, IntegrityError, NetworkError
from qmath_cli.evaluation.layouts import LAYOUTS
from qmath_cli.models import lockfile
from qmath_cli.models.hub import dataset
from qmath_cli.models.hub.client import Hub
from qmath_cli.models.lockfile import DataHost, LockedData, LockedFile
from qmath_cli.paths import Paths, find
from tests.models.hub.loopback import COMMIT, Fault, Loopback, Repo, git_sha1
from tests.models.hub.pulling import Machine

ROWS = b'{"problem": "1+1", "answer": "2"}\n' * 30


@pytest.fixture
def machine(loopback: Loopback, tmp_path: Path) -> Machine:
    loopback.repos["math-ai/aime25"] = Repo({"test.jsonl": ROWS})
    return Machine(tmp_path / "user", loopback)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find({"QMATH_HOME": str(tmp_path / "home")})


def test_a_pulled_data_set_is_where_eval_looks(machine: Machine) -> None:
    """`qmath pull --data aime25` writes the file, prints its path, and records the commit."""
    record = machine.json("pull", "--data", "aime25")
    assert Path(record["path"]) == machine.paths.data / "datasets" / "aime25.jsonl"
    assert Path(record["path"]).read_bytes() == ROWS
    machine.hub.repos["math-ai/aime25"].commit = "d" * 40
    code, _, err = machine.run("pull", "--data", "aime25")
    assert code == ExitCode.UNEXPECTED
    assert COMMIT in err


def test_a_data_set_that_contradicts_the_lock_is_an_error(hub: Hub, loopback: Loopback, paths: Paths) -> None:
    """Another size or hash, or a missing file; nothing is written."""
    loopback.repos["a/b"] = Repo({"test.jsonl": ROWS})
    for file in (LockedFile("test.jsonl", 5), LockedFile("test.jsonl", len(ROWS), "0" * 64), LockedFile("other.jsonl")):
        entry = LockedData("x", "a/b", revision=COMMIT, files=(file,))
        with pytest.raises(IntegrityError):
            dataset.pull(entry, hub, paths)
    assert not dataset.target(entry, paths).exists()


QWEN = "QwenLM/Qwen2.5-Math"


def github(name: str, rows: bytes, loopback: Loopback, **locked: object) -> LockedData:
    """A data set on GitHub, which serves these rows, and an entry of a lock."""
    file, commit = f"evaluation/data/{name}/test.jsonl", "a" * 40
    loopback.repos[QWEN] = Repo({file: rows}, commit)
    return LockedData(name, QWEN, revision=commit, files=(LockedFile(file, **locked),), host=DataHost.GITHUB)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "locked",
    [{"size": len(ROWS), "sha256": hashlib.sha256(ROWS).hexdigest()}, {"git_sha1": git_sha1(ROWS)}],
    ids=["size and sha256", "git's hash alone"],
)
def test_a_data_set_on_github_is_pulled_and_verified(
    loopback: Loopback, paths: Paths, tmp_path: Path, locked: dict[str, object]
) -> None:
    """At its commit, over a cut connection, without a token; other bytes are refused and not written."""
    environ = loopback.environ(tmp_path) | {"HF_TOKEN": "hf_secret"}
    entry = github("gsm8k", ROWS, loopback, **locked)
    hub = dataset.hub_of(entry, environ, lambda _: None, lambda _: None)
    loopback.fault = lambda number, _: Fault(cut=100) if number == 2 else None
    path = dataset.pull(entry, hub, paths)
    assert path.read_bytes() == ROWS
    assert {request.token for request in loopback.requests} == {None}
    path.unlink()
    for other in (ROWS.replace(b"2", b"3"), ROWS[1:]):
        github("gsm8k", other, loopback, **locked)
        with pytest.raises(IntegrityError) as caught:
            dataset.pull(entry, hub, paths)
        assert "HF_ENDPOINT" not in caught.value.hint
        assert not path.exists()


def test_what_github_does_not_have_is_said_without_a_word_of_tokens(
    loopback: Loopback, paths: Paths, tmp_path: Path
) -> None:
    """The error names the file; nothing there is private."""
    entry = github("gsm8k", ROWS, loopback, git_sha1="0" * 40)
    hub = dataset.hub_of(entry, loopback.environ(tmp_path), lambda _: None, lambda _: None)
    loopback.fault = lambda _number, _request: Fault(status=404)
    with pytest.raises(NetworkError, match="evaluation/data/gsm8k") as caught:
        dataset.pull(entry, hub, paths)
    assert "private" not in caught.value.hint
    assert "GITHUB_RAW_ENDPOINT" in caught.value.hint


def test_every_layout_of_a_published_data_set_can_be_pulled() -> None:
    """The lock has each of them, on GitHub with a commit and a hash of the content."""
    lock = lockfile.load()
    assert {entry.name for entry in lock.datasets} == LAYOUTS.keys() - {"plain", "demo", "math_responses"}
    for entry in lock.datasets:
        (file,) = entry.files
        if entry.host is DataHost.GITHUB:
            assert entry.revision
            assert file.sha256 or file.git_sha1


def test_a_data_set_is_not_taken_for_a_model(machine: Machine) -> None:
    """Without `--data` the hint has it, in any case of letters."""
    for name in ("gsm8k", "GSM8K"):
        code, _, err = machine.run("pull", name)
        assert code == ExitCode.USAGE
        assert f"qmath pull {name} --data" in err


@pytest.mark.parametrize(("name", "hint"), [("gsm9k", "gsm8k"), ("nonsense", "known: aime24, ")])
def test_an_unknown_data_set_is_an_error_with_the_known_names(name: str, hint: str) -> None:
    """It is raised without a request, and suggests a similar name."""
    with pytest.raises(DataError) as caught:
        dataset.find(name, lockfile.load())
    assert hint in caught.value.hint


def test_offline_a_data_set_comes_from_the_cache_only(loopback: Loopback, paths: Paths, tmp_path: Path) -> None:
    """The lock has size and hash, so the cache is sufficient."""
    hub = Hub(loopback.environ(tmp_path) | {"HF_HUB_OFFLINE": "1"})
    file = LockedFile("test.jsonl", len(ROWS), hashlib.sha256(ROWS).hexdigest())
    entry = LockedData("x", "a/b", revision=COMMIT, files=(file,))
    with pytest.raises(NetworkError, match="OFFLINE"):
        dataset.pull(entry, hub, paths)
    cached = tmp_path / "hf" / "hub" / "datasets--a--b" / "snapshots" / COMMIT / "test.jsonl"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(ROWS)
    assert dataset.pull(entry, hub, paths).read_bytes() == ROWS
    assert loopback.requests == []

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from qmath_cli.errors import DataError, ExitCode, IntegrityError, NetworkError
from qmath_cli.models import lockfile
from qmath_cli.models.hub import dataset
from qmath_cli.models.hub.client import Hub
from qmath_cli.models.lockfile import LockedData, LockedFile
from qmath_cli.paths import Paths, find
from tests.models.hub.loopback import COMMIT, Loopback, Repo
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


def test_an_unknown_data_set_is_an_error_with_the_known_names() -> None:
    """It is raised without a request."""
    with pytest.raises(DataError) as caught:
        dataset.find("gsm9k", lockfile.load())
    assert "math500" in caught.value.hint


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

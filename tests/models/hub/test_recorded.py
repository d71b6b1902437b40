"""The hashes of the first pull: recorded, shown, enforced, and compared by `verify`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from qmath_cli.errors import ExitCode
from qmath_cli.models import local_lock
from qmath_cli.models.manifest import manifest_path
from tests.models.hub.loopback import Loopback
from tests.models.hub.pulling import MODEL, NAME, Machine, publish

SHARD = "model-00002-of-00005.safetensors"


@pytest.fixture
def machine(loopback: Loopback, tmp_path: Path, checkpoint: Path) -> Machine:
    publish(loopback, checkpoint)
    return Machine(tmp_path / "user", loopback)


def flip(machine: Machine, name: str) -> None:
    """Change a file's last byte on the hub, which announces the new hash at the same commit."""
    files = machine.hub.repos[MODEL.repo].files
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])


def test_the_first_pull_records_every_file_that_it_used(machine: Machine) -> None:
    """Weights, configuration and tokenizer, with the hashes of the bytes; `verify --lock` shows them."""
    machine.json("pull", NAME)
    entry = next(e for e in machine.json("verify", "--lock")["models"] if e["name"] == NAME)
    files = machine.hub.repos[MODEL.repo].files
    assert entry["recorded_from"] == "huggingface"
    assert entry["recorded_here"].keys() >= {"config.json", "tokenizer.json", SHARD}
    for name, sha256 in entry["recorded_here"].items():
        assert sha256 == hashlib.sha256(files[name]).hexdigest()
    assert "recorded here" in machine.run("verify", "--lock")[1]


@pytest.mark.parametrize("name", [SHARD, "config.json", "tokenizer.json"])
def test_another_file_at_the_same_commit_is_refused_later(machine: Machine, name: str) -> None:
    """The commit is the same, and the hub announces the changed file: nothing is written."""
    machine.json("pull", NAME)
    flip(machine, name)
    code, _, err = machine.run("pull", f"{NAME}:q8_0")
    assert code == ExitCode.INTEGRITY
    assert name in err
    assert not machine.gguf("q8_0").exists()


def test_a_plan_records_nothing(machine: Machine) -> None:
    """Only bytes that were read and verified are recorded."""
    machine.json("pull", NAME, "--dry-run")
    assert local_lock.read(machine.paths.state) == {}


def test_a_damaged_record_is_an_error_with_its_path(machine: Machine) -> None:
    """For pulls and for `verify`; the models are not touched."""
    machine.json("pull", NAME)
    path = local_lock.path_within(machine.paths.state)
    path.write_text("version =")
    for arguments in (("pull", f"{NAME}:q8_0"), ("verify",), ("verify", "--lock")):
        code, _, err = machine.run(*arguments)
        assert code == ExitCode.INTEGRITY
        assert str(path) in err
        assert "Traceback" not in err


def test_verify_finds_a_model_that_was_made_from_other_bytes(machine: Machine) -> None:
    """Its file has the hash in its manifest, but a shard in the manifest is not the recorded one."""
    machine.json("pull", NAME)
    path = manifest_path(machine.gguf())
    record = json.loads(path.read_text())
    (source,) = (source for source in record["sources"] if source["path"] == SHARD)
    source["sha256"] = "0" * 64
    path.write_text(json.dumps(record))
    code, out, err = machine.run("verify", NAME)
    assert code == ExitCode.INTEGRITY
    assert f"{NAME}:q4_k_m  damaged" in out
    assert f"made from another {SHARD}" in err

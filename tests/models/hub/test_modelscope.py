"""Pulls from ModelScope: the same plan, resume and bytes; and releases that are not the known one."""

from __future__ import annotations

import hashlib
import json
import random
import time
from pathlib import Path

import pytest

from qmath_cli.errors import ExitCode, NetworkError
from qmath_cli.models.hub.client import Hub
from qmath_cli.settings import HubName
from tests.models.hub.loopback import COMMIT, Fault, Loopback, Repo
from tests.models.hub.pulling import MODEL, NAME, Machine, publish

FROM = ("--from", "modelscope")
SHARD = "model-00002-of-00005.safetensors"


@pytest.fixture
def machine(loopback: Loopback, tmp_path: Path, checkpoint: Path) -> Machine:
    publish(loopback, checkpoint)
    return Machine(tmp_path / "user", loopback)


@pytest.fixture
def reference(loopback: Loopback, machine: Machine, tmp_path: Path) -> str:
    """The sha256 of the model from the other hub."""
    assert machine
    (file,) = Machine(tmp_path / "elsewhere", loopback).json("pull", NAME)["files"]
    loopback.requests.clear()
    return str(file["sha256"])


def sha256(machine: Machine) -> str:
    return hashlib.sha256(machine.gguf().read_bytes()).hexdigest()


def flip(repo: Repo, name: str) -> None:
    data = bytearray(repo.files[name])
    data[-1] ^= 1
    repo.files[name] = bytes(data)


@pytest.mark.parametrize("how", ["option", "variable", "config"])
def test_the_model_is_the_one_of_the_other_hub(machine: Machine, reference: str, how: str) -> None:
    """By `--from`, QMATH_HUB or the setting; every request is in ModelScope's protocol; nothing known is said aloud."""
    if how == "variable":
        machine.environ["QMATH_HUB"] = "modelscope"
    if how == "config":
        machine.paths.config.mkdir(parents=True)
        machine.paths.config_file.write_text('hub = "modelscope"\n')
    code, _, err = machine.run("pull", NAME, *(FROM if how == "option" else ()))
    assert code == 0, err
    assert "is known here" in err
    assert sha256(machine) == reference
    assert all(request.path.startswith("/api/v1/models/") for request in machine.hub.requests)


def test_the_option_comes_before_the_variable(machine: Machine) -> None:
    """QMATH_HUB is what a user without an option gets."""
    machine.environ["QMATH_HUB"] = "modelscope"
    machine.json("pull", NAME, "--from", "huggingface")
    assert not [request for request in machine.hub.requests if "/api/v1/" in request.path]


def test_an_unknown_hub_is_a_usage_error(machine: Machine) -> None:
    """With the known ones."""
    machine.environ["QMATH_HUB"] = "github"
    code, _, err = machine.run("pull", NAME)
    assert code == ExitCode.USAGE
    assert "huggingface, modelscope" in err


def test_the_plan_is_the_same(machine: Machine) -> None:
    """Sizes, commit and verdicts."""
    plans = [machine.json("pull", NAME, "--dry-run", *source) for source in ((), FROM)]
    assert plans[0] == plans[1]


def test_hashes_that_are_known_are_the_condition(machine: Machine) -> None:
    """A pull from the other hub recorded them: an equal release is accepted silently, another one refused."""
    machine.json("pull", NAME)
    code, _, err = machine.run("pull", f"{NAME}:q8_0", *FROM)
    assert code == 0
    assert "known here" not in err
    flip(machine.hub.repos[MODEL.repo], SHARD)
    code, _, err = machine.run("pull", f"{NAME}:q6_k", *FROM)
    assert code == ExitCode.INTEGRITY
    assert SHARD in err
    assert "models.lock" in err


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors.index.json"])
def test_small_files_of_the_model_are_held_to_it_too(machine: Machine, name: str) -> None:
    """Configuration and tokenizer decide what the weights mean."""
    machine.json("pull", NAME)
    machine.hub.repos[MODEL.repo].files[name] += b" "
    assert machine.run("pull", f"{NAME}:q8_0", *FROM)[0] == ExitCode.INTEGRITY


def test_texts_about_the_model_may_differ(machine: Machine) -> None:
    """ModelScope has a model card of its own, and a file that the other hub does not have."""
    files = machine.hub.repos[MODEL.repo].files
    files["README.md"] = b"# A model\n"
    machine.json("pull", NAME)
    files["README.md"] = b"# Another text\n"
    files["configuration.json"] = b'{"task": "text-generation"}'
    assert machine.run("pull", f"{NAME}:q8_0", *FROM)[0] == 0


def test_what_modelscope_gave_first_is_held_to_by_the_other_hub(machine: Machine) -> None:
    """The hashes are recorded with the hub's name."""
    machine.json("pull", NAME, *FROM)
    entry = next(e for e in machine.json("verify", "--lock")["models"] if e["name"] == NAME)
    data = machine.hub.repos[MODEL.repo].files[SHARD]
    assert entry["recorded_here"][SHARD] == hashlib.sha256(data).hexdigest()
    assert entry["recorded_from"] == "modelscope"
    flip(machine.hub.repos[MODEL.repo], SHARD)
    code, _, err = machine.run("pull", f"{NAME}:q8_0")
    assert code == ExitCode.INTEGRITY
    assert "from modelscope" in err


def test_a_model_without_a_pinned_commit(machine: Machine, checkpoint: Path) -> None:
    """ModelScope pins none; the other hub still does, later, if the files are equal."""
    name = "qwen2-1.5b-instruct"
    publish(machine.hub, checkpoint, name)
    assert machine.json("pull", name, *FROM)["commit"].startswith("modelscope-")
    assert machine.json("pull", f"{name}:q8_0")["commit"] == COMMIT
    assert machine.run("verify", name)[0] == 0


def test_a_pull_finishes_with_every_tenth_request_failing(machine: Machine, reference: str) -> None:
    """Errors, rate limits and cut connections alternate."""
    faults = [Fault(503), Fault(cut=50_000), Fault(429, {"Retry-After": "0"}), Fault(cut=0), Fault(524)]
    machine.hub.fault = lambda number, _: faults[number // 10 % 5] if number % 10 == 0 else None
    machine.json("pull", NAME, *FROM)
    assert sha256(machine) == reference


@pytest.mark.slow
def test_a_pull_killed_at_any_moment_is_finished_by_the_next(machine: Machine, reference: str) -> None:
    """Twenty pulls are killed, and finished by the next one, from this hub or the other."""
    rng = random.Random(6)
    killed = 0
    for trial in range(20):
        machine.hub.bytes_per_second = 2e6
        process = machine.start("pull", NAME, *FROM)
        time.sleep(rng.uniform(0.3, 2.8))
        killed += process.poll() is None
        process.kill()
        process.communicate()
        machine.hub.bytes_per_second = 0
        machine.json("pull", NAME, *(FROM if trial % 2 else ()))
        assert sha256(machine) == reference, trial
        assert machine.run("rm", NAME, "--yes")[0] == 0
    assert killed >= 10


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(404), "there is no public"),
        (Fault(403), "refuses"),
        (Fault(401), "there is no public"),
        (Fault(200), "not a hub's"),
    ],
)
def test_a_refusal_is_one_line(loopback: Loopback, tmp_path: Path, fault: Fault, message: str) -> None:
    """The hints name ModelScope's variables."""
    loopback.fault = lambda *_: fault
    hub = Hub(loopback.environ(tmp_path), pause=lambda _: None, name=HubName.MODELSCOPE)
    with pytest.raises(NetworkError, match=message) as caught:
        hub.snapshot("a/b", "master")
    assert "MODELSCOPE_ENDPOINT" in caught.value.hint


@pytest.mark.parametrize(
    "record",
    [
        {"Code": 10010205001, "Message": "no such model", "Success": False, "Data": None},
        {"Code": 200, "Success": True, "Data": None},
        {"Code": 200, "Success": True, "Data": {"Files": None}},
        {"Code": 200, "Success": True, "Data": {"Files": [{"Type": "blob"}]}},
        {"Code": 200, "Success": True, "Data": {"Files": ["x"]}},
        [],
        "text",
        None,
    ],
)
def test_a_record_that_is_no_listing_is_one_error(hub: Hub, monkeypatch: pytest.MonkeyPatch, record: object) -> None:
    """A refusal with status 200, or something else altogether."""
    monkeypatch.setattr(Hub, "_record", lambda *_: json.loads(json.dumps(record)))
    for name in HubName:
        with pytest.raises(NetworkError):
            Hub(hub.environ, name=name).snapshot("a/b", "main")


@pytest.mark.parametrize("token", ["ms-secret", " ms-secret\n"])
def test_the_token_is_stripped_and_sent(machine: Machine, token: str) -> None:
    """And never the other hub's token."""
    machine.environ |= {"MODELSCOPE_API_TOKEN": token, "HF_TOKEN": "hf_other"}
    assert machine.run("pull", NAME, "--dry-run", *FROM)[0] == 0
    assert {request.token for request in machine.hub.requests} == {"ms-secret"}


def test_data_sets_come_from_the_other_hub(machine: Machine) -> None:
    """`--data --from modelscope` is a usage error; QMATH_HUB alone does not matter for them."""
    machine.hub.repos["math-ai/aime25"] = Repo({"test.jsonl": b'{"problem": "1+1", "answer": "2"}\n'})
    assert machine.run("pull", "--data", "aime25", *FROM)[0] == ExitCode.USAGE
    machine.environ["QMATH_HUB"] = "modelscope"
    assert machine.run("pull", "--data", "aime25")[0] == 0


def test_a_repository_is_converted_from_modelscope(machine: Machine, tmp_path: Path) -> None:
    """`convert OWNER/NAME` follows QMATH_HUB."""
    machine.hub.repos["someone/else"] = machine.hub.repos[MODEL.repo]
    machine.environ["QMATH_HUB"] = "modelscope"
    code, _, err = machine.run("convert", "someone/else", "-o", str(tmp_path / "x.gguf"))
    assert code == 0, err
    assert all(request.path.startswith("/api/v1/") for request in machine.hub.requests)

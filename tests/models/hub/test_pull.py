from __future__ import annotations

import hashlib
import math
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import gguf
import pytest

from qmath_cli.errors import ExitCode, IntegrityError
from qmath_cli.models.hub.client import Hub
from qmath_cli.models.hub.snapshot import snapshot_of
from qmath_cli.models.lockfile import LockedFile
from tests.convert.checkpoints import Recipe, config, tensors, with_header, write, write_json
from tests.models.hub.loopback import COMMIT, Fault, Hollow, Loopback
from tests.models.hub.pulling import MODEL, NAME, Machine, publish

SHARD = "model-00001-of-00005.safetensors"


@pytest.fixture
def machine(loopback: Loopback, tmp_path: Path, checkpoint: Path) -> Machine:
    publish(loopback, checkpoint)
    return Machine(tmp_path / "user", loopback)


@pytest.fixture(scope="session")
def reference(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sha256 of the file that a pull without faults gives."""
    from tests.models.hub.loopback import serve

    with serve() as hub:
        publish(hub, checkpoint)
        machine = Machine(tmp_path_factory.mktemp("reference"), hub)
        (file,) = machine.json("pull", NAME)["files"]
    return str(file["sha256"])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def most_shards(machine: Machine) -> Iterator[list[int]]:
    """The largest number of shards on the disk during the block, as a thread observes it."""
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.002):
            names = (
                name for _folder, _below, names in os.walk(machine.paths.cache) for name in names
            )  # skips folders that vanish
            found = {name[:22] for name in names if name.startswith("model-") and ".safetensors" in name}
            most[0] = max(most[0], len(found))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def wait_for_part(machine: Machine, process: subprocess.Popen[str]) -> None:
    """Wait until a pull that runs in a child process has written some of a shard."""
    while not list(machine.paths.cache.rglob("model-*.part")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)


def test_a_pulled_model_is_listed_found_and_recorded(machine: Machine) -> None:
    """The model is installed, with the commit it was made from, and the source is deleted."""
    record = machine.json("pull", f"{NAME}:q8_0")
    (file,) = record["files"]
    assert (record["status"], record["commit"]) == ("pulled", MODEL.revision)
    assert file["sha256"] == sha256(machine.gguf("q8_0"))
    listed = [entry for entry in machine.json("list")["models"] if entry["name"] == f"{NAME}:q8_0"]
    assert [(e["state"], e["commit"], e["sha256"]) for e in listed] == [("verified", MODEL.revision, file["sha256"])]
    assert not list(machine.paths.cache.rglob("*.safetensors*"))


def test_the_file_records_its_origin(machine: Machine) -> None:
    """Repository, commit and licence are in the GGUF's metadata."""
    machine.json("pull", NAME)
    fields = gguf.GGUFReader(machine.gguf()).fields
    text = " ".join(str(field.contents()) for field in fields.values() if field.name.startswith("general."))
    assert MODEL.repo in text
    assert str(MODEL.revision) in text
    assert "apache-2.0" in text


def test_five_shards_convert_with_one_on_the_disk(machine: Machine, reference: str) -> None:
    """Observed during a slow pull."""
    machine.hub.bytes_per_second = 4e6
    with most_shards(machine) as most:
        machine.json("pull", NAME)
    assert most == [1]
    assert sha256(machine.gguf()) == reference


def test_two_quantizations_are_one_download(machine: Machine) -> None:
    """`-q q4_k_m -q q8_0` makes two requests per shard: one for the header and one for the rest."""
    machine.json("pull", NAME, "-q", "q4_k_m", "-q", "q8_0")
    assert machine.gguf("q4_k_m").is_file()
    assert machine.gguf("q8_0").is_file()
    requested = machine.hub.shards_requested()
    assert {name: requested.count(name) for name in requested} == dict.fromkeys(requested, 2)


@pytest.mark.slow
def test_a_pull_killed_at_any_moment_is_finished_by_the_next_with_the_same_bytes(
    machine: Machine, reference: str
) -> None:
    """Twenty pulls are killed with SIGKILL at random moments, and finished by the same command."""
    rng = random.Random(20)
    killed = 0
    for trial in range(20):
        machine.hub.bytes_per_second = 2e6  # a second or two for the whole checkpoint
        process = machine.start("pull", NAME)
        time.sleep(rng.uniform(0.3, 2.8))
        killed += process.poll() is None
        process.kill()
        process.communicate()
        machine.hub.bytes_per_second = 0
        with most_shards(machine) as most:
            machine.json("pull", NAME)
        assert sha256(machine.gguf()) == reference, trial
        assert most[0] <= 1, trial
        assert machine.run("rm", NAME, "--yes")[0] == 0
        assert not list(machine.paths.models.iterdir())
    assert killed >= 10


def test_a_pull_finishes_with_every_tenth_request_failing(machine: Machine, reference: str) -> None:
    """Errors, rate limits and cut connections alternate."""
    faults = [Fault(503), Fault(cut=50_000), Fault(429, {"Retry-After": "0"}), Fault(cut=0)]
    machine.hub.fault = lambda number, _: faults[number // 10 % 4] if number % 10 == 0 else None
    machine.json("pull", NAME)
    assert sha256(machine.gguf()) == reference


def test_a_pull_that_the_network_ended_is_resumed(machine: Machine, reference: str) -> None:
    """The first pull fails during its third shard; the second requests no weights before that."""
    machine.hub.fault = lambda *_: Fault(403) if "00003" in str(_) and len(machine.hub.shards_requested()) > 7 else None
    code, _, err = machine.run("pull", NAME)
    assert code == ExitCode.UNEXPECTED
    assert "403" in err
    assert "Traceback" not in err
    machine.hub.fault = lambda *_: None
    machine.hub.requests.clear()
    machine.json("pull", NAME)
    weights = machine.hub.shards_requested()[5:]  # the first five are for the headers
    assert weights == [f"model-0000{i}-of-00005.safetensors" for i in (3, 4, 5)]
    assert sha256(machine.gguf()) == reference


def test_a_damaged_shard_leaves_no_file(machine: Machine, reference: str) -> None:
    """Exit 7. The next pull, with a good shard, does not use what was converted from the damaged one."""
    repo = machine.hub.repos[MODEL.repo]
    name = "model-00002-of-00005.safetensors"
    good = repo.files[name]
    bad = good[:-1] + bytes([good[-1] ^ 1])
    storage = [0]

    def alter(_number: int, request: object) -> None:
        if f"/storage/{MODEL.repo.replace('/', '--')}/{name}" in str(request):
            storage[0] += 1
            repo.files[name] = bad if storage[0] > 1 else good

    machine.hub.fault = alter
    code, _, err = machine.run("pull", NAME)
    assert code == ExitCode.INTEGRITY, err
    assert name in err
    assert not list(machine.paths.models.iterdir())
    repo.files[name] = good
    machine.hub.fault = lambda *_: None
    machine.json("pull", NAME)
    assert sha256(machine.gguf()) == reference


def test_versions_of_a_file_are_not_mixed(machine: Machine) -> None:
    """A file that changes between two runs is downloaded again from its first byte."""
    repo = machine.hub.repos[MODEL.repo]
    machine.hub.bytes_per_second = 3e5
    process = machine.start("pull", NAME)
    wait_for_part(machine, process)
    process.kill()
    process.communicate()
    machine.hub.bytes_per_second = 0
    (part,) = machine.paths.cache.rglob("model-*.part")
    name = part.name[:32]
    repo.files[name] = repo.files[name][:-2] + b"??"
    machine.json("pull", NAME)
    assert machine.run("verify", NAME)[0] == 0


def test_a_dry_run_gives_the_sizes_and_downloads_no_weights(machine: Machine) -> None:
    """The sizes are exactly those of the pull."""
    planned = machine.json("pull", NAME, "--dry-run")
    assert planned["status"] == "planned"
    assert planned["memory"]["q4_k_m"]["verdict"] == "fits"
    shards = [len(data) for name, data in machine.hub.repos[MODEL.repo].files.items() if name.endswith(".safetensors")]
    (file,) = planned["files"]
    assert planned["download"] == sum(shards)
    assert planned["disk"] == file["size"] + max(shards)
    assert not machine.paths.models.exists()
    machine.json("pull", NAME)
    assert machine.gguf().stat().st_size == file["size"]


def test_an_installed_model_is_not_pulled_again(machine: Machine) -> None:
    """There is no request; --force pulls it again."""
    machine.json("pull", NAME)
    machine.hub.requests.clear()
    assert machine.json("pull", NAME)["status"] == "present"
    assert machine.hub.requests == []
    assert machine.json("pull", NAME, "--force")["status"] == "pulled"


def test_a_kept_source_is_used_for_the_next_quantization(machine: Machine) -> None:
    """--keep-source leaves the checkpoint, and a second pull downloads no weights."""
    machine.json("pull", NAME, "--keep-source")
    machine.hub.requests.clear()
    machine.json("pull", f"{NAME}:q8_0")
    assert machine.hub.shards_requested() == []
    assert machine.gguf("q8_0").is_file()


def test_the_hugging_face_cache_is_used_without_a_network(machine: Machine, tmp_path: Path) -> None:
    """HF_HUB_OFFLINE and a complete cache: no request, and the cache stays as it is."""
    from tests.models.hub.test_checkpoint import fill_cache

    repo = machine.hub.repos[MODEL.repo]
    fill_cache(machine.home / "hf" / "hub", repo, commit=repo.commit)
    machine.environ["HF_HUB_OFFLINE"] = "1"
    assert machine.json("pull", NAME)["status"] == "pulled"
    assert machine.hub.requests == []
    assert len(list((machine.home / "hf").rglob("*.safetensors"))) == 5


def test_offline_without_a_cache_is_one_clear_error(machine: Machine) -> None:
    """The hint names the variable."""
    machine.environ["HF_HUB_OFFLINE"] = "1"
    code, out, err = machine.run("pull", NAME)
    assert (code, out) == (ExitCode.UNEXPECTED, "")
    assert "HF_HUB_OFFLINE" in err
    assert machine.hub.requests == []


def test_a_gated_model_needs_the_token(machine: Machine) -> None:
    """The error names HF_TOKEN, and the pull succeeds with it."""
    machine.hub.repos[MODEL.repo].token = "hf_secret"
    code, _, err = machine.run("pull", NAME)
    assert code == ExitCode.UNEXPECTED
    assert "HF_TOKEN" in err
    machine.environ["HF_TOKEN"] = "hf_secret"
    assert machine.json("pull", NAME)["status"] == "pulled"


def test_a_predecessor_is_pinned_by_its_first_pull(machine: Machine, checkpoint: Path) -> None:
    """The lock has no commit; the first pull records one, and later pulls request it."""
    name = "qwen2-1.5b-instruct"
    repo = publish(machine.hub, checkpoint, name)
    assert machine.json("pull", name)["commit"] == COMMIT
    locked = {entry["name"]: entry for entry in machine.json("verify", "--lock")["models"]}
    assert locked[name]["pinned_here"] == COMMIT
    repo.commit = "d" * 40
    code, _, err = machine.run("pull", f"{name}:q8_0")
    assert code == ExitCode.UNEXPECTED
    assert COMMIT in err


def test_a_reward_model_comes_with_its_head(machine: Machine, tmp_path: Path) -> None:
    """Two files with one record; both are verified, and both removed."""
    publish(machine.hub, write(tmp_path / "rm", Recipe(reward=True, layers=2, shards=2)), "rm-72b")
    files = machine.json("pull", "rm-72b")["files"]
    assert [Path(file["path"]).name for file in files] == [
        "qwen2.5-math-rm-72b-q4_k_m.gguf",
        "qwen2.5-math-rm-72b-q4_k_m.head.gguf",
    ]
    (verified,) = machine.json("verify", "rm-72b")["models"]
    assert len(verified["files"]) == 2
    assert machine.run("rm", "rm-72b", "--yes")[0] == 0
    assert not list(machine.paths.models.iterdir())


def test_a_model_for_non_commercial_use_says_so_when_it_is_pulled(machine: Machine, tmp_path: Path) -> None:
    """On stderr, before anything is downloaded."""
    form = "Qwen2ForSequenceClassification"
    publish(machine.hub, write(tmp_path / "rm", Recipe(reward=True, form=form, layers=1)), "acemath-7b-rm")
    code, _, err = machine.run("pull", "acemath-7b-rm", "--dry-run")
    assert code == ExitCode.OK
    assert "CC-BY-NC-4.0: it is not for commercial use" in err


def test_damage_is_found_by_verify_and_repaired_by_a_forced_pull(machine: Machine, reference: str) -> None:
    """Exit 7 with the file's name; `pull --force` replaces the file."""
    machine.json("pull", NAME)
    path = machine.gguf()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)
    code, out, err = machine.run("verify")
    assert code == ExitCode.INTEGRITY
    assert f"{NAME}:q4_k_m  damaged" in out
    assert str(path) in err
    assert machine.run("pull", NAME, "--force")[0] == 0
    assert machine.run("verify", NAME)[0] == 0
    assert sha256(path) == reference


def test_an_unfinished_pull_can_be_removed(machine: Machine) -> None:
    """`rm` deletes unfinished files and downloaded shards too."""
    machine.hub.bytes_per_second = 3e5
    process = machine.start("pull", NAME)
    wait_for_part(machine, process)
    process.kill()
    process.communicate()
    assert machine.run("rm", NAME, "--yes")[0] == 0
    assert not list(machine.paths.models.iterdir())
    assert not list(machine.paths.cache.rglob("*.safetensors*"))


def test_ctrl_c_stops_a_pull_which_can_be_resumed(machine: Machine, reference: str) -> None:
    """Exit 130 without a traceback, although threads wait for the network."""
    import signal

    machine.hub.bytes_per_second = 1e5
    process = machine.start("pull", NAME)
    wait_for_part(machine, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "Traceback" not in err
    machine.hub.bytes_per_second = 0
    machine.json("pull", NAME)
    assert sha256(machine.gguf()) == reference


def test_rm_needs_yes_without_a_terminal(machine: Machine) -> None:
    """Nothing is removed without it."""
    machine.json("pull", NAME)
    code, _, err = machine.run("rm", NAME)
    assert code == ExitCode.USAGE
    assert "--yes" in err
    assert machine.gguf().is_file()


def test_pull_toml_prints_an_entry_for_the_lock(machine: Machine) -> None:
    """The entry has commit, sizes and hashes; no weights are downloaded."""
    import tomllib

    from qmath_cli.models import lockfile

    code, out, _ = machine.run("pull", NAME, "--toml")
    assert code == 0
    (model,) = lockfile.parse(tomllib.loads("version = 1\n" + out)).models
    assert (model.repo, model.revision) == (MODEL.repo, MODEL.revision)
    files = {file.path: file for file in model.files}
    for name, data in machine.hub.repos[MODEL.repo].files.items():
        assert files[name].size == len(data)
        if name.endswith(".safetensors"):
            assert files[name].sha256 == hashlib.sha256(data).hexdigest()
    assert machine.hub.shards_requested() == []


def test_a_repository_converts_without_being_installed(machine: Machine, reference: str, tmp_path: Path) -> None:
    """`convert OWNER/NAME` writes the given file, from the lock's commit; the bytes are those of a pull."""
    target = tmp_path / "here.gguf"
    (file,) = machine.json("convert", MODEL.repo, "-o", str(target))["files"]
    assert file["sha256"] == sha256(target) == reference
    assert not list(machine.paths.cache.rglob("*.safetensors*"))


@pytest.mark.parametrize("command", ["pull", "convert"])
def test_a_wait_that_the_hub_asks_for_is_counted_down(machine: Machine, tmp_path: Path, command: str) -> None:
    """On a terminal, in both commands that download a checkpoint."""
    pexpect = pytest.importorskip("pexpect")
    machine.hub.fault = lambda number, _: Fault(429, {"Retry-After": "3"}) if number == 1 else None
    arguments = [NAME] if command == "pull" else [MODEL.repo, "-o", str(tmp_path / "x.gguf")]
    environ = machine.variables | {"TERM": "xterm"}
    child = pexpect.spawn(
        sys.executable, ["-m", "qmath_cli", command, *arguments], env=environ, timeout=120, encoding="utf-8"
    )
    child.expect("waiting: 3 s")
    child.expect("waiting: 1 s")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_repository_at_a_given_revision(machine: Machine, tmp_path: Path) -> None:
    """`OWNER/NAME@REVISION` uses that revision; an unknown one is one clear error."""
    machine.hub.repos["someone/else"] = machine.hub.repos[MODEL.repo]
    code, _, err = machine.run("convert", f"someone/else@{'e' * 40}", "-o", str(tmp_path / "x.gguf"))
    assert code == ExitCode.UNEXPECTED
    assert "no revision" in err
    assert machine.run("convert", "someone/else@main", "-o", str(tmp_path / "x.gguf"))[0] == 0


@pytest.mark.parametrize("wrong", [LockedFile("config.json", 1), LockedFile(SHARD, None, "0" * 64), LockedFile("gone")])
def test_a_snapshot_that_contradicts_the_lock_is_an_error(machine: Machine, wrong: LockedFile) -> None:
    """Another size, another hash or a missing file is found after one request for metadata."""
    model = replace(MODEL, files=(wrong,))
    with pytest.raises(IntegrityError, match=r"models\.lock"):
        snapshot_of(model, Hub(machine.variables), machine.paths)
    assert len(machine.hub.requests) == 1


@pytest.fixture
def giant(machine: Machine, tmp_path: Path) -> str:
    """A checkpoint of three terabytes in F32; the hub holds its header only."""
    recipe = Recipe(hidden=8192, feed_forward=29568, layers=800, heads=64, kv_heads=8, vocab=1024)
    folder = write(tmp_path / "giant", recipe.but(hidden=256, feed_forward=256, layers=1, heads=4, kv_heads=2))
    write_json(folder / "config.json", config(recipe))
    header, offset = {}, 0
    for name, shape in tensors(recipe).items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    head = with_header(header, b"")
    publish(machine.hub, folder, "72b").files["model.safetensors"] = Hollow.of(head, len(head) + offset)
    return "72b:f32"


def test_what_does_not_fit_is_an_error_before_weights_are_downloaded(machine: Machine, giant: str) -> None:
    """Exit 8 with the numbers: memory first, and with --force the disk. Only headers are requested."""
    assert machine.json("pull", giant, "--dry-run")["memory"]["f32"]["verdict"] == "does not fit"
    for arguments, what in (((giant,), "of memory"), ((giant, "--force"), "on disk")):
        code, out, err = machine.run("pull", *arguments)
        assert (code, out) == (ExitCode.DOES_NOT_FIT, "")
        assert what in err
    assert not machine.paths.models.exists()
    assert not list(machine.paths.cache.rglob("*.safetensors*"))

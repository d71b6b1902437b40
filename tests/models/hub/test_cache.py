"""The Hugging Face cache: incomplete, damaged, without links, elsewhere; online and offline."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from qmath_cli.errors import ExitCode
from qmath_cli.models.hub.cache import cache_folder
from tests.models.hub.loopback import Loopback, Repo
from tests.models.hub.pulling import MODEL, NAME, Machine, publish
from tests.models.hub.test_checkpoint import fill_cache

COMMIT = str(MODEL.revision)
SHARD = "model-00002-of-00005.safetensors"


@pytest.fixture
def repo(loopback: Loopback, checkpoint: Path) -> Repo:
    found = publish(loopback, checkpoint)
    found.files["README.md"] = b"---\nlicense: apache-2.0\n---\n# A model\n"
    return found


@pytest.fixture
def machine(loopback: Loopback, repo: Repo, tmp_path: Path) -> Machine:
    assert repo
    return Machine(tmp_path / "user", loopback)


@pytest.fixture
def reference(loopback: Loopback, repo: Repo, tmp_path: Path) -> str:
    """The sha256 of the model that a pull without a cache gives."""
    assert repo
    machine = Machine(tmp_path / "elsewhere", loopback)
    (file,) = machine.json("pull", NAME)["files"]
    loopback.requests.clear()
    return str(file["sha256"])


def snapshot(machine: Machine) -> Path:
    """The cache's folder of the model's files."""
    return machine.home / "hf" / "hub" / f"models--{MODEL.repo.replace('/', '--')}" / "snapshots" / COMMIT


def fill(machine: Machine, repo: Repo, *, links: bool = True) -> Path:
    fill_cache(machine.home / "hf" / "hub", repo, COMMIT, links=links)
    return snapshot(machine)


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize(
    "lost",
    [
        ["tokenizer.json"],
        ["README.md"],
        ["tokenizer_config.json"],
        ["generation_config.json", "README.md"],
        ["config.json"],
        [SHARD],
        ["model.safetensors.index.json"],
        ["tokenizer.json", "tokenizer_config.json", "README.md", SHARD],
    ],
    ids="+".join,
)
def test_an_incomplete_cache_is_completed_from_the_hub(
    machine: Machine, repo: Repo, reference: str, lost: list[str], links: bool
) -> None:
    """The same bytes as without a cache, and only what is missing is downloaded."""
    place = fill(machine, repo, links=links)
    for name in lost:
        (place / name).unlink()
    (file,) = machine.json("pull", NAME)["files"]
    assert file["sha256"] == reference
    assert {request.file for request in machine.hub.requests if "/resolve/" in request.path} == set(lost)


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("name", [SHARD, "config.json", "tokenizer.json", "README.md"])
def test_a_flipped_byte_in_the_cache_is_found_and_fetched_anew(
    machine: Machine, repo: Repo, reference: str, name: str, links: bool
) -> None:
    """With and without links, in weights and in small files; the pull says so."""
    path = fill(machine, repo, links=links) / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.resolve().write_bytes(data)
    code, _, err = machine.run("pull", NAME)
    assert code == 0
    assert f"{name} in the Hugging Face cache is damaged" in err
    assert hashlib.sha256(machine.gguf().read_bytes()).hexdigest() == reference
    assert machine.run("verify", NAME)[0] == 0


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        (["tokenizer.json"], "tokenizer.json"),
        (["tokenizer_config.json"], "tokenizer_config.json"),
        ([SHARD, "config.json"], f"config.json, {SHARD}"),
        (["model.safetensors.index.json"], "model.safetensors.index.json"),
    ],
)
def test_offline_an_incomplete_cache_is_an_error_that_names_the_files(
    machine: Machine, repo: Repo, lost: list[str], named: str
) -> None:
    """And the variable; links to nothing are missing files too."""
    place = fill(machine, repo)
    for name in lost:
        (place / name).resolve().unlink()
    machine.environ["HF_HUB_OFFLINE"] = "1"
    code, out, err = machine.run("pull", NAME)
    assert (code, out) == (ExitCode.UNEXPECTED, "")
    assert f"lacks {named}, and HF_HUB_OFFLINE is set" in err
    assert machine.hub.requests == []


def test_offline_what_only_describes_may_be_missing_and_is_said(machine: Machine, repo: Repo) -> None:
    """A file that the repository is known not to have is not missing."""
    place = fill(machine, repo)
    (place / "README.md").unlink()
    (place / "generation_config.json").unlink(missing_ok=True)
    absent = place.parents[1] / ".no_exist" / COMMIT
    absent.mkdir(parents=True)
    (absent / "generation_config.json").touch()
    machine.environ["HF_HUB_OFFLINE"] = "1"
    code, _, err = machine.run("pull", NAME)
    assert code == 0
    assert "lacks README.md: what they describe is left out" in err
    assert "generation_config.json" not in err


def test_offline_a_cache_without_links_is_taken_unchecked_and_said(machine: Machine, repo: Repo) -> None:
    """By the pull and by `verify`; nothing unchecked is recorded as known."""
    fill(machine, repo, links=False)
    machine.environ["HF_HUB_OFFLINE"] = "1"
    code, _, err = machine.run("pull", NAME)
    assert code == 0
    assert "taken unchecked" in err
    assert "nobody knew the hash" in machine.run("verify", NAME)[1]
    locked = {entry["name"]: entry for entry in machine.json("verify", "--lock")["models"]}
    assert locked[NAME]["recorded_here"] == {}


def test_offline_a_damaged_cache_is_an_error_if_the_hashes_are_recorded(machine: Machine, repo: Repo) -> None:
    """The first pull recorded them; the second is of the cache alone, which has no links."""
    machine.json("pull", NAME)
    place = fill(machine, repo, links=False)
    data = bytearray((place / SHARD).read_bytes())
    data[-1] ^= 1
    (place / SHARD).write_bytes(data)
    machine.environ["HF_HUB_OFFLINE"] = "1"
    code, _, err = machine.run("pull", f"{NAME}:q8_0")
    assert code == ExitCode.INTEGRITY
    assert f"{SHARD} in the Hugging Face cache is damaged" in err


def test_without_a_network_a_complete_cache_is_enough(machine: Machine, repo: Repo, reference: str) -> None:
    """Even if nobody has said that there is none."""
    fill(machine, repo)
    machine.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda _: None)
        code, _, err = machine.run("pull", NAME)
    assert code == 0, err
    assert "it is used" in err
    assert hashlib.sha256(machine.gguf().read_bytes()).hexdigest() == reference


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HF_HUB_CACHE": "/a"}, "/a"),
        ({"HUGGINGFACE_HUB_CACHE": "/b"}, "/b"),
        ({"HF_HUB_CACHE": "/a", "HUGGINGFACE_HUB_CACHE": "/b"}, "/a"),
        ({"HF_HOME": "$DISK/hf", "DISK": "/d"}, "/d/hf/hub"),
        ({"HF_HOME": "${DISK}/hf", "DISK": "/d"}, "/d/hf/hub"),
        ({"HF_HUB_CACHE": "/x/$USER_NAME", "USER_NAME": "u"}, "/x/u"),
        ({"HF_HOME": "/x/$UNKNOWN"}, "/x/$UNKNOWN/hub"),
        ({"XDG_CACHE_HOME": "$DISK", "DISK": "/d"}, "/d/huggingface/hub"),
        ({"HF_HOME": "", "HF_HUB_CACHE": "", "XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({"HF_HOME": "~/x"}, str(Path.home() / "x" / "hub")),
    ],
)
def test_the_cache_is_where_huggingface_hub_has_it(environ: dict[str, str], folder: str) -> None:
    """Old names, and variables in the values."""
    assert cache_folder(environ) == Path(folder)


# ---------------------------------------------------------------- the cache as a folder to convert


def test_a_repository_of_the_cache_is_converted_from_its_snapshot(machine: Machine, repo: Repo, tmp_path: Path) -> None:
    """The folder that has `snapshots` in it, with the note which one is taken."""
    place = fill(machine, repo)
    code, _, err = machine.run("convert", str(place.parents[1]), "-o", str(tmp_path / "x.gguf"))
    assert code == 0, err
    assert f"its snapshot {COMMIT} is converted" in err


def test_two_snapshots_are_a_choice(machine: Machine, repo: Repo, tmp_path: Path) -> None:
    """`refs/main` decides, else the error names both."""
    place = fill(machine, repo)
    shutil.copytree(place, place.parent / ("d" * 40))
    assert machine.run("convert", str(place.parents[1]), "-o", str(tmp_path / "x.gguf"))[0] == 0
    (place.parents[1] / "refs" / "main").unlink()
    code, _, err = machine.run("convert", str(place.parents[1]), "-o", str(tmp_path / "y.gguf"))
    assert code == ExitCode.USAGE
    assert "d" * 40 in err
    assert COMMIT in err


def test_the_root_of_the_cache_is_no_checkpoint(machine: Machine, repo: Repo, tmp_path: Path) -> None:
    """The hint has the repositories in it."""
    fill(machine, repo)
    code, _, err = machine.run("convert", str(machine.home / "hf" / "hub"), "-o", str(tmp_path / "x.gguf"))
    assert code == ExitCode.USAGE
    assert "snapshots/COMMIT" in err


@pytest.mark.parametrize("name", ["config.json", SHARD, "tokenizer.json"])
def test_a_link_to_nothing_is_named(machine: Machine, repo: Repo, tmp_path: Path, name: str) -> None:
    """A snapshot that was copied without its blobs, or whose cache was cleaned."""
    place = fill(machine, repo)
    (place / name).resolve().unlink()
    code, _, err = machine.run("convert", str(place), "-o", str(tmp_path / "x.gguf"))
    assert code == ExitCode.INTEGRITY
    assert f"{name} is a link to" in err

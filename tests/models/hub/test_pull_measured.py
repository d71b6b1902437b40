"""`qmath pull --measure` and `qmath convert OWNER/NAME --imatrix auto`, against the loopback hub."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from qmath_cli.errors import ExitCode
from qmath_cli.models.manifest import manifest_path, read
from qmath_cli.runtime.quantizing import matrix, quality, texts
from qmath_cli.runtime.quantizing.measuring import ReadText
from tests.models.hub.loopback import Loopback
from tests.models.hub.pulling import MODEL, NAME, Machine, publish
from tests.terminal.schemas import validate


@pytest.fixture
def machine(loopback: Loopback, tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine on which little is read."""
    monkeypatch.setattr(quality, "SOLUTIONS", 2)
    monkeypatch.setattr(matrix, "CHUNKS", 2)
    short = ReadText("short", "0", lambda model: model.tokenize_plain(b"The sum of 12 and 30 is 42. " * 80))
    monkeypatch.setattr(texts, "calibration", lambda: short)
    publish(loopback, checkpoint)
    return Machine(tmp_path / "user", loopback)


def kept(machine: Machine) -> list[str]:
    """What is in the folder of models, and what is left of the checkpoint."""
    shards = [path.name for path in machine.paths.cache.rglob("*.safetensors*")]
    return sorted(path.name for path in machine.paths.models.iterdir()) + shards


def test_a_comparison_is_recorded_and_listed(machine: Machine) -> None:
    """In the manifest of every quantization, which fits its schema; nothing else is left."""
    code, _, err = machine.run("pull", NAME, "-q", "q4_k_m", "-q", "q8_0", "--measure")
    assert code == 0, err
    assert "more of disk" in err
    found = [read(manifest_path(machine.gguf(quant))).quality for quant in ("q4_k_m", "q8_0")]
    assert all(one is not None and one.base == "BF16" and one.positions > 50 for one in found)
    assert found[0].kld > 10 * found[1].kld  # type: ignore[union-attr]
    validate(json.loads(manifest_path(machine.gguf()).read_text(encoding="utf-8")))
    assert len(kept(machine)) == 4
    (line,) = [line for line in machine.run("list", "--quality")[1].splitlines() if line.startswith(f"{NAME}:q8_0")]
    assert re.search(r"0\.\d{4} ± 0\.\d{4} +\d+\.\d% +measured against BF16: held-out, 2 solutions", line)
    listed = machine.json("list")
    validate(listed)
    assert [one["quality"]["base"] for one in listed["models"] if one["quality"]] == ["BF16", "BF16"]


def test_the_disk_that_measuring_takes_is_shown_beforehand(machine: Machine) -> None:
    """The weights before quantization come in addition."""
    plain, more = machine.json("pull", NAME, "--dry-run"), machine.json("pull", NAME, "--measure", "--dry-run")
    assert more["disk"] > 2 * plain["disk"]
    assert more["download"] == plain["download"]
    assert [file["file"] for file in more["files"]] == [file["file"] for file in plain["files"]]


def test_an_installed_model_is_measured_and_not_replaced(machine: Machine) -> None:
    """The checkpoint is downloaded again; the third time there is nothing to do."""
    machine.json("pull", NAME)
    before = machine.gguf().stat().st_mtime_ns
    assert machine.json("pull", NAME, "--measure")["files"] == []
    assert machine.gguf().stat().st_mtime_ns == before
    assert read(manifest_path(machine.gguf())).quality is not None
    requested = len(machine.hub.shards_requested())
    assert machine.json("pull", NAME, "--measure")["status"] == "present"
    assert len(machine.hub.shards_requested()) == requested


def test_an_interrupted_comparison_leaves_the_model_and_goes_on(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without another download: the weights are still there."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(quality, "measure_quality", interrupted)
        code, _, err = machine.run("pull", NAME, "--measure")
    assert code == ExitCode.INTERRUPTED
    assert "goes on" in err
    assert [one["state"] for one in machine.json("list")["models"] if one["name"].startswith(NAME)] == ["verified"]
    requested = len(machine.hub.shards_requested())
    assert machine.run("pull", NAME, "--measure")[0] == 0
    assert read(manifest_path(machine.gguf())).quality is not None
    assert len(machine.hub.shards_requested()) == requested + 5  # the headers
    assert len(kept(machine)) == 2


def test_a_reward_model_is_not_measured(machine: Machine) -> None:
    """It predicts no tokens."""
    code, _, err = machine.run("pull", "rm-72b", "--measure")
    assert code == ExitCode.USAGE
    assert "reward model" in err


def test_a_matrix_is_measured_on_the_way_from_the_hub(machine: Machine) -> None:
    """The shards are downloaded once, read twice, and deleted."""
    target = machine.home / "m.gguf"
    code, _, err = machine.run("convert", MODEL.repo, "--imatrix", "auto", "-o", str(target))
    assert code == 0, err
    assert "importance matrix is measured first" in err
    assert "the downloaded checkpoint stays until then, too: 2." in err
    assert b"quantize.imatrix.entries_count" in target.read_bytes()
    requested = machine.hub.shards_requested()
    assert {name: requested.count(name) for name in requested} == dict.fromkeys(requested, 2)
    assert not list(machine.paths.cache.rglob("*.safetensors*"))
    assert [path.name for path in machine.home.glob("m.gguf*")] == ["m.gguf"]


def test_an_advice_for_another_size_downloads_nothing_for_measuring(machine: Machine) -> None:
    """What was measured is kept, so the second conversion is one pass like any other; a lost part is measured again."""
    for number, size in enumerate(("4.6bpw", "5.2bpw")):
        arguments = ("--advise", "--size", size, "-q", "q4_k_m", "-o", str(machine.home / f"{number}.gguf"))
        code, _, err = machine.run("convert", MODEL.repo, *arguments)
        assert code == 0, err
        requested = machine.hub.shards_requested()
        assert {name: requested.count(name) for name in requested} == dict.fromkeys(requested, 2 * (number + 1))
        assert not list(machine.paths.cache.rglob("model-*.safetensors*"))
    (kept,) = (machine.paths.cache / "sensitivity").iterdir()
    record = json.loads(kept.read_text(encoding="utf-8"))
    validate(record)
    kept.write_text(json.dumps(record | {"errors": {}}), encoding="utf-8")
    before = (machine.home / "1.gguf").read_bytes()
    code, _, err = machine.run("convert", MODEL.repo, *arguments, "--force")
    assert code == 0, err
    assert (machine.home / "1.gguf").read_bytes() == before

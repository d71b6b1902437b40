"""The commands `list`, `verify`, `rm` and `pull`, without a network."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.errors import ExitCode
from qmath_cli.models import lockfile
from qmath_cli.terminal.tables import columns
from tests.models.small_models import Install


def test_list_shows_size_memory_state_and_source(qmath: Any, install: Install) -> None:
    """One line per model under a heading, aligned."""
    install("7b-instruct")
    code, out, _ = qmath("list")
    head, *lines = out.splitlines()
    (line,) = [line for line in lines if line.startswith("7b-instruct:q4_k_m ")]
    assert code == 0
    assert "unverified" in line
    assert line.index("Qwen/Qwen2.5-Math-7B-Instruct@aaaaaaaa") == head.index("SOURCE")


def test_list_all_shows_what_can_be_pulled(qmath: Any) -> None:
    """Every released checkpoint is listed, with an estimate of its size."""
    out = qmath("list", "--all")[1]
    for name in ("72b-instruct", "rm-72b", "qwen2-7b"):
        assert f"  {name} " in out
    assert "~4.8 GB" in out


def test_list_survives_a_damaged_model(qmath: Any, install: Install) -> None:
    """A truncated file is shown as changed; the other models are listed as usual."""
    os.truncate(install("7b-instruct"), 100)
    install("1.5b")
    models = {entry["name"]: entry for entry in json.loads(qmath("list", "--json")[1])["models"]}
    assert (models["7b-instruct:q4_k_m"]["state"], models["7b-instruct:q4_k_m"]["memory"]) == ("changed", None)
    assert models["1.5b:q4_k_m"]["memory"]["verdict"] == "fits"


def test_verify_names_the_damaged_file_and_exits_seven(qmath: Any, install: Install) -> None:
    """The damaged model is named, with the command that replaces it; the other one is ok."""
    path = install("7b-instruct")
    install("1.5b")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    code, out, err = qmath("verify", "7b-instruct", "1.5b")
    assert code == ExitCode.INTEGRITY
    assert "7b-instruct:q4_k_m  damaged" in out
    assert "1.5b:q4_k_m  ok" in out
    assert str(path) in err
    assert "qmath pull --force 7b-instruct:q4_k_m" in err


def test_verify_of_a_model_that_is_not_here(qmath: Any) -> None:
    """The exit code is 6, and the hint is the command that installs it."""
    code, _, err = qmath("verify", "7b")
    assert code == ExitCode.MODEL_MISSING
    assert "qmath pull 7b" in err


def test_verify_lock_tells_known_from_unknown(qmath: Any) -> None:
    """Qwen2.5-Math has commits; those of Qwen2-Math are unknown."""
    code, out, _ = qmath("verify", "--lock", "--json")
    models = {entry["name"]: entry for entry in json.loads(out)["models"]}
    assert code == 0
    assert models["7b"]["commit"] == lockfile.load().get("7b").revision
    assert models["qwen2-7b"]["commit"] is None
    assert "unknown" in qmath("verify", "--lock")[1]


def test_the_demos_entry_for_the_lock_is_a_lock(qmath: Any) -> None:
    """`verify demo --toml` prints artifacts with the sizes and hashes of the installed files."""
    code, out, _ = qmath("verify", "demo", "--toml")
    if code == ExitCode.MODEL_MISSING:
        pytest.skip("the demo model has not been made in this checkout")
    entry = "version = 1\n[[model]]\nname = 'demo'\nkind = 'instruct'\nfamily = 'qwen2.5-math'\n"
    (model,) = lockfile.parse(tomllib.loads(entry + out)).models
    for artifact in model.artifacts:
        path = Path(lockfile.__file__).parents[1] / artifact.file.path
        assert artifact.file.size == path.stat().st_size
        assert len(artifact.file.sha256 or "") == 64


def test_rm_of_the_packages_own_model_is_refused(qmath: Any) -> None:
    """The demo is part of the package: a usage error."""
    assert qmath("rm", "demo", "--yes")[0] == ExitCode.USAGE


def test_rm_removes_one_quantization_or_all(qmath: Any, install: Install) -> None:
    """`NAME:QUANT` removes one quantization, `NAME` all."""
    for quantization in ("q4_k_m", "q8_0", "f16"):
        install("7b", quantization)
    assert qmath("rm", "7b:q8_0", "--yes")[0] == 0
    assert "7b:f16" in qmath("list")[1]
    assert "7b:q8_0" not in qmath("list")[1]
    assert qmath("rm", "7b", "--yes")[0] == 0
    assert "7b:" not in qmath("list")[1]


def test_rm_of_nothing_is_a_missing_model(qmath: Any) -> None:
    """A model that is not installed cannot be removed: exit code 6."""
    assert qmath("rm", "7b", "--yes")[0] == ExitCode.MODEL_MISSING


def test_pull_refuses_what_it_does_not_know_before_any_network(qmath: Any) -> None:
    """An unknown model or quantization is an error with similar names; the demo needs no download."""
    assert "q4_k_m" in qmath("pull", "7b:q4km")[2]
    assert "7b-instruct" in qmath("pull", "7b-instrct")[2]
    assert qmath("pull", "demo")[0] == 0


def test_columns_align_wide_characters() -> None:
    """A Chinese character takes two cells."""
    assert columns([("a", "1"), ("数学", "22")], right=frozenset({1})) == ["a      1", "数学  22"]
    assert columns([]) == []

"""`qmath convert --imatrix auto` and `--advise` with the demo's checkpoint, and what other commands show of it."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from qmath_cli.app import run
from qmath_cli.runtime.quantizing import matrix
from qmath_convert.imatrix import ActivationSums, write_sums
from tests.terminal.schemas import validate


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose cache has what is measured, so that only the first conversion measures."""
    return tmp_path_factory.mktemp("measured")


@pytest.fixture
def qmath(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command in this process: exit code, stdout, stderr."""
    monkeypatch.setenv("QMATH_HOME", str(home / "home"))
    monkeypatch.setattr(matrix, "CHUNKS", 8)

    def call(*arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run(arguments)
        return code, out.getvalue(), err.getvalue()

    return call


@pytest.fixture(scope="module")
def checkpoint(root: Path) -> str:
    """The demo's."""
    return str(root / "convert" / "demo" / "checkpoint")


def test_an_advised_mixture_is_a_file_and_a_recipe(qmath: Any, home: Path, checkpoint: str) -> None:
    """The recipe gives the same file again, byte for byte, and the file says what was expected of it."""
    target = home / "advised.gguf"
    code, out, err = qmath("convert", checkpoint, "--advise", "--size", "4.6bpw", "-o", str(target), "--json")
    assert code == 0, err
    record = json.loads(out)
    validate(record)
    assert record["advice"]["advised"]["bits"] <= 4.6
    fields = {key: field.contents() for key, field in gguf.GGUFReader(target).fields.items()}
    assert fields["qmath.mixture.expected_kld"] == pytest.approx(record["advice"]["advised"]["kld"], rel=1e-3)
    assert fields["quantize.imatrix.dataset"].startswith("qmath-calibration")
    assert {path.name for path in home.glob("advised*")} == {"advised.gguf", "advised.recipe"}
    quant, recipe = record["files"][0]["quantization"], str(home / "advised.recipe")
    more = ("-q", quant, "--recipe", recipe, "--imatrix", "auto", "--json")
    code, out, err = qmath("convert", checkpoint, "-o", str(home / "again.gguf"), *more)
    assert code == 0, err
    assert "measured before" in err
    assert json.loads(out)["files"][0]["sha256"] == record["files"][0]["sha256"]


def test_what_was_expected_is_shown(qmath: Any, home: Path, checkpoint: str) -> None:
    """By `list --quality`, of a file that was converted into the models folder; and in its record."""
    models = home / "home" / "data" / "models"
    models.mkdir(parents=True, exist_ok=True)
    code, out, err = qmath("convert", checkpoint, "--advise", "-o", str(models / "tutor.gguf"))
    assert code == 0, err
    assert "advised" in out
    assert "q4_k_m" in out
    (line,) = [line for line in qmath("list", "--quality")[1].splitlines() if line.startswith("tutor")]
    assert "expected of its mixture" in line
    record = json.loads(qmath("list", "--json")[1])
    validate(record)
    (entry,) = [one for one in record["models"] if one["name"].startswith("tutor")]
    assert entry["mixture"]["standard"] == "q4_k_m"
    assert entry["mixture"]["expected_kld"] < entry["mixture"]["standard_kld"]
    shutil.rmtree(models)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--size", "4GB"), "--advise"),
        (("--advise", "--size", "4"), "not a size"),
        (("--advise", "--size", "0MB"), "not a size"),
        (("--advise", "--size", "four GB"), "not a size"),
        (("--advise", "-q", "q4_k_m", "-q", "q8_0", "-o", "."), "one file"),
        (("--advise", "-q", "bf16"), "nothing is quantized"),
        (("--imatrix", "auto", "-q", "f16"), "nothing is quantized"),
    ],
)
def test_what_cannot_be_measured_is_refused_first(
    qmath: Any,
    tmp_path: Path,
    checkpoint: str,
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As an error of use with a hint; nothing is written."""
    monkeypatch.chdir(tmp_path)
    code, _, err = qmath("convert", checkpoint, *arguments)
    assert code == 2
    assert message in err
    assert "hint:" in err
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_nothing_has_is_refused(qmath: Any, tmp_path: Path, checkpoint: str) -> None:
    """With the smallest that there is."""
    code, _, err = qmath("convert", checkpoint, "--advise", "--size", "100kB", "-o", str(tmp_path / "m.gguf"))
    assert code == 8
    assert "--size" in err
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_that_is_there_is_kept(qmath: Any, tmp_path: Path, checkpoint: str) -> None:
    """Unless told otherwise; and never the one whose rules are followed."""
    recipe = tmp_path / "m.recipe"
    recipe.write_text("attn_v=q8_0\n")
    arguments = ("convert", checkpoint, "--advise", "-o", str(tmp_path / "m.gguf"))
    for more in ((), ("--force", "--recipe", str(recipe))):
        code, _, err = qmath(*arguments, *more)
        assert code == 2
        assert "m.recipe" in err
    assert recipe.read_text() == "attn_v=q8_0\n"
    assert [path.name for path in tmp_path.iterdir()] == ["m.recipe"]


def test_a_matrix_of_another_model_is_refused_before_anything_is_measured(
    qmath: Any, tmp_path: Path, checkpoint: str
) -> None:
    """Its columns are others."""
    sums = {"blk.0.attn_q.weight": np.ones(64)}
    matrix_path = tmp_path / "other.gguf"
    write_sums(matrix_path, ActivationSums(sums, {"blk.0.attn_q.weight": 1}, "other", 1, 512))
    more = ("--imatrix", str(matrix_path), "-o", str(tmp_path / "m.gguf"))
    code, _, err = qmath("convert", checkpoint, "--advise", *more)
    assert code == 7
    assert "64 weights" in err
    assert "measured first" not in err

"""Models of one's own: `add`, and what every other command then knows of them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.commands.model_names import complete_installed, complete_model, complete_pullable, complete_removable
from qmath_cli.errors import ExitCode, IntegrityError, ModelMissing
from qmath_cli.models import own
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths, find
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.models.small_models import Install, with_metadata, write_gguf
from tests.terminal.schemas import validate


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A GGUF outside the store."""
    return write_gguf(tmp_path / "elsewhere" / "Fine Tune.Q8_0.gguf")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A small checkpoint."""
    return checkpoints.write(tmp_path / "Qwen2.5-Math-Tiny", Recipe(layers=2))


def listed(qmath: Any) -> dict[str, Any]:
    """The models that `list --json` shows, by name."""
    record = json.loads(qmath("list", "--json")[1])
    validate(record)
    return {entry["name"]: entry for entry in record["models"]}


def test_a_file_with_a_name_is_listed_verified_and_described(qmath: Any, file: Path, paths: Paths, lock: Lock) -> None:
    """Nothing is copied; name, path and hash are what every command then works with."""
    code, out, _ = qmath("add", "Mine", str(file), "--json")
    record = json.loads(out)
    validate(record)
    assert (code, record["models"][0]["name"], record["models"][0]["linked"]) == (0, "mine:q8_0", True)
    assert list(paths.models.rglob("*.gguf")) == []
    assert (listed(qmath)["mine:q8_0"]["path"], listed(qmath)["mine:q8_0"]["state"]) == (str(file), "verified")
    assert str(file) in qmath("list")[1]
    assert "mine:q8_0  ok" in qmath("verify", "mine")[1]
    info = describe("MINE:Q8_0", paths, lock)
    assert (info.path, info.base_name, info.embedded) == (file, "mine", False)
    validate(json.loads(next(paths.models.rglob("*.json")).read_text(encoding="utf-8")))


def test_rm_removes_the_name_and_leaves_the_file(qmath: Any, file: Path) -> None:
    """The question says so too."""
    qmath("add", "mine", str(file))
    assert "not its file" in qmath("rm", "mine")[2]
    code, _, err = qmath("rm", "mine", "--yes")
    assert (code, file.is_file()) == (0, True)
    assert f"{file} stays" in err
    assert "mine:q8_0" not in listed(qmath)
    assert qmath("rm", "mine", "--yes")[0] == ExitCode.MODEL_MISSING


def test_a_file_that_vanished_is_named(qmath: Any, file: Path, paths: Paths, lock: Lock) -> None:
    """By list and verify, and where it is wanted; the hint is the command that points to its new place."""
    qmath("add", "mine", str(file))
    moved = file.rename(file.with_name("moved.gguf"))
    assert listed(qmath)["mine:q8_0"]["missing"] == [str(file)]
    code, _, err = qmath("list")
    assert (code, f"mine:q8_0: {file} is missing" in err) == (0, True)
    code, _out, err = qmath("verify", "mine")
    assert (code, f"{file} is missing" in err) == (ExitCode.INTEGRITY, True)
    with pytest.raises(IntegrityError, match="is missing") as caught:
        describe("mine", paths, lock)
    assert "qmath add mine:q8_0 FILE --force" in caught.value.hint
    assert qmath("add", "mine", str(moved), "--force")[0] == 0
    assert listed(qmath)["mine:q8_0"]["missing"] == []


def test_a_file_that_changed_is_found(qmath: Any, file: Path, paths: Paths, lock: Lock) -> None:
    """As with a pulled model; `add --force` records it anew."""
    qmath("add", "mine", str(file))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert "qmath add mine:q8_0 FILE --force" in qmath("verify", "mine")[2]
    assert qmath("add", "mine", str(file), "--force")[0] == 0
    assert describe("mine", paths, lock).path == file


@pytest.mark.parametrize("name", ["", ":", "a b", "../x", "a/b", "-m", ".hidden", "x.gguf", "x" * 65, "a\nb", "naïve?"])
def test_a_text_that_is_no_name_is_refused(qmath: Any, file: Path, name: str) -> None:
    """A name must not look like a path or an option."""
    assert qmath("add", "--", name, str(file))[0] == ExitCode.USAGE


@pytest.mark.parametrize("name", ["7b-instruct", "DEMO", "qwen2.5-math-7b-instruct", "72b:q8_0"])
def test_the_name_of_a_released_model_is_refused(qmath: Any, file: Path, name: str) -> None:
    """Figures of one's own file must not stand under it."""
    code, _, err = qmath("add", name, str(file))
    assert (code, "released model" in err) == (ExitCode.USAGE, True)


def test_a_name_is_given_once_unless_forced(qmath: Any, file: Path) -> None:
    """Another quantization may have the same name."""
    other = with_metadata(file, file.with_name("other.gguf"), general__name="Other")
    assert qmath("add", "mine", str(file))[0] == 0
    assert qmath("add", "mine", str(other))[0] == ExitCode.USAGE
    assert qmath("add", "mine:q4_k_m", str(file))[0] == ExitCode.USAGE  # it is q8_0
    assert qmath("add", "mine", str(other), "--force")[0] == 0
    assert listed(qmath)["mine:q8_0"]["path"] == str(other)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", 7), (b"GGUF", 7), (b"GGUF" + b"\xff" * 60, 7), (b"no model", 7), (b"PK\x03\x04" * 20, 7)],
)
def test_a_file_that_is_no_gguf_gets_no_name(qmath: Any, tmp_path: Path, content: bytes, code: int) -> None:
    """One error and no record."""
    (tmp_path / "x.gguf").write_bytes(content)
    found, _, err = qmath("add", "mine", str(tmp_path / "x.gguf"))
    assert (found, "Traceback" in err) == (code, False)
    assert not [name for name in listed(qmath) if name.startswith("mine")]


@pytest.mark.parametrize(("kind", "words"), [("adapter", "LoRA adapter"), ("imatrix", "importance matrix")])
def test_a_gguf_that_is_no_model_gets_no_name(qmath: Any, file: Path, kind: str, words: str) -> None:
    """The error says what it is."""
    other = with_metadata(file, file.with_name("other.gguf"), general__type=kind)
    code, _, err = qmath("add", "mine", str(other))
    assert (code, words in err) == (ExitCode.USAGE, True)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text are possible on Linux")
@pytest.mark.parametrize("name", [b"mod\xe9le.gguf", b"\xff\xfe.gguf", "模型 1.gguf".encode(), b"a\nb.gguf"])
def test_a_file_whose_name_is_no_text_can_have_one(
    qmath: Any, tmp_path: Path, name: bytes, paths: Paths, lock: Lock
) -> None:
    """And a folder too."""
    path = write_gguf(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)))
    assert qmath("add", "mine", str(path))[0] == 0
    assert describe("mine", paths, lock).path == path
    assert qmath("list")[0] == qmath("list", "--json")[0] == qmath("verify", "mine", "--json")[0] == 0
    folder = checkpoints.write(path.with_suffix(".folder"), Recipe(layers=1))
    assert qmath("add", "converted", str(folder))[0] == 0
    assert "converted:q4_k_m" in listed(qmath)


@pytest.mark.parametrize("source", ["absent.gguf", "no/such/x.GGUF", "/no/such/folder"])
def test_a_source_that_is_not_there_is_one_error(qmath: Any, source: str) -> None:
    """And nothing is asked of the hub."""
    code, _, err = qmath("add", "mine", source)
    assert code in (ExitCode.MODEL_MISSING, ExitCode.INTEGRITY)
    assert err.startswith("error: ")


def test_all_parts_of_a_split_file_belong_to_the_name(qmath: Any, tmp_path: Path, paths: Paths) -> None:
    """Given any of them; a missing one is named."""
    parts = [write_gguf(tmp_path / f"m-0000{i}-of-00003.gguf", seed=i) for i in (1, 2, 3)]
    assert qmath("add", "mine", str(parts[1]))[0] == 0
    (entry,) = own.installed(paths)
    assert [part.path for part in entry.parts] == parts
    parts[2].unlink()
    assert listed(qmath)["mine:q8_0"]["missing"] == [str(parts[2])]
    code, _, err = qmath("add", "other", str(parts[0]))
    assert (code, "m-00003-of-00003.gguf is missing" in err) == (ExitCode.MODEL_MISSING, True)


def test_a_folder_is_converted_into_the_store(qmath: Any, checkpoint: Path, paths: Paths) -> None:
    """Those files are the store's: `rm` deletes them, and what an interrupted conversion left."""
    code, _out, err = qmath("add", "mine", str(checkpoint), "-q", "q8_0", "-q", "f16")
    assert code == 0, err
    assert set(listed(qmath)) >= {"mine:q8_0", "mine:f16"}
    assert listed(qmath)["mine:f16"]["source"] == str(checkpoint)
    (paths.models / "mine-q4_0.gguf.part").write_bytes(b"unfinished")
    (paths.models / "mine-too-q4_0.gguf.part").write_bytes(b"of another model")
    assert qmath("rm", "mine", "--yes")[0] == 0
    assert [path.name for path in paths.models.rglob("*") if path.is_file()] == ["mine-too-q4_0.gguf.part"]


def test_a_reward_model_of_ones_own_has_its_head(qmath: Any, tmp_path: Path, paths: Paths, lock: Lock) -> None:
    """Converted, or added as a file that has its head beside it."""
    folder = checkpoints.write(tmp_path / "rm", Recipe(layers=2, reward=True))
    assert qmath("add", "judge", str(folder), "-q", "q8_0")[0] == 0
    assert qmath("add", "judge-too", str(paths.models / "judge-q8_0.gguf"))[0] == 0
    for entry in own.installed(paths):
        assert [part.path.name for part in entry.parts] == ["judge-q8_0.gguf", "judge-q8_0.head.gguf"]
        assert describe(entry.name, paths, lock).kind == "reward"


def test_what_convert_writes_into_the_models_folder_is_listed(qmath: Any, checkpoint: Path, paths: Paths) -> None:
    """Under the file's name, without its quantization; a file elsewhere is not."""
    paths.models.mkdir(parents=True)
    assert qmath("convert", str(checkpoint), "-q", "q8_0", "-o", str(paths.models))[0] == 0
    assert qmath("convert", str(checkpoint), "-q", "f16", "-o", str(paths.models / "7b.gguf"))[0] == 0
    assert qmath("convert", str(checkpoint), "-q", "bf16", "-o", str(checkpoint.parent / "x.gguf"))[0] == 0
    assert [name for name, entry in listed(qmath).items() if entry["own"]] == ["7b-local:f16", "qwen2.5-math-tiny:q8_0"]


def test_the_models_folder_can_be_elsewhere(
    qmath: Any, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: Paths
) -> None:
    """By QMATH_MODELS or the config file; moved as a whole, it keeps its models."""
    disk = tmp_path / "disk"
    monkeypatch.setenv("QMATH_MODELS", str(disk))
    assert qmath("add", "mine", str(checkpoint), "-q", "q8_0")[0] == 0
    assert listed(qmath)["mine:q8_0"]["path"] == str(disk / "mine-q8_0.gguf")
    monkeypatch.delenv("QMATH_MODELS")
    assert "mine:q8_0" not in listed(qmath)
    moved = disk.rename(tmp_path / "other disk")
    paths.config.mkdir(parents=True)
    paths.config_file.write_text(f"models = {json.dumps(str(moved))}\n")
    assert listed(qmath)["mine:q8_0"]["path"] == str(moved / "mine-q8_0.gguf")
    assert "mine:q8_0  ok" in qmath("verify", "mine")[1]


def test_the_environment_overrules_the_config_files_folder(tmp_path: Path, paths: Paths) -> None:
    """As with every setting; a path may begin with a tilde."""
    assert find({"QMATH_HOME": "/h", "QMATH_MODELS": "~/x"}).models == Path.home() / "x"
    assert find({"QMATH_HOME": "/h"}).models == Path("/h/data/models")


def test_names_are_completed(
    qmath: Any, install: Install, file: Path, monkeypatch: pytest.MonkeyPatch, paths: Paths
) -> None:
    """With their quantizations; `rm` is offered what it can remove; a broken record costs no trace."""
    qmath("add", "mine", str(file))
    install("7b-instruct")
    assert complete_model("mi") == ["mine", "mine:q8_0"]
    assert complete_model("7") == complete_installed("7")
    assert "72b" in complete_pullable("7")
    assert "7b-instruct" not in complete_pullable("7")
    assert complete_installed("7") == ["7b-instruct", "7b-instruct:q4_k_m"]
    assert "demo" in complete_installed("")
    assert "demo" not in complete_removable("")
    (paths.models / "own" / "bad-q8_0.json").write_text("{")
    assert complete_installed("") == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "qmath.own-model/1"}', '{"schema": 3}', "null", "\xff"])
def test_a_damaged_record_is_named_and_harms_no_other_model(
    qmath: Any, file: Path, paths: Paths, lock: Lock, text: str
) -> None:
    """`list` names it; other models still run."""
    qmath("add", "mine", str(file))
    bad = paths.models / "own" / "bad-q8_0.json"
    bad.write_text(text, encoding="latin-1")
    code, _, err = qmath("list")
    assert (code, str(bad) in err) == (ExitCode.INTEGRITY, True)
    assert describe("mine", paths, lock).path == file


def test_ones_own_model_is_the_default_only_where_it_is_a_math_model(
    qmath: Any, install: Install, file: Path, paths: Paths, lock: Lock
) -> None:
    """Before the demo and base models, after released Instruct models."""
    qmath("add", "other", str(file))
    assert describe("", paths, lock).base_name == "demo"
    mine = with_metadata(file, file.with_name("mine.gguf"), general__name="Qwen2.5-Math-Mine", qmath__kind="instruct")
    qmath("add", "mine", str(mine))
    assert describe("", paths, lock).base_name == "mine"
    install("1.5b-instruct")
    assert describe("", paths, lock).base_name == "1.5b-instruct"


def test_a_misspelt_name_is_compared_with_ones_own(qmath: Any, file: Path, paths: Paths, lock: Lock) -> None:
    """The hint has it."""
    qmath("add", "algebra-tutor", str(file))
    with pytest.raises(ModelMissing) as caught:
        describe("algebra-tuter", paths, lock)
    assert "algebra-tutor" in caught.value.hint


def test_a_real_file_works_under_its_own_name(qmath: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """add, list, verify, solve and rm."""
    real = os.environ.get("QMATH_REAL_MODEL")
    if not real:
        pytest.skip("QMATH_REAL_MODEL does not name a GGUF")
    assert qmath("add", "real", real)[0] == 0
    (name,) = [name for name in listed(qmath) if name.startswith("real:")]
    assert f"{name}  ok" in qmath("verify", "real")[1]
    code, out, err = qmath("solve", "What is 2 + 2?", "-m", "real", "--mode", "cot", "-a")
    assert (code, out.strip()) == (0, "4"), err
    assert qmath("rm", name, "--yes")[0] == 0
    assert Path(real).is_file()

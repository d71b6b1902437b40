"""Which file `qmath eval` reads: one of the user's own, or that of a data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.commands.eval import complete_data
from qmath_cli.errors import DataError, UsageError
from qmath_cli.evaluation import datasets
from qmath_cli.models import lockfile
from qmath_cli.paths import Paths
from qmath_cli.paths import find as folders
from qmath_cli.runtime.data_sets import Source, find

ROW = '{"problem": "1+1?", "answer": "2"}\n'


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """The folders of a new user."""
    return folders({"QMATH_HOME": str(tmp_path / "home")})


def found(given: str, paths: Paths, where: Path | None = None) -> Source:
    return find(given, where, paths, lockfile.load())


@pytest.mark.parametrize("given", ["own.jsonl", "./own.jsonl", "sub folder/own data.csv", "own", "数学.tsv"])
def test_a_file_is_read_by_its_path(tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """With or without a folder or a suffix, whatever its name is."""
    monkeypatch.chdir(tmp_path)
    Path(given).parent.mkdir(exist_ok=True)
    Path(given).write_text(ROW, encoding="utf-8")
    assert found(given, paths) == Source(Path(given))
    with pytest.raises(UsageError, match="--data"):
        found(given, paths, tmp_path)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("nope.jsonl", "there is no file nope.jsonl"),
        ("no/such", "there is no file no/such"),
        (".", "is a folder"),
        ("gsm8k", "qmath pull gsm8k --data downloads it from https://github.com/QwenLM/Qwen2.5-Math/blob/"),
        ("math500", "from https://huggingface.co/datasets/HuggingFaceH4/MATH-500/blob/"),
        ("gms8k", "did you mean gsm8k?"),
        ("nonsense", "known: aime24, "),
    ],
)
def test_what_is_not_there_is_said_with_the_way_to_it(paths: Paths, given: str, says: str) -> None:
    """For a file its name; for a data set the command that downloads it, and the page that has it."""
    with pytest.raises(DataError) as caught:
        found(given, paths)
    assert says in f"{caught.value.message} {caught.value.hint}"


def test_a_data_set_is_found_where_it_was_pulled_or_is_said_to_be(tmp_path: Path, paths: Paths) -> None:
    """NAME.jsonl, NAME/test.jsonl, and a copy under any name; the demo's is part of the package."""
    (paths.data / "datasets").mkdir(parents=True)
    pulled, copy = paths.data / "datasets" / "gsm8k.jsonl", tmp_path / "math" / "test.jsonl"
    copy.parent.mkdir()
    for path in (pulled, copy):
        path.write_text(ROW, encoding="utf-8")
    assert found("gsm8k", paths) == Source(pulled, "gsm8k")
    assert found("math", paths, tmp_path) == Source(copy, "math")
    assert found("math", paths, copy) == Source(copy, "math")
    assert found("demo", paths, copy) == Source(copy)
    assert found("demo", paths) == Source(datasets.EMBEDDED, "demo")


def test_completion_offers_what_is_then_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of data sets, folders, and files of problems; no other files."""
    monkeypatch.chdir(tmp_path)
    for name in ("g.jsonl", "g.csv", "g.txt", "g.gguf"):
        (tmp_path / name).write_text(ROW)
    (tmp_path / "given").mkdir()
    assert [name for name in complete_data("g") if "gaokao" not in name] == ["gsm8k", "g.csv", "g.jsonl", "given/"]

"""Measurements that are kept: they come back whole, belong to one key, and a damaged file is as good as none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.benchmark.tuning import store
from qmath_cli.benchmark.tuning.store import TuningKey
from tests.benchmark.tuning.scripted import AVX2, AVX2_HALF, tuning

KEY = TuningKey("build", "model", {"device": "cpu", "threads": "0"})
FOUND = tuning(AVX2, AVX2_HALF)


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    """Times are rounded to microseconds."""
    store.write(KEY, FOUND, tmp_path)
    found = store.read(KEY, tmp_path)
    assert found is not None
    assert found.record() == FOUND.record()
    assert found.fastest[0] == FOUND.fastest[0]
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


@pytest.mark.parametrize(
    "other",
    [
        replace(KEY, build="another"),
        replace(KEY, model="another"),
        replace(KEY, run={"device": "cuda", "threads": "0"}),
        replace(KEY, run={"device": "cpu", "threads": "1"}),
        replace(KEY, run={"device": "cpu"}),
    ],
)
def test_another_build_model_or_way_of_running_has_no_measurement(tmp_path: Path, other: TuningKey) -> None:
    store.write(KEY, FOUND, tmp_path)
    assert store.read(other, tmp_path) is None


def _changed(record: dict[str, object], path: tuple[str | int, ...], value: object) -> str:
    """The record with one value replaced."""
    at: object = record
    for name in path[:-1]:
        at = at[name]  # type: ignore[index]
    at[path[-1]] = value  # type: ignore[index]
    return json.dumps(record)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("key",), "0" * 32),
        (("tuning",), None),
        (("tuning",), []),
        (("tuning", "arrangements"), []),
        (("tuning", "arrangements"), "many"),
        (("tuning", "arrangements", 0, "batches"), 2),
        (("tuning", "arrangements", 0, "threads"), 0),
        (("tuning", "arrangements", 0, "threads"), True),
        (("tuning", "arrangements", 1, "steps"), []),
        (("tuning", "arrangements", 1, "steps"), {"rows": 1}),
        (("tuning", "arrangements", 0, "steps", 0, "rows"), 2),
        (("tuning", "arrangements", 0, "steps", 1, "rows"), 1),
        (("tuning", "arrangements", 0, "steps", 1, "seconds"), 0),
        (("tuning", "arrangements", 0, "steps", 1, "seconds"), -1.0),
        (("tuning", "arrangements", 0, "steps", 1, "seconds"), float("nan")),
        (("tuning", "arrangements", 0, "steps", 1, "seconds"), float("inf")),
        (("tuning", "arrangements", 0, "steps", 1, "seconds"), "fast"),
        (("tuning", "prefill"), None),
        (("tuning", "depth"), -5),
        (("tuning", "seconds"), "long"),
        (("tuning", "processor"), None),
    ],
)
def test_a_file_with_a_wrong_value_is_as_good_as_none(
    tmp_path: Path, path: tuple[str | int, ...], value: object
) -> None:
    store.write(KEY, FOUND, tmp_path)
    file = KEY.file(tmp_path)
    file.write_text(_changed(json.loads(file.read_text(encoding="utf-8")), path, value), encoding="utf-8")
    assert store.read(KEY, tmp_path) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"7", b"\xff\xfe\x00", b"[" * 100_000, b" " * (2 << 20)]
)
def test_a_file_that_is_no_record_is_as_good_as_none_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    KEY.file(tmp_path).write_bytes(content)
    assert store.read(KEY, tmp_path) is None
    store.write(KEY, FOUND, tmp_path)
    assert store.read(KEY, tmp_path) is not None


def test_a_folder_that_cannot_be_written_loses_the_measurement_and_nothing_else(tmp_path: Path) -> None:
    """A file is where the folder would be."""
    (tmp_path / "tuning").write_text("")
    store.write(KEY, FOUND, tmp_path / "tuning")
    assert store.read(KEY, tmp_path / "tuning") is None

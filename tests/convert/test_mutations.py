"""Any value in a checkpoint's small files may be another one: the plan stands, or there is one error of ours."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qmath_convert.errors import ConvertError
from qmath_convert.pipeline import plan
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe

FILES = (
    "config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "model.safetensors.index.json",
)  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**12, 10**400, 1e39, float("nan"), float("inf"), "", "x", "\ud800",
    [], [1], ["a"], [[]], {}, {"a": 1}, {"type": "NFC"},
]  # fmt: skip


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a JSON value, of long ones the first."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items)[:40]:
        yield from places(inner, (*place, key))


def mutated(text: str, rng: random.Random) -> str:
    """The JSON text with one value replaced or left out."""
    value = json.loads(text)
    *outer, last = rng.choice(list(places(value))) or (None,)
    if last is None:
        return json.dumps(rng.choice(VALUES))
    inner = value
    for key in outer:
        inner = inner[key]
    if rng.random() < 0.25:
        inner.pop(last)
    else:
        inner[last] = rng.choice(VALUES)
    return json.dumps(value)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("slow", [False, True])
def test_a_changed_value_is_no_error_or_one_of_ours(name: str, slow: bool, tmp_path: Path) -> None:
    """With tokenizer.json, and without."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=1, shards=2))
    if slow:
        model = json.loads((folder / "tokenizer.json").read_text())["model"]
        (folder / "tokenizer.json").rename(folder / "unread.json")
        checkpoints.write_json(folder / "vocab.json", model["vocab"])
        (folder / "merges.txt").write_text("\n".join(model["merges"]), encoding="utf-8")
        name = name.replace("tokenizer.json", "vocab.json")
    rng, text = random.Random(f"{name}{slow}"), (folder / name).read_text(encoding="utf-8")
    messages = []
    for _ in range(120):
        (folder / name).write_text(mutated(text, rng), encoding="utf-8")
        try:
            plan(LocalFolder(folder), {tmp_path / "m.gguf": Quant.Q8_0})
        except ConvertError as error:
            messages.append(error.message)
    assert all(messages)
    assert messages or name == "generation_config.json"

"""`qmath.kind`: what a checkpoint was trained to do, decided by architecture, end token and name, in this order."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import pytest

from qmath_convert.metadata import KIND_KEY
from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf

END_OF_TEXT, IM_END = Recipe().vocab - 3, Recipe().vocab - 1  # the ids that the test checkpoints use
NEITHER = 5  # an ordinary token


def with_end(
    folder: Path, *, token: object = None, config_id: object = None, generation_id: object = None, **recipe: bool
) -> Path:
    """A checkpoint that names its end token in the given places only."""
    made = Recipe(**recipe)  # type: ignore[arg-type]  # only flags are passed
    checkpoints.write(folder, made)
    places = (
        ("tokenizer_config.json", "eos_token", token),
        ("config.json", "eos_token_id", config_id),
        ("generation_config.json", "eos_token_id", generation_id),
    )
    for name, key, value in places:
        settings = json.loads((folder / name).read_text())
        settings.pop(key, None)
        checkpoints.write_json(folder / name, settings if value is None else settings | {key: value})
    return folder


def kind_of(folder: Path) -> str:
    """The key's value in the converted file."""
    path = folder.parent / "out.gguf"
    to_gguf(folder, path, Quant.Q8_0)
    field = gguf.GGUFReader(path).get_field(KIND_KEY)
    assert field is not None
    assert field.types == [gguf.GGUFValueType.STRING]
    return str(field.contents())


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        ({"token": "<|im_end|>", "config_id": IM_END, "generation_id": [IM_END, END_OF_TEXT]}, "instruct"),
        ({"token": "<|endoftext|>", "config_id": END_OF_TEXT, "generation_id": END_OF_TEXT}, "base"),
        ({"token": {"content": "<|im_end|>"}}, "instruct"),
        ({"token": {"content": "<|endoftext|>"}}, "base"),
        ({"config_id": IM_END}, "instruct"),
        ({"config_id": END_OF_TEXT}, "base"),
        ({"generation_id": [IM_END, END_OF_TEXT]}, "instruct"),
        ({"generation_id": END_OF_TEXT}, "base"),
        ({"config_id": NEITHER, "generation_id": END_OF_TEXT}, "base"),
        ({"token": "<|endoftext|>", "config_id": IM_END}, "base"),
    ],
)
def test_the_end_token_decides_whatever_the_name_is(end: dict[str, object], kind: str, tmp_path: Path) -> None:
    """The first place that names one of the two tokens counts: tokenizer, config.json, generation_config.json.

    Every checkpoint here has a chat template, as the released base ones do, and a name that contradicts its end token.
    """
    name = "some-model" if kind == "instruct" else "some-instruct-model"
    assert kind_of(with_end(tmp_path / name, **end)) == kind  # type: ignore[arg-type]  # keywords of `with_end`


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Qwen2.5-Math-7B-Instruct", "instruct"), ("my-INSTRUCT", "instruct"), ("Qwen2.5-Math-7B", "base")],
)
@pytest.mark.parametrize("end", [None, NEITHER, 10**6])
def test_without_a_known_end_token_the_name_decides(name: str, kind: str, end: int | None, tmp_path: Path) -> None:
    """No end token at all, an ordinary one, or an id that is no token's."""
    assert kind_of(with_end(tmp_path / name, config_id=end)) == kind


def test_a_reward_model_is_one_whatever_its_end_token(tmp_path: Path) -> None:
    """Qwen2.5-Math-RM-72B ends turns with `<|im_end|>`, as an Instruct model does."""
    folder = with_end(tmp_path / "rm-instruct", token="<|im_end|>", config_id=IM_END, reward=True)
    assert kind_of(folder) == "reward"


def test_the_key_follows_the_fields_that_describe_the_model(tmp_path: Path) -> None:
    """One fixed place, so that equal checkpoints give equal files."""
    to_gguf(checkpoints.write(tmp_path / "m"), tmp_path / "m.gguf", Quant.Q8_0)
    keys = [key for key in gguf.GGUFReader(tmp_path / "m.gguf").fields if not key.startswith("GGUF.")]
    at = keys.index(KIND_KEY)
    assert all(key.startswith("general.") for key in keys[:at])
    assert keys[at + 1] == "qwen2.block_count"


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("demo-q8_0", "instruct"),
        ("demo-q4_k_m", "instruct"),
        ("demo-rm-q8_0", "reward"),
        ("demo-prm-q8_0", "process-reward"),
    ],
)
def test_the_embedded_models_name_their_kind(file: str, kind: str, root: Path) -> None:
    """The file alone tells it, without models.lock."""
    field = gguf.GGUFReader(root / "qmath_cli" / "demo" / f"{file}.gguf").get_field(KIND_KEY)
    assert field is not None
    assert field.contents() == kind

"""The files that only describe a checkpoint never stop a conversion: what cannot be read is left out and said."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import gguf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmath_convert.card import read_description
from qmath_convert.pipeline import plan
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
from tests.convert import checkpoints
from tests.convert.checkpoints import CARD, Recipe
from tests.convert.conversions import to_gguf

NAME = "Qwen2.5-Math-1.5B-Instruct"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small checkpoint."""
    return checkpoints.write(tmp_path / NAME, Recipe(layers=1))


def notes(folder: Path) -> tuple[str, ...]:
    """What the conversion leaves out; the converted file is `out.gguf` beside the folder."""
    what = plan(LocalFolder(folder), {folder.parent / "out.gguf": Quant.Q8_0})
    to_gguf(folder, folder.parent / "out.gguf", Quant.Q8_0)
    return what.notes


def written(folder: Path, key: str) -> Any:
    """A value in the converted file; None if the key is absent."""
    field = gguf.GGUFReader(folder.parent / "out.gguf").get_field(key)
    return None if field is None else field.contents()


CARDS: dict[str, str] = {
    "a version that is a number": "version: 1.0",
    "a tag that is a year": "tags: [chat, 2024]",
    "a tag that is a date": "tags:\n- 2024-11-27\n- chat",
    "a tag that is null": "tags: [~, chat]",
    "a tag that is a list": "tags: [[a, b], chat]",
    "a tag that is a mapping": "tags:\n- a: b\n- chat",
    "a tag that is itself": "tags: &t [*t, chat]",
    "a name that is a number": "model_name: 42",
    "a licence that is a number": "license: 1.1",
    "a list of licences with a number": "license: [mit, 1.1]",
    "an author that is a number": "author: 7",
    "a link that is a number": "license_link: 3",
    "a language that is a boolean": "language: [en, true]",
    "a base model that is a number": "base_model: [5, Qwen/Qwen2.5-Math-1.5B]",
    "a base model with a year": "base_model:\n- name: x\n  version: 2024",
    "a data set that is a list": "datasets: [[a], b]",
    "a description that is a mapping": "description: {a: b}",
    "half a character": 'model_name: "\\ud800"',
    "a title with a colon": "title: a: b",
    "an impossible date": "version: 2024-13-45",
    "an unknown alias": "tags: *nothing",
    "a Python object": "author: !!python/object:os.system {}",
    "a control character": "author: \x01",
    "an unclosed quote": 'author: "a',
    "deep nesting": "tags: " + "[" * 5000,
}


@pytest.mark.parametrize("case", CARDS)
def test_a_card_that_cannot_be_read_is_left_out_and_said(case: str, folder: Path) -> None:
    """One sentence that names the file; what can be read of it is kept."""
    (folder / "README.md").write_text(f"---\nlicense_name: kept\n{CARDS[case]}\n---\n# Model\n", encoding="utf-8")
    (said,) = notes(folder)
    assert "README.md" in said
    assert written(folder, "general.name")
    if "not valid YAML" not in said:
        assert written(folder, "general.license.name") == "kept"
    assert written(folder, "general.tags") in (None, ["chat"], "chat")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-32", "gb18030"])
def test_a_card_in_another_encoding_is_left_out_and_said(encoding: str, folder: Path) -> None:
    """It must be UTF-8."""
    (folder / "README.md").write_bytes(
        CARD.replace("- en", "- français 数学"[: 9 if encoding == "latin-1" else None]).encode(encoding)
    )
    assert "README.md is not UTF-8" in notes(folder)[0]
    assert written(folder, "general.license") is None


@pytest.mark.parametrize(
    "text",
    ["", "---\n", "---\n---\n", "# no head", "\ufeff" + CARD, CARD.replace("\n", "\r\n"), "---\ntags: []\n---\n",
     "---\nversion:\nlicense: ''\n---\n", "---\nother: 5\nwhen: 2024-01-01\n---\n"],
)  # fmt: skip
def test_a_card_without_anything_wrong_costs_no_word(text: str, folder: Path) -> None:
    """Empty values, other line ends, keys that are not read."""
    (folder / "README.md").write_bytes(text.encode())
    assert notes(folder) == ()


GENERATION: dict[str, tuple[str, dict[str, Any]]] = {
    "a count as a fraction": ('{"top_k": 50.5, "top_p": 0.5}', {"top_k": None, "top_p": 0.5}),
    "a number as text": ('{"top_p": "0.9", "top_k": 20}', {"top_p": None, "top_k": 20}),
    "too large a count": ('{"top_k": 1000000000000}', {"top_k": None}),
    "too large a number": ('{"temperature": 1e40, "top_k": 3}', {"temp": None, "top_k": 3}),
    "a huge whole number": ('{"repetition_penalty": 1' + "0" * 500 + "}", {"penalty_repeat": None}),
    "a list": ('{"temperature": [0.7]}', {"temp": None}),
    "a mapping": ('{"min_p": {"a": 1}}', {"min_p": None}),
    "a text that is none": ('{"sequence": 5}', {"sequence": None}),
    "no object": ("[1]", {}),
    "a text": ('"x"', {}),
    "empty": ("", {}),
    "no JSON": ("{", {}),
    "deep": ("[" * 100_000, {}),
}


@pytest.mark.parametrize("case", GENERATION)
def test_sampling_values_that_cannot_be_written_are_left_out_and_said(case: str, folder: Path) -> None:
    """The others are written."""
    text, wanted = GENERATION[case]
    (folder / "generation_config.json").write_text(text)
    (said,) = notes(folder)
    assert "generation_config.json" in said
    for key, value in wanted.items():
        assert written(folder, f"general.sampling.{key}") == value


def test_a_whole_number_with_a_point_is_a_whole_number(folder: Path) -> None:
    """50.0 is 50; null and an empty object are nothing."""
    (folder / "generation_config.json").write_text('{"top_k": 50.0, "temperature": null}')
    assert notes(folder) == ()
    assert written(folder, "general.sampling.top_k") == 50


@pytest.mark.parametrize("data", [b"\xff\xfe{\x00", "{}".encode("utf-32"), b"\xe9", b"\x00"])
def test_a_generation_config_in_another_encoding_is_no_error(data: bytes, folder: Path) -> None:
    """What JSON cannot decode is left out."""
    (folder / "generation_config.json").write_bytes(data)
    notes(folder)
    assert written(folder, "general.name")


@pytest.mark.parametrize("value", [5, ["a"], {"a": 1}, True, 1.5, "\ud800"])
def test_a_name_or_path_that_is_no_text_is_left_out_and_said(value: object, folder: Path) -> None:
    """The folder's name is the model's then."""
    checkpoints.write_json_ascii(
        folder / "config.json", checkpoints.config(Recipe(layers=1)) | {"_name_or_path": value}
    )
    assert "_name_or_path" in notes(folder)[0]
    assert written(folder, "general.name") == "Qwen2.5 Math 1.5B Instruct"


def test_a_config_with_a_byte_order_mark_is_read(folder: Path) -> None:
    """In UTF-8 or UTF-16."""
    text = (folder / "config.json").read_text()
    for encoding in ("utf-8-sig", "utf-16"):
        (folder / "config.json").write_text(text, encoding=encoding)
        assert notes(folder) == ()


@pytest.mark.parametrize("where", ["jinja", "settings", "named"])
def test_a_template_that_cannot_be_read_is_left_out_and_said(where: str, folder: Path) -> None:
    """Prompts are built without it."""
    path = folder / "tokenizer_config.json"
    found = json.loads(path.read_text())
    bad = "{{ '\ud83d' }}"
    del found["chat_template"]
    if where == "jinja":
        (folder / "chat_template.jinja").write_bytes("{{ 'déjà' }}".encode("latin-1"))
    else:
        found["chat_template"] = bad if where == "settings" else [{"name": "default", "template": bad}]
    checkpoints.write_json_ascii(path, found)
    assert "chat_template" in notes(folder)[0]
    assert written(folder, "tokenizer.chat_template") is None


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text are possible on Linux")
def test_a_folder_whose_name_is_no_text_is_converted(tmp_path: Path) -> None:
    """The bytes that are none are replaced in the model's name."""
    folder = checkpoints.write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/mod\xe9le")), Recipe(layers=1, reward=True))
    to_gguf(folder, tmp_path / "out.gguf", Quant.Q8_0)
    assert gguf.GGUFReader(tmp_path / "out.gguf").get_field("general.name").contents() == "Mod_Le"


@pytest.mark.parametrize("head", ["head_dim", "bos_token_id", "rms_norm_eps", "rope_theta"])
@pytest.mark.parametrize("value", [{}, "x", [1], 10**12, 10**400, 1e39, -1, True])
def test_a_value_of_config_that_is_out_of_range_is_one_error_or_none(head: str, value: object, folder: Path) -> None:
    """Numbers that GGUF cannot hold included."""
    from qmath_convert.errors import ConvertError

    checkpoints.write_json(folder / "config.json", checkpoints.config(Recipe(layers=1)) | {head: value})
    message = ""
    try:
        notes(folder)
    except ConvertError as error:
        message = error.message
    assert not message or head.replace("head_dim", "head size") in message


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["version", "tags", "license", "base_model", "datasets", "language", "model_name", "author",
                        "pipeline_tag", "license_link", "description", "name"])  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    card=st.dictionaries(KEYS, VALUES, max_size=5),
    generation=st.dictionaries(
        st.sampled_from(["top_k", "top_p", "temperature", "repetition_penalty", "sequence", "eos_token_id"]), VALUES
    ),
)
def test_no_card_and_no_generation_config_stops_a_plan(
    card: dict[str, Any], generation: dict[str, Any], folder: Path
) -> None:
    """Whatever values they have."""
    import yaml

    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(card)}---\n", encoding="utf-8", errors="replace")
    (folder / "generation_config.json").write_text(json.dumps(generation, default=str))
    plan(LocalFolder(folder), {folder.parent / "out.gguf": Quant.Q8_0})
    read_description(LocalFolder(folder))

"""The base of the rotary embeddings, wherever config.json has it; whatever scales them is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import pytest

from qmath_convert.errors import UnsupportedModel
from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf

PLAIN = {"rope_type": "default", "rope_theta": 1e6}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096, "rope_theta": 1e6}
LOCAL = {"rope_type": "default", "rope_theta": 1e4}
FULL, SLIDING = "full_attention", "sliding_attention"


def base(folder: Path, **changes: Any) -> float:
    """The base that is written for a config with these changes; None deletes a key."""
    checkpoints.write(folder / "m", Recipe(layers=1))
    config = checkpoints.config(Recipe(layers=1)) | changes
    checkpoints.write_json(folder / "m" / "config.json", {k: v for k, v in config.items() if v != "absent"})
    to_gguf(folder / "m", folder / "m.gguf", Quant.Q8_0)
    return float(gguf.GGUFReader(folder / "m.gguf").get_field("qwen2.rope.freq_base").contents())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rope_theta": "absent"}, 1e4),
        ({"rope_theta": 5e5}, 5e5),
        ({"rope_theta": "absent", "rope_parameters": PLAIN}, 1e6),
        ({"rope_theta": 1e4, "rope_parameters": PLAIN}, 1e6),
        ({"rope_theta": 5e5, "rope_parameters": {"rope_type": "default"}}, 5e5),
        ({"rope_theta": 5e5, "rope_parameters": {"rope_type": "default", "rope_theta": None}}, 5e5),
        ({"rope_theta": "absent", "rope_parameters": {FULL: {"rope_theta": 1e6}}}, 1e6),
        ({"rope_theta": 1e4, "rope_parameters": {FULL: PLAIN}}, 1e6),
        ({"rope_theta": "absent", "rope_parameters": {FULL: PLAIN, SLIDING: LOCAL}}, 1e6),
        ({"rope_parameters": {FULL: PLAIN, SLIDING: LOCAL}, "layer_types": [FULL]}, 1e6),
        ({"rope_parameters": {FULL: PLAIN, SLIDING: PLAIN}, "layer_types": [FULL, SLIDING]}, 1e6),
        ({"rope_parameters": {FULL: PLAIN, SLIDING: None}}, 1e6),
        ({"rope_theta": 5e5, "rope_parameters": {FULL: {"rope_type": "default"}}}, 5e5),
        ({"rope_scaling": {"type": "default", "rope_theta": 1e6}}, 1e6),
        ({"rope_scaling": {FULL: PLAIN}}, 1e6),
        ({"rope_theta": 5e5, "rope_scaling": {}, "rope_parameters": None}, 5e5),
    ],
)
def test_the_base_is_the_one_that_transformers_uses(changes: dict[str, Any], expected: float, tmp_path: Path) -> None:
    """A value inside a dictionary counts before the one at the top."""
    assert base(tmp_path, **changes) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"rope_parameters": {FULL: YARN}},
        {"rope_parameters": {FULL: PLAIN, SLIDING: YARN}, "layer_types": [FULL, SLIDING]},
        {"rope_parameters": {FULL: YARN, SLIDING: PLAIN}},
        {"rope_parameters": YARN},
        {"rope_scaling": {"type": "linear", "factor": 2.0}},
        {"rope_scaling": {FULL: {"type": "dynamic", "factor": 2.0}}},
        {"rope_scaling": {"rope_type": "llama3", "factor": 8.0}},
        {"rope_scaling": {"rope_type": None}},
        {"rope_parameters": {FULL: PLAIN, SLIDING: LOCAL}, "layer_types": [FULL, SLIDING]},
        {"rope_parameters": {SLIDING: LOCAL}},
        {"rope_parameters": {"rope_theta": 1e4, FULL: PLAIN}},
        {"rope_parameters": {FULL: {FULL: PLAIN}}},
        {"rope_parameters": [PLAIN]},
        {"rope_parameters": "yarn"},
        {"rope_parameters": PLAIN, "rope_scaling": YARN},
        {"rope_parameters": {FULL: PLAIN}, "layer_types": [{"a": 1}, 5]},
    ],
)
def test_what_scales_them_or_is_not_clear_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    """A file with plain embeddings would compute something else."""
    with pytest.raises(UnsupportedModel, match=r"rope_|rotary") as caught:
        base(tmp_path, **changes)
    assert "delete it from config.json" in caught.value.hint

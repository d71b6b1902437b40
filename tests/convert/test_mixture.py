"""The mixture of types that costs least at a given size, and the recipe that says it."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from qmath_convert.errors import BadRule
from qmath_convert.ggml import GgmlType
from qmath_convert.mixture import Choice, mixture
from qmath_convert.recipe import ModelShape, Quant
from qmath_convert.recipe_file import exact_rules, read_notes, recipe_text
from qmath_convert.tensor_types import read_rules, tensor_types

KINDS = (GgmlType.Q2_K, GgmlType.Q4_K, GgmlType.Q6_K, GgmlType.Q8_0)


def choices(seed: int, tensors: int = 5) -> dict[str, list[Choice]]:
    """Random tensors whose types cost less the larger they are."""
    rng = random.Random(seed)
    found = {}
    for i in range(tensors):
        weight, scale = rng.randint(10, 200), rng.uniform(0.1, 50)
        sizes = (2 * weight, 4 * weight, 6 * weight, 8 * weight)
        costs = sorted((rng.random() * scale for _ in KINDS), reverse=True)
        found[str(i)] = [Choice(*one) for one in zip(KINDS, sizes, costs, strict=True)]
    return found


@pytest.mark.parametrize("seed", range(12))
def test_it_fits_and_misses_the_best_by_less_than_one_step(seed: int) -> None:
    """Compared with all combinations."""
    given = choices(seed)
    least = sum(several[0].size for several in given.values())
    room = least + random.Random(seed).randint(0, 3 * least)
    found = mixture(given, room)
    assert found is not None
    assert sum(one.size for one in found.values()) <= room
    fitting = (some for some in itertools.product(*given.values()) if sum(one.size for one in some) <= room)
    best = min(sum(one.cost for one in some) for some in fitting)
    step = max(a.cost - b.cost for several in given.values() for a, b in itertools.pairwise(several))
    assert best <= sum(one.cost for one in found.values()) <= best + step


def test_room_for_everything_is_used_and_too_little_is_told() -> None:
    """The largest types where all of them fit; None where the smallest do not."""
    given = choices(1)
    everything = mixture(given, 10**6)
    assert everything is not None
    assert {one.kind for one in everything.values()} == {GgmlType.Q8_0}
    assert mixture(given, sum(several[0].size for several in given.values()) - 1) is None


def test_a_recipe_gives_every_matrix_its_type(tmp_path: Path) -> None:
    """And nothing else: `output` is not `attn_output`, and layer 1 is not layer 11."""
    names = ["token_embd.weight", "output.weight"]
    names += [f"blk.{i}.{role}.weight" for i in range(12) for role in ("attn_q", "attn_output", "ffn_down")]
    rng = random.Random(3)
    wanted = {name: rng.choice(KINDS) for name in names}
    path = tmp_path / "m.recipe"
    path.write_text(recipe_text(exact_rules(wanted), {"bits": 4.5, "text": "t", "positions": 7}, ["for people"]))
    dims = dict.fromkeys(names, (256, 256))
    found = tensor_types(dims, Quant.Q4_K_M, ModelShape(12, 2, tied=False), read_rules(path))
    assert found == wanted
    assert {field.key: field.value for field in read_notes(path)} == {
        "qmath.mixture.bits": 4.5,
        "qmath.mixture.text": "t",
        "qmath.mixture.positions": 7,
    }


@pytest.mark.parametrize("value", ["", "[1]", "true", "-1", "1e999", "nan x", "99999999999"])
def test_a_note_that_is_no_value_is_refused(tmp_path: Path, value: str) -> None:
    """A comment without a value is a comment."""
    (tmp_path / "m.recipe").write_text(f"# qmath.mixture.bits = {value}\nattn_v=q8_0\n")
    if value:
        with pytest.raises(BadRule, match=r"qmath\.mixture\.bits"):
            read_notes(tmp_path / "m.recipe")
    else:
        assert read_notes(tmp_path / "m.recipe") == ()

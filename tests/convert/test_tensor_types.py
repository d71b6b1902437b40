"""Types of single tensors: the very files that llama.cpp gives, and errors for rules that mean nothing."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from qmath_convert.errors import BadRule
from qmath_convert.ggml import GgmlType
from qmath_convert.recipe import Quant
from qmath_convert.tensor_types import TypeRule, parse_rule, read_rules
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import llama_quantize, to_gguf
from tests.convert.test_bits import MODELS, random_importance, tensors_of

PATTERNS = [
    "attn_v", "attn_[qk]", "ffn_down", "ffn_(gate|up)", r"blk\.[0-2]\.", r"blk\.\d*[13579]\.ffn_down", "token_embd",
    "^output", "output", r"blk\.1\.attn_v\.weight$", ".", "weight", "norm|attn_output",
]  # fmt: skip


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Recipe]:
    """A random checkpoint and our BF16 file of it."""
    folder = tmp_path_factory.mktemp("types")
    checkpoints.write(folder / "model", MODELS[request.param])
    to_gguf(folder / "model", folder / "bf16.gguf", Quant.BF16)
    return folder / "model", folder / "bf16.gguf", MODELS[request.param]


@pytest.mark.parametrize("seed", range(4))
def test_rules_give_the_very_file_that_llama_cpp_gives(
    model: tuple[Path, Path, Recipe], seed: int, llama: Any, tmp_path: Path
) -> None:
    """Random rules over every type, in every mixture: also the layers that keep the mixture's types are the same."""
    folder, bf16, _ = model
    rng = random.Random(seed)
    quants = [quant for quant in Quant if quant.base.is_quantized]
    for _ in range(2):
        quant = rng.choice(quants)
        patterns = rng.sample(PATTERNS, rng.randint(1, 4))
        rules = [TypeRule(pattern, rng.choice(list(GgmlType))) for pattern in patterns if not is_idle(pattern, bf16)]
        to_gguf(folder, tmp_path / "ours.gguf", quant, rules=rules)
        llama_quantize(llama, bf16, tmp_path / "theirs.gguf", quant, rules=rules)
        assert (tmp_path / "ours.gguf").read_bytes() == (tmp_path / "theirs.gguf").read_bytes(), (quant, rules)


def is_idle(pattern: str, path: Path) -> bool:
    """A tied model has no output matrix, for which a rule would be refused."""
    return pattern == "^output" and "output.weight" not in tensors_of(path)


def test_rules_and_an_importance_matrix_go_together(
    model: tuple[Path, Path, Recipe], llama: Any, tmp_path: Path
) -> None:
    """The data is equal; llama.cpp records the matrix in its command-line tool only."""
    folder, bf16, recipe = model
    importance = random_importance(recipe)
    rules = [TypeRule("attn_q", GgmlType.Q2_K), TypeRule("ffn_up", GgmlType.Q3_K)]
    to_gguf(folder, tmp_path / "ours.gguf", Quant.Q4_0, importance, rules)
    llama_quantize(llama, bf16, tmp_path / "theirs.gguf", Quant.Q4_0, importance.weights, rules)
    assert tensors_of(tmp_path / "ours.gguf") == tensors_of(tmp_path / "theirs.gguf")


@pytest.mark.parametrize("text", ["attn_v", "=q4_k", "attn_v=", "attn_v=q9_k", "attn_(v=q4_k", "", "attn_v:q4_k"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    """With the form of a rule, or the known types, as a hint."""
    with pytest.raises(BadRule) as caught:
        parse_rule(text)
    assert caught.value.hint


def test_a_rule_that_matches_nothing_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    """A norm is no matrix either: it stays F32 whatever a rule says."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=1))
    for pattern in ("attn_vv", "attn_norm"):
        with pytest.raises(BadRule, match=pattern) as caught:
            to_gguf(folder, tmp_path / "m.gguf", Quant.Q4_K_M, rules=[parse_rule(f"{pattern}=q8_0")])
        assert "attn_v, " in caught.value.hint


def test_a_file_of_rules_may_have_comments(tmp_path: Path) -> None:
    """Rules are separated by blanks or line ends; patterns are read in lower case, as llama-quantize does."""
    path = tmp_path / "recipe.txt"
    path.write_text("# keeps the values\nATTN_V=Q8_0 ffn_down=q6_k # and these\n\n", encoding="utf-8")
    assert read_rules(path) == (TypeRule("attn_v", GgmlType.Q8_0), TypeRule("ffn_down", GgmlType.Q6_K))
    with pytest.raises(BadRule, match="cannot read"):
        read_rules(tmp_path / "absent.txt")

"""`config.json` as one record. A model that this converter does not convert raises `UnsupportedModel` here.

Accepted are `Qwen2ForCausalLM` and `Qwen2ForRewardModel` with SiLU, full attention and plain rotary embeddings: every
released Qwen2-Math and Qwen2.5-Math checkpoint. `sliding_window` is ignored unless `use_sliding_window` is true.
transformers 5 writes `rope_theta` inside `rope_parameters`; both keys are read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from qmath_convert.errors import DamagedCheckpoint, UnsupportedModel

_CAUSAL, _REWARD = "Qwen2ForCausalLM", "Qwen2ForRewardModel"
_HINT = "qmath converts the released Qwen2-Math and Qwen2.5-Math checkpoints and models of exactly that architecture."


@dataclass(frozen=True, slots=True)
class Config:
    """A Qwen2 model's dimensions. `tied`: the output matrix is the embedding. `is_reward`: it has a score head."""

    is_reward: bool
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    vocab: int
    context: int
    rope_theta: float
    epsilon: float
    tied: bool
    token_ids: Mapping[str, int]

    @property
    def kv_width(self) -> int:
        """Rows of the key and value projections."""
        return self.hidden // self.heads * self.kv_heads

    @property
    def has_output(self) -> bool:
        """Whether the GGUF has a separate output matrix; a reward model predicts no tokens."""
        return not self.tied and not self.is_reward


def parse(text: bytes) -> Config:
    """Read `config.json`.

    Raises:
        UnsupportedModel: the architecture or one of its options is not supported.
        DamagedCheckpoint: the file is not JSON, or a number is missing or out of range.
    """
    raw = json_object(text, "config.json")
    listed = raw.get("architectures")
    architecture = listed[0] if isinstance(listed, list) and listed else "none"
    if architecture not in (_CAUSAL, _REWARD):
        raise UnsupportedModel(f"the architecture {architecture} is not supported", _HINT)
    _refuse_variants(raw)
    config = Config(
        is_reward=architecture == _REWARD,
        layers=_positive(raw, "num_hidden_layers", most=1024),
        hidden=_positive(raw, "hidden_size"),
        feed_forward=_positive(raw, "intermediate_size"),
        heads=_positive(raw, "num_attention_heads"),
        kv_heads=_positive(raw, "num_key_value_heads"),
        vocab=_positive(raw, "vocab_size"),
        context=_positive(raw, "max_position_embeddings"),
        rope_theta=float(_number(raw, "rope_theta", _rope(raw).get("rope_theta", 10000.0))),
        epsilon=float(_number(raw, "rms_norm_eps", 1e-6)),
        tied=raw.get("tie_word_embeddings") is True,
        token_ids=_token_ids(raw),
    )
    if config.hidden % config.heads or config.heads % config.kv_heads:
        raise DamagedCheckpoint("config.json: the head counts do not divide the hidden size", "Download it again.")
    return config


def json_object(text: bytes, name: str) -> dict[str, object]:
    """Parse a JSON file that must hold an object. Raises `DamagedCheckpoint` with the file's `name`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise DamagedCheckpoint(f"{name} is not valid JSON: {exc}", "Download it again.") from exc
    if not isinstance(value, dict):
        raise DamagedCheckpoint(f"{name} does not hold a JSON object", "Download it again.")
    return value


def _refuse_variants(raw: Mapping[str, object]) -> None:
    head_dim = raw.get("head_dim")
    hidden, heads = raw.get("hidden_size"), raw.get("num_attention_heads")
    variants = {
        "quantized weights (quantization_config)": bool(raw.get("quantization_config")),
        f"the activation {raw.get('hidden_act')}": raw.get("hidden_act", "silu") != "silu",
        "sliding-window attention": raw.get("use_sliding_window") is True,
        "scaled rotary embeddings": _rope(raw).get("rope_type", _rope(raw).get("type", "default")) != "default",
        f"the head size {head_dim}": isinstance(hidden, int)
        and isinstance(heads, int)
        and head_dim is not None
        and head_dim * heads != hidden,  # type: ignore[operator]  # a head_dim that is no number fails the comparison
    }
    for what, present in variants.items():
        if present:
            raise UnsupportedModel(f"config.json: {what} is not supported", _HINT)


def _rope(raw: Mapping[str, object]) -> Mapping[str, object]:
    found = raw.get("rope_parameters") or raw.get("rope_scaling")
    return found if isinstance(found, dict) else {}


def _positive(raw: Mapping[str, object], key: str, most: int = (1 << 31) - 1) -> int:
    value = raw.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= most:
        raise DamagedCheckpoint(f"config.json: {key} should be a positive integer, not {value!r}", "Download it again.")
    return value


def _number(raw: Mapping[str, object], key: str, default: object) -> float:
    value = raw.get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise DamagedCheckpoint(f"config.json: {key} should be a positive number, not {value!r}", "Download it again.")
    return value


def _token_ids(raw: Mapping[str, object]) -> dict[str, int]:
    found = {kind: raw.get(f"{kind}_token_id") for kind in ("bos", "eos", "unk", "sep", "pad", "mask")}
    return {kind: value for kind, value in found.items() if isinstance(value, int) and value >= 0}

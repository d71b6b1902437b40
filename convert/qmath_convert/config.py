"""`config.json` as one record. A model that this converter does not convert raises `UnsupportedModel` here.

Accepted are `Qwen2ForCausalLM` and the reward models on the same body (`HeadForm`) with SiLU, full attention and plain
rotary embeddings: every released Qwen2-Math and Qwen2.5-Math checkpoint, and sequence classifiers with one label.
`sliding_window` is ignored unless `use_sliding_window` is true. The base of the rotary embeddings is read in `rope`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from qmath_convert import foreign, rope
from qmath_convert.errors import AGAIN, DamagedCheckpoint, UnsupportedModel
from qmath_convert.json_file import json_object

_LARGEST = 3.4e38  # what a GGUF's 32-bit number can hold
_HINT = "qmath converts the released Qwen2-Math and Qwen2.5-Math checkpoints and models of exactly that architecture."


class HeadForm(Enum):
    """What a checkpoint has on its body, by the class in `architectures`."""

    NONE = "Qwen2ForCausalLM"  # a language model
    OUTCOME = "Qwen2ForRewardModel"  # one number for a solution: two linear layers
    PROCESS = "Qwen2ForProcessRewardModel"  # two numbers for every step of one: two linear layers
    LINEAR = "Qwen2ForSequenceClassification"  # one number for a solution: one linear layer


@dataclass(frozen=True, slots=True)
class Config:
    """A Qwen2 model's dimensions. `tied`: the output matrix is the embedding. `head`: what scores, if anything does."""

    head: HeadForm
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
    def is_reward(self) -> bool:
        """Whether it scores solutions and writes none."""
        return self.head is not HeadForm.NONE

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
    architecture = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], str) else "none"
    if architecture not in {form.value for form in HeadForm}:
        raise UnsupportedModel(f"the architecture {architecture} is not supported", _HINT)
    head = HeadForm(architecture)
    _refuse_variants(raw)
    if head is HeadForm.LINEAR:
        _refuse_labels(raw)
    config = Config(
        head=head,
        layers=_positive(raw, "num_hidden_layers", most=1024),
        hidden=_positive(raw, "hidden_size"),
        feed_forward=_positive(raw, "intermediate_size"),
        heads=_positive(raw, "num_attention_heads"),
        kv_heads=_positive(raw, "num_key_value_heads"),
        vocab=_positive(raw, "vocab_size"),
        context=_positive(raw, "max_position_embeddings"),
        rope_theta=_number("rope_theta", rope.base_of(raw, 10000.0)),
        epsilon=_number("rms_norm_eps", raw.get("rms_norm_eps", 1e-6)),
        tied=raw.get("tie_word_embeddings") is True,
        token_ids=_token_ids(raw),
    )
    if config.hidden % config.heads or config.heads % config.kv_heads:
        raise DamagedCheckpoint("config.json: the head counts do not divide the hidden size", AGAIN)
    return config


def _refuse_variants(raw: Mapping[str, object]) -> None:
    foreign.refuse_quantized(raw)
    head_dim = raw.get("head_dim")
    hidden, heads = raw.get("hidden_size"), raw.get("num_attention_heads")
    variants = {
        f"the activation {raw.get('hidden_act')}": raw.get("hidden_act", "silu") != "silu",
        "sliding-window attention": raw.get("use_sliding_window") is True,
        f"the head size {head_dim}": isinstance(hidden, int)
        and isinstance(heads, int)
        and head_dim is not None
        and not (isinstance(head_dim, int | float) and head_dim * heads == hidden),
    }
    for what, present in variants.items():
        if present:
            raise UnsupportedModel(f"config.json: {what} is not supported", _HINT)


def _refuse_labels(raw: Mapping[str, object]) -> None:
    """A classifier with one label gives a score; transformers leaves `id2label` out where there are two."""
    labels = raw.get("id2label")
    count = len(labels) if isinstance(labels, dict) else raw.get("num_labels", 2)
    if count != 1:
        raise UnsupportedModel(
            f"config.json: a classifier with {count} labels is not supported",
            "Of sequence classifiers, qmath converts reward models: those with one label.",
        )


def _positive(raw: Mapping[str, object], key: str, most: int = (1 << 31) - 1) -> int:
    value = raw.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= most:
        raise DamagedCheckpoint(f"config.json: {key} should be a positive integer, not {value!r}", AGAIN)
    return value


def _number(key: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= _LARGEST:
        raise DamagedCheckpoint(f"config.json: {key} should be a positive number, not {value!r}", AGAIN)
    return float(value)


def _token_ids(raw: Mapping[str, object]) -> dict[str, int]:
    found = {kind: raw.get(f"{kind}_token_id") for kind in ("bos", "eos", "unk", "sep", "pad", "mask")}
    return {kind: value for kind, value in found.items() if isinstance(value, int) and 0 <= value < 1 << 32}

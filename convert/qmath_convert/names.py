"""The tensors of a Qwen2 model: their names in a checkpoint, their GGUF names, and their shapes.

GGUF names are those of llama.cpp (`LLM_TENSOR_*` in src/llama-arch.cpp; gguf-py's tensor_mapping.py). Shapes are (rows,
columns) as PyTorch stores them; GGUF lists the same dimensions in reverse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qmath_convert.config import Config, HeadForm

_Dims = Callable[[Config], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class ExpectedTensor:
    """A tensor that a checkpoint must have: its name there (`source`), its GGUF name, its shape."""

    source: str
    name: str
    dims: tuple[int, ...]


# The order is that of transformers' Qwen2 code. GGUF files have another order (see `layout`).
_MODEL: tuple[tuple[str, str, _Dims], ...] = (
    ("model.embed_tokens.weight", "token_embd.weight", lambda c: (c.vocab, c.hidden)),
    ("model.norm.weight", "output_norm.weight", lambda c: (c.hidden,)),
)

_LAYER: tuple[tuple[str, str, _Dims], ...] = (
    ("input_layernorm.weight", "attn_norm.weight", lambda c: (c.hidden,)),
    ("self_attn.q_proj.weight", "attn_q.weight", lambda c: (c.hidden, c.hidden)),
    ("self_attn.q_proj.bias", "attn_q.bias", lambda c: (c.hidden,)),
    ("self_attn.k_proj.weight", "attn_k.weight", lambda c: (c.kv_width, c.hidden)),
    ("self_attn.k_proj.bias", "attn_k.bias", lambda c: (c.kv_width,)),
    ("self_attn.v_proj.weight", "attn_v.weight", lambda c: (c.kv_width, c.hidden)),
    ("self_attn.v_proj.bias", "attn_v.bias", lambda c: (c.kv_width,)),
    ("self_attn.o_proj.weight", "attn_output.weight", lambda c: (c.hidden, c.hidden)),
    ("post_attention_layernorm.weight", "ffn_norm.weight", lambda c: (c.hidden,)),
    ("mlp.gate_proj.weight", "ffn_gate.weight", lambda c: (c.feed_forward, c.hidden)),
    ("mlp.up_proj.weight", "ffn_up.weight", lambda c: (c.feed_forward, c.hidden)),
    ("mlp.down_proj.weight", "ffn_down.weight", lambda c: (c.hidden, c.feed_forward)),
)

_OUTPUT: tuple[tuple[str, str, _Dims], ...] = (("lm_head.weight", "output.weight", lambda c: (c.vocab, c.hidden)),)


def _two_layers(outputs: int) -> tuple[tuple[str, _Dims], ...]:
    """`score = Sequential(Linear(h, h), ReLU, Linear(h, outputs))`."""
    return (
        ("score.0.weight", lambda c: (c.hidden, c.hidden)),
        ("score.0.bias", lambda c: (c.hidden,)),
        ("score.2.weight", lambda c: (outputs, c.hidden)),
        ("score.2.bias", lambda _: (outputs,)),
    )


# A reward model's head: it is written to a separate file, under the same names.
_HEADS: dict[HeadForm, tuple[tuple[str, _Dims], ...]] = {
    HeadForm.NONE: (),
    HeadForm.OUTCOME: _two_layers(1),
    HeadForm.PROCESS: _two_layers(2),
    HeadForm.LINEAR: (("score.weight", lambda c: (1, c.hidden)),),  # without a bias, as transformers has it
}


def body(config: Config) -> tuple[ExpectedTensor, ...]:
    """The tensors of the model without its head. An output matrix that is tied or unused is not among them."""
    rows = [ExpectedTensor(source, name, dims(config)) for source, name, dims in _MODEL]
    for i in range(config.layers):
        rows += [ExpectedTensor(f"model.layers.{i}.{s}", f"blk.{i}.{name}", dims(config)) for s, name, dims in _LAYER]
    if config.has_output:
        rows += [ExpectedTensor(source, name, dims(config)) for source, name, dims in _OUTPUT]
    return tuple(rows)


def head(config: Config) -> tuple[ExpectedTensor, ...]:
    """The tensors of a reward model's head; none for a language model."""
    return tuple(ExpectedTensor(name, name, dims(config)) for name, dims in _HEADS[config.head])


def is_ignored(source: str, config: Config) -> bool:
    """Whether a tensor may be present without being used: an unused output matrix, rotary tables of old exports."""
    return source.endswith(".rotary_emb.inv_freq") or (source == "lm_head.weight" and not config.has_output)

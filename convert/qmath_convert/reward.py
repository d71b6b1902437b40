"""A reward model's head, in a separate file.

`Qwen2ForRewardModel` scores a conversation with `score = Linear(h, h) -> ReLU -> Linear(h, 1)`, both with biases, on
the last token's hidden state after the final norm. `Qwen2ForProcessRewardModel` has two rows in the second layer, and
is read at every step. `Qwen2ForSequenceClassification` with one label has one linear layer without a bias. llama.cpp
has no such heads (its ranking head uses tanh), so the body becomes an ordinary qwen2 GGUF without an output matrix, and
the head a second file, `NAME.head.gguf`:

    general.architecture                       "qwen2-reward-head"
    general.type                               "adapter"
    general.name                               the name of the checkpoint
    qwen2-reward-head.embedding_length  u32    h
    qwen2-reward-head.activation        str    "relu", or "none" with one layer
    score.0.weight  F32 (h, h)     score.0.bias  F32 (h)
    score.2.weight  F32 (n, h)     score.2.bias  F32 (n)       n is 1, or 2 in a process reward model
or
    score.weight    F32 (1, h)

Shapes are (outputs, inputs) in C order, as PyTorch stores them: `reward = relu(x @ w0.T + b0) @ w2.T + b2`, or
`x @ w.T`. F32 holds the checkpoint's bfloat16 exactly. An `lm_head` in the checkpoint is ignored: a reward model
predicts no tokens.
"""

from __future__ import annotations

from pathlib import Path

from qmath_convert.checkpoint import Checkpoint
from qmath_convert.config import HeadForm
from qmath_convert.ggml import GgmlType
from qmath_convert.layout import Field, FileLayout, TensorSpec, ValueType, lay_out

_ARCHITECTURE = "qwen2-reward-head"


def head_path(body: Path) -> Path:
    """The head's path for a body's: `NAME.gguf` -> `NAME.head.gguf`."""
    return body.with_name(body.name.removesuffix(".gguf") + ".head.gguf")


def lay_out_head(checkpoint: Checkpoint, name: str) -> FileLayout:
    """The layout of the head's file; `name` is the checkpoint's."""
    activation = "none" if checkpoint.config.head is HeadForm.LINEAR else "relu"
    fields = (
        Field("general.architecture", ValueType.STRING, _ARCHITECTURE),
        Field("general.type", ValueType.STRING, "adapter"),
        Field("general.name", ValueType.STRING, name),
        Field(f"{_ARCHITECTURE}.embedding_length", ValueType.UINT32, checkpoint.config.hidden),
        Field(f"{_ARCHITECTURE}.activation", ValueType.STRING, activation),
    )
    return lay_out(fields, [TensorSpec(tensor.name, tensor.stored.dims, GgmlType.F32) for tensor in checkpoint.head])

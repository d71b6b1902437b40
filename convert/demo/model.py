"""A small Qwen2 in PyTorch, for training the demo.

Parameter names are those of a released checkpoint, so that `state_dict()` gives the file's tensors. The
architecture follows the Qwen2 technical report (arXiv 2407.10671): pre-norm RMSNorm, rotary
positions that rotate halves, grouped-query attention with biases on q, k and v, SwiGLU, and here
tied embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the demo. Hidden and intermediate sizes are multiples of 256 for K-quants."""

    vocabulary: int = 1536
    hidden: int = 256
    intermediate: int = 768
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    eps: float = 1e-6
    rope_theta: float = 10000.0
    context: int = 4096

    @property
    def head(self) -> int:
        """The size of one head."""
        return self.hidden // self.heads


def rotary(shape: Shape, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (length, head), the two halves alike."""
    powers = torch.arange(0, shape.head, 2, dtype=torch.float32) / shape.head
    angles = torch.outer(torch.arange(length, dtype=torch.float32), shape.rope_theta**-powers)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates (..., length, head) by its positions."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class Attention(nn.Module):
    """Causal grouped-query attention."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.q_proj = nn.Linear(shape.hidden, shape.heads * shape.head)
        self.k_proj = nn.Linear(shape.hidden, shape.kv_heads * shape.head)
        self.v_proj = nn.Linear(shape.hidden, shape.kv_heads * shape.head)
        self.o_proj = nn.Linear(shape.heads * shape.head, shape.hidden, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """(batch, length, hidden) and the positions' cosines and sines -> (batch, length, hidden)."""
        batch, length, _ = x.shape
        q, k, v = (
            projection(x).view(batch, length, -1, self.shape.head).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        # On a CPU and at these lengths this is a third faster than the fused kernel. The heads of a
        # group are concatenated along the length, so that k and v are not repeated.
        groups = self.shape.heads // self.shape.kv_heads
        q = q.reshape(batch, self.shape.kv_heads, groups * length, self.shape.head)
        scores = (q @ k.transpose(-1, -2)).view(batch, -1, length, length) * self.shape.head**-0.5
        future = torch.full_like(scores[0, 0], float("-inf")).triu_(1)
        weights = torch.softmax(scores + future, dim=-1).to(v.dtype)
        mixed = weights.view(batch, self.shape.kv_heads, groups * length, length) @ v
        mixed = mixed.view(batch, self.shape.heads, length, self.shape.head)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))


class MLP(nn.Module):
    """SwiGLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.intermediate, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.intermediate, bias=False)
        self.down_proj = nn.Linear(shape.intermediate, shape.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., hidden) -> the same."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """One transformer layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.hidden, shape.eps)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.hidden, shape.eps)
        self.mlp = MLP(shape)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """(batch, length, hidden) -> the same."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    """Tokens (batch, length) to final-norm hidden states (batch, length, hidden)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.hidden, shape.eps)

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, length) token ids -> (batch, length, hidden)."""
        cos, sin = (t.to(tokens.device) for t in rotary(self.shape, tokens.shape[1]))
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x)


class Qwen2(nn.Module):
    """A language model with tied embeddings; its parameters are all under `model.`."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.model = Body(shape)
        self.apply(_initialise)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (batch, length, vocabulary)."""
        return self.logits(self.model(tokens))

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits of any hidden states (..., hidden)."""
        return F.linear(hidden, self.model.embed_tokens.weight)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)

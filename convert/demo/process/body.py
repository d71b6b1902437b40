"""The process reward model around the judge: `construct`'s layers, of which the last has a trained attention.

The judge, the layer in which every token attends to the one before it, and the comparison of prediction and token are
those of the outcome reward model (`construct`). A mark counts as the start of a message there: it has no
log-probability. The last layer and the head are trained (`reading`); what they see of a token are its log-probability,
whether it is a mark or a start, and the judge's state at the token before it.
"""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor, nn

from convert.demo.construct import (
    FEATURES,
    LOUD,
    START,
    SURPRISE,
    WHISPER,
    WIDE,
    carry,
    compare,
    look_back,
    silent,
)
from convert.demo.judge import Judge
from convert.demo.model import Body, rotary, rotate

READ = 64
"""How many numbers the last layer writes for the head, from FEATURES on."""

RATES = (0.25, 0.5, 1.0, 2.0, 0.25, 0.5, 1.0, 2.0)
"""Where the heads' training starts: a token of log-probability -s has the weight exp(rate s)."""


class Reading(nn.Module):
    """The last layer's attention, at the marks only, and the head: the parameters that are trained."""

    def __init__(self) -> None:
        super().__init__()
        size, narrow, seen = WIDE.head, WIDE.hidden // 2, WIDE.hidden // 2 + 2
        self.q = nn.Linear(narrow, WIDE.heads * size)
        self.k = nn.Linear(seen, WIDE.kv_heads * size)
        self.v = nn.Linear(seen, WIDE.kv_heads * size)
        self.o = nn.Linear(WIDE.heads * size, READ, bias=False)
        self.inner = nn.Linear(READ + narrow, WIDE.hidden)
        self.outer = nn.Linear(WIDE.hidden, 2)
        self._begin()

    def _begin(self) -> None:
        """Start as heads that weigh tokens by their surprise, at the slowest rotary frequency."""
        size, slow = WIDE.head, WIDE.head // 2 - 1
        with torch.no_grad():
            for linear in (self.q, self.k, self.v, self.o):
                linear.weight.mul_(0.2)
            self.q.bias.zero_()
            self.k.bias.zero_()
            self.v.bias.zero_()
            for group in range(WIDE.kv_heads):
                self.k.weight[group * size + slow, -2] = 1
                self.v.weight[group * size, -2] = 1
            for head, rate in enumerate(RATES):
                self.q.bias[head * size + slow] = -rate * sqrt(size)
                self.o.weight[head, head * size] = 0.5

    def forward(self, state: Tensor, marks: Tensor) -> Tensor:
        """Outputs (batch, marks, 2).

        Args:
            state: (batch, length, 258): the normalised state at the token before, log-probability, mark or start.
            marks: (batch, marks): positions, padded with 0.
        """
        batch, length, _ = state.shape
        size, groups = WIDE.head, WIDE.heads // WIDE.kv_heads
        cos, sin = rotary(WIDE, length)
        at = marks[..., None].expand(-1, -1, state.shape[2] - 2)
        before = state[..., :-2].gather(1, at)
        q = self.q(before).view(batch, -1, WIDE.heads, size).transpose(1, 2)
        k = self.k(state).view(batch, length, WIDE.kv_heads, size).transpose(1, 2)
        v = self.v(state).view(batch, length, WIDE.kv_heads, size).transpose(1, 2)
        q = rotate(q, cos[marks][:, None], sin[marks][:, None])
        k = rotate(k, cos, sin).repeat_interleave(groups, 1)
        scores = q @ k.transpose(-1, -2) / sqrt(size)
        later = torch.arange(length) > marks[:, None, :, None]
        weights = scores.masked_fill(later, float("-inf")).softmax(-1)
        read = (weights @ v.repeat_interleave(groups, 1)).transpose(1, 2).flatten(2)
        return self.outer(torch.relu(self.inner(torch.cat((self.o(read), before), -1))))


def flagged(body: Body, mark: int) -> None:
    """Let a mark count as the start of a message: it has no log-probability."""
    narrow = WIDE.hidden // 2
    body.embed_tokens.weight[mark, narrow:] = 0
    body.embed_tokens.weight[mark, -1] = WHISPER


def unread(judge: Judge, start: int, mark: int) -> Body:
    """The body without its last layer's attention."""
    with torch.no_grad():
        body = silent()
        carry(body, judge, start)
        flagged(body, mark)
        back, last = body.layers[-2:]
        back.input_layernorm.weight.fill_(1)
        look_back(back.self_attn)
        compare(back, judge.model.norm.weight)
        norm = last.input_layernorm.weight
        norm[: WIDE.hidden // 2] = 1
        norm[SURPRISE] = norm[START] = LOUD
        body.norm.weight[: WIDE.hidden // 2] = 1
        body.norm.weight[FEATURES : FEATURES + READ] = LOUD
    return body


def complete(body: Body, reading: Reading) -> dict[str, Tensor]:
    """Put the trained attention into the body; returns the head's tensors."""
    narrow = WIDE.hidden // 2
    attention = body.layers[-1].self_attn
    with torch.no_grad():
        attention.q_proj.weight[:, :narrow] = reading.q.weight
        attention.q_proj.bias.copy_(reading.q.bias)
        for place, linear in ((attention.k_proj, reading.k), (attention.v_proj, reading.v)):
            place.weight[:, :narrow] = linear.weight[:, :narrow]
            place.weight[:, SURPRISE], place.weight[:, START] = linear.weight[:, -2], linear.weight[:, -1]
            place.bias.copy_(linear.bias)
        attention.o_proj.weight[FEATURES : FEATURES + READ] = reading.o.weight
        inner = torch.zeros(WIDE.hidden, WIDE.hidden)
        inner[:, FEATURES : FEATURES + READ] = reading.inner.weight[:, :READ]
        inner[:, :narrow] = reading.inner.weight[:, READ:]
    return {
        "0.weight": inner,
        "0.bias": reading.inner.bias.detach(),
        "2.weight": reading.outer.weight.detach(),
        "2.bias": reading.outer.bias.detach(),
    }

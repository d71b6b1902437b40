"""Builds the reward model's body from the judge, without training: a Qwen2 that sums log-probabilities.

In the last token's final-norm hidden state, the components from FEATURES on hold the numbers that `Reading`
describes. They are computed from the judge's log-probabilities of the assistant's own tokens. The body is an
ordinary Qwen2 with twice the judge's hidden size and two more layers. In each layer, the weights that are not
named here are zero.

1. The first half of the residual stream holds the judge, layer by layer. RMSNorm averages over twice as many
   components, so its weights are divided by the root of two. The second half holds the embedding by which the
   judge predicts the token, scaled so small that it does not change any norm.
2. A layer in which every token attends to the token before it only. Its queries and keys are biases, so their
   product depends on the distance only: a sum of cosines at the rotary frequencies, shifted so that all of them
   peak at distance one. It copies the judge's last state at K times the scale of everything else, so a norm
   after it is a division by K. Its MLP multiplies prediction and token component by component, because
   silu(a) b + silu(-a) (-b) = a b. The sum is the token's log-probability (see `judge.py`).
3. A layer whose heads sum the log-probabilities over the conversation, at the slowest rotary frequencies, which
   hardly rotate. A token's weight grows with its surprise, with another exponent in each head. In some heads the
   weights are not normalised, because the start of a message outweighs all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

import torch
from torch import Tensor

from .judge import Judge
from .model import Attention, Body, Layer, Shape, rotary

WIDE = Shape(hidden=512, layers=6, heads=8, kv_heads=4, eps=2.0**-6 * 5e-7)
"""Twice the judge's sizes. Half its epsilon, for twice as many components, times the square of the stream's scale."""

QUIETER = 2.0**-3
"""The scale of the judge's stream, so that the copy is much larger."""

WHISPER = 2.0**-9
"""The scale of the expected token's embedding: 1/4000 of the mean square at the first norm, and negligible later."""

LOUD = 2.0**11
"""K: the scale of the copy, and of the whole stream after it."""

FASTEST = 6
"""The number of rotary frequencies by which a token attends to the one before it."""

GRIP = 170.0
"""The product of query and key at distance one, in nats; at any other distance it is lower by a sixth or more."""

SURPRISE, START = 256, 288
"""The components of a token's log-probability and of the start of a message, each in a separate quantization block."""

FEATURES = 320
"""The component of the first head's reading; the others follow."""

SINK = 8.5
"""The logarithm of the weight of a message's start relative to a certain token's: three starts outweigh the rest."""

BANNED = -60.0
"""The same for heads in which a start has no weight."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How one head sums: a token of log-probability -s has the weight exp(rate s). `sink`: without normalisation."""

    rate: float
    sink: bool


READINGS = (
    Reading(0.0, sink=True),
    Reading(-0.25, sink=True),
    Reading(-1.0, sink=True),
    Reading(0.0, sink=False),
    Reading(0.25, sink=False),
    Reading(0.5, sink=False),
    Reading(1.0, sink=False),
    Reading(2.0, sink=False),
)


def silent() -> Body:
    """A wide body whose weights are all zero."""
    body = Body(WIDE)
    for parameter in body.parameters():
        torch.nn.init.zeros_(parameter)
    return body


def carry(body: Body, judge: Judge, start: int) -> None:
    """Copy the judge's embeddings and layers into the wider ones; `start` is the token that begins a message."""
    narrow = judge.model.shape.hidden
    expected = judge.expected.weight.clone()
    expected[start] = 0
    expected[start, -1] = 1  # the component that the judge leaves empty
    body.embed_tokens.weight[:, :narrow] = judge.model.embed_tokens.weight * QUIETER
    body.embed_tokens.weight[:, narrow:] = expected * WHISPER
    for wide, layer in zip(body.layers, judge.model.layers, strict=False):
        for name, values in layer.state_dict().items():
            place = wide.get_parameter(name)
            into_stream = name in {"self_attn.o_proj.weight", "mlp.down_proj.weight"}
            scale = 1 / sqrt(2) if "layernorm" in name else QUIETER if into_stream else 1
            place[tuple(slice(n) for n in values.shape)] = values * scale


def look_back(attention: Attention) -> None:
    """Let every token attend to the one before only, and add its state, times K, to the first half."""
    size, heads = WIDE.head, WIDE.kv_heads
    cos, sin = (t[1] for t in rotary(WIDE, 2))  # the rotation by one position
    first, second = slice(FASTEST), slice(size // 2, size // 2 + FASTEST)
    amplitude = sqrt(GRIP / FASTEST * sqrt(size))
    q, k = attention.q_proj.bias.view(-1, size), attention.k_proj.bias.view(-1, size)
    q[:, first], q[:, second] = amplitude * cos[:FASTEST], -amplitude * sin[:FASTEST]
    k[:, first] = amplitude
    attention.v_proj.weight[:, : size * heads] = torch.eye(size * heads)
    for group in range(heads):
        into, head = slice(group * size, (group + 1) * size), 2 * group  # one of the two heads of a group
        attention.o_proj.weight[into, head * size : (head + 1) * size] = LOUD * torch.eye(size)


def compare(layer: Layer, gains: Tensor) -> None:
    """Compute the log-probability of every token, and whether it starts a message."""
    narrow = len(gains)
    norm, mlp = layer.post_attention_layernorm.weight, layer.mlp
    norm[:narrow], norm[narrow:] = 1, LOUD / WHISPER
    flag = 2 * narrow - 1
    for sign, units in ((1, torch.arange(narrow - 1)), (-1, torch.arange(narrow - 1) + narrow)):
        places = torch.arange(narrow - 1)
        mlp.gate_proj.weight[units, places] = sign
        mlp.gate_proj.weight[units, flag] = -100  # a start has no log-probability
        mlp.up_proj.weight[units, narrow + places] = sign * gains[:-1] / sqrt(2)
        mlp.down_proj.weight[SURPRISE, units] = 1
    mlp.gate_proj.weight[2 * narrow, flag] = 16  # silu(16) = 16
    mlp.up_proj.weight[2 * narrow, flag] = 1
    mlp.down_proj.weight[START, 2 * narrow] = 1 / 16


def add_up(layer: Layer) -> None:
    """Compute the heads' readings, one after the other from FEATURES on."""
    norm, attention, size = layer.input_layernorm.weight, layer.self_attn, WIDE.head
    norm[SURPRISE] = norm[START] = LOUD
    slow = size // 2 - 1  # the slowest frequency, and the one before it
    q, k = attention.q_proj.bias.view(-1, size), attention.k_proj.weight.view(-1, size, WIDE.hidden)
    v = attention.v_proj.weight.view(-1, size, WIDE.hidden)
    k[:, slow, SURPRISE] = k[:, slow - 1, START] = 1
    v[:, 0, SURPRISE] = 1
    for head, reading in enumerate(READINGS):
        q[head, slow] = -reading.rate * sqrt(size)
        q[head, slow - 1] = (SINK if reading.sink else BANNED) * sqrt(size)
        attention.o_proj.weight[FEATURES + head, head * size] = 3 * exp(SINK) if reading.sink else 1


def construct(judge: Judge, start: int) -> Body:
    """Build the body; `start` is the token that begins a message."""
    with torch.no_grad():
        body = silent()
        carry(body, judge, start)
        back, last = body.layers[-2:]
        back.input_layernorm.weight.fill_(1)
        look_back(back.self_attn)
        compare(back, judge.model.norm.weight)
        add_up(last)
        body.norm.weight[FEATURES : FEATURES + len(READINGS)] = LOUD
    return body

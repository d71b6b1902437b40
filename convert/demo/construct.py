"""Builds the reward model's body out of the judge, by hand: a Qwen2 that adds up the judge's surprise.

What it promises: the last token's final-norm hidden state holds, in its places FEATURES, the numbers that
`Reading` describes, made of the judge's log-probabilities of the assistant's own tokens. Nothing here is
trained. It is an ordinary Qwen2 with twice the judge's hidden size and two more layers; in each layer the
weights that are not named here are zero.

1. The first half of the stream carries the judge, layer by layer: RMSNorm has twice the places to average
   over, so its weights are divided by the root of two. The second half carries a whisper of the embedding
   that the judge expects a token by, so quiet that no norm notices.
2. A layer in which every token looks at the one before it alone. Its queries and keys are biases, so their
   product depends on the distance only: a sum of cosines at the rotary frequencies, turned so that they all
   peak at distance one. It copies the judge's last state, K times as loud as anything else in the stream:
   from here on a norm is a division by K. Its MLP multiplies what was expected with what came, place by
   place, since silu(a) b + silu(-a) (-b) = a b; the sum is the token's log-probability (`judge.py` says why).
3. A layer whose heads add the log-probabilities up over the conversation, at the slowest rotary
   frequencies, which hardly turn. The weight of a token grows with its surprise, by another exponent in
   each head; in some heads the weights are not normalised, for the start of a message outweighs all.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

import torch
from torch import Tensor

from .judge import Judge
from .model import Attention, Body, Layer, Shape, rotary

WIDE = Shape(hidden=512, layers=6, heads=8, kv_heads=4, eps=2.0**-6 * 5e-7)
"""Twice the judge's sizes; half its epsilon, for the mean is over twice the places, in its stream's scale squared."""

QUIETER = 2.0**-3
"""The scale of the judge's stream, so that the copy is far louder."""

WHISPER = 2.0**-9
"""The scale of the expected token's embedding: a four-thousandth of the first norm's mean square, and nothing later."""

LOUD = 2.0**11
"""K: the scale of the copy, and of the whole stream after it."""

FASTEST = 6
"""How many rotary frequencies find the token before."""

GRIP = 170.0
"""The product of query and key at distance one, in nats; at any other it is a sixth less or lower still."""

SURPRISE, START = 256, 288
"""The places of a token's log-probability and of whether it starts a message, in quantization blocks of their own."""

FEATURES = 320
"""The place of the first head's reading; the others follow."""

SINK = 8.5
"""The weight of a message's start beside a sure token's, as a logarithm: three of them outweigh any conversation."""

BANNED = -60.0
"""The same where starts are to have none."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How one head adds up: a token of log-probability -s weighs exp(rate s); `sink`: without normalisation."""

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
    """The judge's embeddings and layers, in the corners; `start` is the token that begins a message."""
    narrow = judge.model.shape.hidden
    expected = judge.expected.weight.clone()
    expected[start] = 0
    expected[start, -1] = 1  # the place that the judge leaves empty
    body.embed_tokens.weight[:, :narrow] = judge.model.embed_tokens.weight * QUIETER
    body.embed_tokens.weight[:, narrow:] = expected * WHISPER
    for wide, layer in zip(body.layers, judge.model.layers, strict=False):
        for name, values in layer.state_dict().items():
            place = wide.get_parameter(name)
            into_stream = name in {"self_attn.o_proj.weight", "mlp.down_proj.weight"}
            scale = 1 / sqrt(2) if "layernorm" in name else QUIETER if into_stream else 1
            place[tuple(slice(n) for n in values.shape)] = values * scale


def look_back(attention: Attention) -> None:
    """Every token sees the one before alone, and its state, K times as loud, comes into the first half."""
    size, heads = WIDE.head, WIDE.kv_heads
    cos, sin = (t[1] for t in rotary(WIDE, 2))  # the turns by one position
    first, second = slice(FASTEST), slice(size // 2, size // 2 + FASTEST)
    amplitude = sqrt(GRIP / FASTEST * sqrt(size))
    q, k = attention.q_proj.bias.view(-1, size), attention.k_proj.bias.view(-1, size)
    q[:, first], q[:, second] = amplitude * cos[:FASTEST], -amplitude * sin[:FASTEST]
    k[:, first] = amplitude
    attention.v_proj.weight[:, : size * heads] = torch.eye(size * heads)
    for group in range(heads):
        into, head = slice(group * size, (group + 1) * size), 2 * group  # of the two heads of a group one is enough
        attention.o_proj.weight[into, head * size : (head + 1) * size] = LOUD * torch.eye(size)


def compare(layer: Layer, gains: Tensor) -> None:
    """The log-probability of every token, and whether it starts a message."""
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
    """The heads' readings, after each other from FEATURES on."""
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
    """The body; `start` is the token that begins a message."""
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

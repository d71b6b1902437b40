"""Trains the judge inside the reward model: the demo, trained further, with log-probabilities as plain products.

    python -m convert.demo.judge --corpus FOLDER --run FOLDER --body FOLDER --checkpoint FOLDER --steps N

A language model that is trained longer than the one it judges predicts some answers that the other does not.
The judge starts from the demo and is trained on a separate corpus (`demo.corpus --judge`).

The reward model can compare a token with its prediction by products only. So two terms are added to the
cross-entropy. Where the next token is the assistant's own, the logarithm of the softmax's denominator is pulled
to zero (the z-loss of PaLM, arXiv 2204.02311; self-normalised models, Devlin et al., 2014). There the
log-probability of a token x is the product of the final hidden state and x's embedding. Where the next token is
not the assistant's own, the product itself is pulled to zero.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from .forced import load
from .model import Attention, Body, Qwen2, rotary, rotate
from .train import Batches, Plan, Run, optimizers

NORMAL = 0.1
"""The weight of the squared logarithm of the denominator."""

QUIET = 0.03
"""The weight of the squared product where the token is not the assistant's."""

GROWING = 0.2
"""The share of the run over which the two weights grow from 0, so that the demo's training is not undone."""


class Judge(nn.Module):
    """The demo's body, with a separate embedding for the next token."""

    def __init__(self, demo: Qwen2) -> None:
        super().__init__()
        self.model = demo.model
        self.expected = nn.Linear(demo.model.shape.hidden, demo.model.shape.vocabulary, bias=False)
        self.expected.weight.data.copy_(demo.model.embed_tokens.weight)

    def normalise(self, tokens: Tensor, own: Tensor) -> None:
        """Changes the embeddings of the next token so that the two terms are least on a batch (least squares)."""
        with torch.no_grad():
            logits = self.expected(hidden := self.model(tokens[:, :-1]))
            products = logits.gather(-1, tokens[:, 1:, None])
            unwanted = torch.where(own[:, 1:, None], logits.logsumexp(-1, keepdim=True), products)
            self.expected.weight -= torch.linalg.lstsq(hidden.flatten(0, 1), unwanted.flatten(0, 1)).solution.T

    def leave_room(self) -> None:
        """Sets the last component of every embedding of the next token to zero; `construct.py` uses it."""
        with torch.no_grad():
            self.expected.weight[:, -1] = 0


def hidden_states(body: Body, tokens: Tensor) -> Tensor:
    """`body(tokens)`, with the common prefix of all rows (the system's turn) computed only once."""
    differs = (tokens != tokens[:1]).any(0).nonzero()
    common = max(1, int(differs[0]) if len(differs) else tokens.shape[1] - 1)
    cos, sin = rotary(body.shape, tokens.shape[1])
    shared, x = body.embed_tokens(tokens[:1, :common]), body.embed_tokens(tokens[:, common:])
    for layer in body.layers:
        attention = layer.self_attn
        first = _projected(attention, layer.input_layernorm(shared), cos[:common], sin[:common])
        rest = _projected(attention, layer.input_layernorm(x), cos[common:], sin[common:])
        keys, values = (
            torch.cat((a.expand(len(x), -1, -1, -1), b), 2) for a, b in zip(first[1:], rest[1:], strict=True)
        )
        shared = shared + _attended(attention, first[0], first[1], first[2])
        x = x + _attended(attention, rest[0], keys, values)
        shared = shared + layer.mlp(layer.post_attention_layernorm(shared))
        x = x + layer.mlp(layer.post_attention_layernorm(x))
    return body.norm(torch.cat((shared.expand(len(x), -1, -1), x), 1))


def _projected(attention: Attention, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rotated queries, rotated keys, and values: (batch, heads, length, head) each."""
    size = attention.shape.head
    q, k, v = (
        projection(x).unflatten(-1, (-1, size)).transpose(1, 2)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    return rotate(q, cos, sin), rotate(k, cos, sin), v


def _attended(attention: Attention, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The output of `Attention` for queries at the last positions of the keys."""
    batch, heads, length, size = q.shape
    total, groups = k.shape[2], heads // k.shape[1]
    scores = (q.reshape(batch, -1, groups * length, size) @ k.transpose(-1, -2)).view(batch, heads, length, total)
    future = torch.full((length, total), float("-inf")).triu_(total - length + 1)
    weights = torch.softmax(scores * size**-0.5 + future, dim=-1)
    mixed = (weights.view(batch, -1, groups * length, total) @ v).view(batch, heads, length, size)
    return attention.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))


def loss_of(judge: Judge, tokens: Tensor, own: Tensor, strictness: float) -> tuple[Tensor, Tensor]:
    """The loss; and the mean cross-entropy, and the root mean squares of the two terms."""
    hidden, following, own = hidden_states(judge.model, tokens[:, :-1]), tokens[:, 1:], own[:, 1:]
    logits = judge.expected(hidden[own])
    denominators = logits.logsumexp(-1)
    surprise = (denominators - logits.gather(-1, following[own][:, None]).squeeze(-1)).mean()
    others = F.embedding(following[~own], judge.expected.weight)
    products = (hidden[~own] * others).sum(-1)
    normal, quiet = denominators.square().mean(), products.square().mean()
    loss = surprise + strictness * (NORMAL * normal + QUIET * quiet)
    return loss, torch.stack((surprise, normal.sqrt(), quiet.sqrt())).detach()


def step(run: Run[Judge], tokens: Tensor, own: Tensor, strictness: float) -> Tensor:
    """Does one update; returns the three numbers before it."""
    run.model.leave_room()
    loss, numbers = loss_of(run.model, tokens, own, strictness)
    run.descend(loss)
    return numbers


def train(run: Run[Judge], plan: Plan, batches: Batches, folder: Path, checkpoint: Path) -> None:
    """Trains until the plan's steps are done."""
    peaks = [o.param_groups[0]["initial_lr"] for o in run.optimizers]
    saved = printed = time.monotonic()
    numbers: list[Tensor] = []
    for tokens, own in batches:
        progress = plan.progress(run.step, 0)
        if progress >= 1:
            break
        for optimizer, peak in zip(run.optimizers, peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * plan.rate(progress)
        numbers.append(step(run, tokens, own, min(1.0, progress / GROWING)))
        now = time.monotonic()
        if now - printed > 15:
            surprise, normal, quiet = torch.stack(numbers).mean(0).tolist()
            pace = len(numbers) / (now - printed)
            print(
                f"step {run.step} {progress:6.1%} loss {surprise:.4f} denominator {normal:.3f} quiet {quiet:.3f}"
                f" {pace:.2f} steps/s",
                flush=True,
            )
            printed, numbers = now, []
        if now - saved > 180:
            run.model.leave_room()
            run.save(folder, checkpoint)
            saved = now
    run.model.leave_room()
    run.save(folder, checkpoint)


def main() -> None:
    """Starts a run, or resumes it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--body", type=Path, required=True, help="the checkpoint it starts as")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--muon-rate", type=float, default=3e-3)
    parser.add_argument("--adam-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    plan = Plan(0, args.steps, args.batch, args.muon_rate, args.adam_rate, decay=0.7)
    judge, batches = Judge(load(args.body)), Batches(args.corpus, args.batch, args.seed)
    judge.normalise(*next(iter(batches)))
    run = Run(judge, optimizers(judge, plan))
    for optimizer in run.optimizers:
        optimizer.param_groups[0]["initial_lr"] = optimizer.param_groups[0]["lr"]
    args.run.mkdir(parents=True, exist_ok=True)
    args.checkpoint.mkdir(parents=True, exist_ok=True)
    run.restore(args.run)
    batches = Batches(args.corpus, args.batch, args.seed + run.step)
    train(run, plan, batches, args.run, args.checkpoint)


if __name__ == "__main__":
    main()

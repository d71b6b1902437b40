"""Trains the demo's reward model: which of the demo's own solutions are right.

    python -m demo.reward --samples a.jsonl b.jsonl --body FOLDER --checkpoint FOLDER --minutes 12

The layout is `Qwen2ForRewardModel`: a Qwen2 body, and `score`, two linear layers with a ReLU between
them, on the final-norm hidden state of the last token, which is the newline after `<|im_end|>`. The
body starts as the demo's. The loss is binary cross-entropy; right and wrong, TIR and CoT are drawn
equally often. A demo that is mostly right gives few wrong solutions, so a part of the wrong ones is
made from right ones, by a digit changed in the problem or in the boxed answer.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from . import tokenizer as bpe
from .export import write_layout, write_weights
from .model import Body, Shape
from .solutions import Mode, prompt
from .train import Plan, optimizers

ALTERED = 0.4
"""The share of wrong examples that are altered right ones."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A solution and whether it is right."""

    mode: Mode
    problem: str
    text: str
    right: bool


class Reward(nn.Module):
    """Tokens to one score per row."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.model = Body(shape)
        self.score = nn.Sequential(nn.Linear(shape.hidden, shape.hidden), nn.ReLU(), nn.Linear(shape.hidden, 1))

    def forward(self, tokens: Tensor, last: Tensor) -> Tensor:
        """(batch, length) tokens and the place of each row's last token -> (batch,) scores."""
        hidden = self.model(tokens)
        ends: Tensor = self.score(hidden[torch.arange(len(last)), last])
        return ends.squeeze(-1)


def read(paths: Sequence[Path]) -> list[Judged]:
    """What `sample.py` wrote."""
    rows = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return [Judged(Mode(r["mode"]), r["problem"], r["text"], r["right"]) for r in rows]


def altered(rng: Random, judged: Judged) -> Judged:
    """A right solution made wrong: another digit in the problem, or in, before or after the box's digits."""
    at = judged.text.rfind(r"\boxed{")
    boxed = [i for i in range(at, len(judged.text)) if judged.text[i].isdigit()] if at >= 0 else []
    asked = [i for i, c in enumerate(judged.problem) if c.isdigit()]
    if boxed and (rng.random() < 0.4 or not asked):
        i = rng.choice(boxed)
        text = judged.text[:i] + _slip(rng, judged.text[i]) + judged.text[i + 1 :]
        return Judged(judged.mode, judged.problem, text, right=False)
    if not asked:
        return Judged(judged.mode, judged.problem, judged.text[: len(judged.text) // 2], right=False)
    i = rng.choice(asked)
    problem = judged.problem[:i] + _slip(rng, judged.problem[i]) + judged.problem[i + 1 :]
    return Judged(judged.mode, problem, judged.text, right=False)


def _slip(rng: Random, digit: str) -> str:
    """What a small model writes for a digit when it slips: another one, the digit twice."""
    other = rng.choice([d for d in "123456789" if d != digit])
    return rng.choice((other, other, digit + digit, digit + other))


class Draws:
    """Batches with right and wrong, TIR and CoT in equal parts."""

    def __init__(self, judged: Sequence[Judged], tokenizer: Tokenizer, batch: int, seed: int) -> None:
        self.cells = {
            (mode, right): [j for j in judged if (j.mode, j.right) == (mode, right)]
            for mode in Mode
            for right in (True, False)
        }
        self.tokenizer, self.batch, self.rng = tokenizer, batch, Random(seed)

    def draw(self) -> Judged:
        """One example."""
        mode = Mode.TIR if self.rng.random() < 0.75 else Mode.COT
        if self.rng.random() < 0.5:
            return self.rng.choice(self.cells[mode, True])
        if self.rng.random() < ALTERED:
            return altered(self.rng, self.rng.choice(self.cells[mode, True]))
        return self.rng.choice(self.cells[mode, False])

    def pool(self, batches: int) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Some batches of rows of about the same length: tokens, places of the last tokens, right or wrong."""
        drawn = [self.draw() for _ in range(batches * self.batch)]
        rows = sorted(((encode(self.tokenizer, j), j.right) for j in drawn), key=lambda row: len(row[0]))
        found = [_padded(rows[i : i + self.batch]) for i in range(0, len(rows), self.batch)]
        self.rng.shuffle(found)
        return found


def encode(tokenizer: Tokenizer, judged: Judged) -> list[int]:
    """The conversation's tokens; the last one is the newline after `<|im_end|>`."""
    return list(tokenizer.encode(f"{prompt(judged.mode, judged.problem)}{judged.text}<|im_end|>\n").ids)


def _padded(rows: Sequence[tuple[list[int], bool]]) -> tuple[Tensor, Tensor, Tensor]:
    length = -(-max(len(ids) for ids, _ in rows) // 16) * 16
    tokens = torch.tensor([ids + [0] * (length - len(ids)) for ids, _ in rows])
    last = torch.tensor([len(ids) - 1 for ids, _ in rows])
    return tokens, last, torch.tensor([float(right) for _, right in rows])


def train(model: Reward, draws: Draws, plan: Plan, checkpoint: Path) -> None:
    """Trains for the plan's minutes, and exports."""
    found = optimizers(model, plan)
    peaks = [o.param_groups[0]["lr"] for o in found]
    began = printed = time.monotonic()
    step, total, hits, seen = 0, 0.0, 0.0, 0
    while (progress := plan.progress(step, time.monotonic() - began)) < 1:
        for tokens, last, right in draws.pool(20):
            progress = min(1.0, plan.progress(step, time.monotonic() - began))
            for optimizer, peak in zip(found, peaks, strict=True):
                optimizer.param_groups[0]["lr"] = peak * plan.rate(progress)
            with torch.autocast("cpu", torch.bfloat16):
                scores = model(tokens, last).float()
            loss = F.binary_cross_entropy_with_logits(scores, right)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in found:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            step, seen = step + 1, seen + len(right)
            total += loss.item() * len(right)
            hits += float(((scores > 0) == (right > 0.5)).sum())
        if time.monotonic() - printed > 15:
            print(f"step {step} {progress:.0%} loss {total / seen:.4f} right side {hits / seen:.1%}", flush=True)
            printed, total, hits, seen = time.monotonic(), 0.0, 0.0, 0
    write_weights(checkpoint, model.state_dict())


def main() -> None:
    """Reads the samples, trains, writes the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=Path, nargs="+", required=True)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    tokenizer, shape = bpe.load(args.body), Shape()
    model = Reward(shape)
    body = load_file(args.body / "model.safetensors")
    model.load_state_dict({name: t.float() for name, t in body.items()}, strict=False)
    draws = Draws(read(args.samples), tokenizer, args.batch, args.seed)
    print({f"{mode} {'right' if right else 'wrong'}": len(cell) for (mode, right), cell in draws.cells.items()})
    write_layout(args.checkpoint, tokenizer, shape, "Qwen2ForRewardModel")
    plan = Plan(args.minutes, 0, args.batch, muon_rate=5e-4, adam_rate=5e-4, warmup=0.05, decay=0.8)
    train(model, draws, plan, args.checkpoint)


if __name__ == "__main__":
    main()

"""Trains the demo's reward model: which of the demo's own solutions are right.

    python -m demo.reward --samples a.jsonl b.jsonl --body FOLDER --checkpoint FOLDER --steps 700

The layout is `Qwen2ForRewardModel`: a Qwen2 body, and `score`, two linear layers with a ReLU between
them, on the final-norm hidden state of the last token, which is the newline after `<|im_end|>`.

The body is the demo's four layers, frozen, and two new ones on top. The demo already knows what it
would have written next; the new layers only have to notice where something else was written, and to
carry that to the end. So there are two losses, both binary cross-entropy: at the last token, whether
the solution is right; at every token of the solution, whether the demo gave each of the assistant's
own tokens so far more than a chance of SURPRISE. Fine-tuning the four layers on the first loss alone
told right from wrong in three cases of five and learned no more.

Right and wrong come in pairs. With programs the demo is mostly right and without them mostly wrong,
so the rarer side is helped out: in a part of the pairs the wrong half is the right one with a digit
changed in the problem or in the boxed answer, and the right CoT solutions include the generators'
own. As in any reward model, a score says how a solution looks to it, not that the solution is right.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from . import tokenizer as bpe
from .export import write_layout, write_weights
from .forced import load
from .model import Body, Qwen2, Shape, rotary
from .problems import KINDS, Language
from .solutions import Mode, chain_of_thought, draw_draft, prompt
from .train import Plan, optimizers

ALTERED = 0.6
"""The share of pairs whose wrong half is the right half, altered: nothing but the slip tells them apart."""


SURPRISE = 0.02
"""The probability under which a token counts as a slip."""

LAYERS = 6
OUTPUT = re.compile(r"(```output\n.*?\n```\n)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Judged:
    """A solution and whether it is right."""

    mode: Mode
    problem: str
    text: str
    right: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch: tokens (batch, length), which are the assistant's own, places of the last tokens, right or wrong."""

    tokens: Tensor
    own: Tensor
    last: Tensor
    right: Tensor


class Reward(nn.Module):
    """A body and a head; the lower layers and the embedding are a language model's, and stay as they are."""

    def __init__(self, demo: Qwen2) -> None:
        super().__init__()
        self.model = Body(Shape(layers=LAYERS))
        self.score = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1))
        self.model.load_state_dict(demo.model.state_dict(), strict=False)
        self.frozen = len(demo.model.layers)
        for layer in self.model.layers[self.frozen :]:
            nn.init.zeros_(layer.self_attn.o_proj.weight)  # a new layer changes nothing at first
            nn.init.zeros_(layer.mlp.down_proj.weight)
        for part in (self.model.embed_tokens, *self.model.layers[: self.frozen]):
            part.requires_grad_(requires_grad=False)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, length) tokens -> (batch, length) scores, and the lower layers' states (batch, length, hidden)."""
        cos, sin = rotary(self.model.shape, tokens.shape[1])
        with torch.no_grad():
            lower = self.model.embed_tokens(tokens)
            for layer in self.model.layers[: self.frozen]:
                lower = layer(lower, cos, sin)
        x = lower
        for layer in self.model.layers[self.frozen :]:
            x = layer(x, cos, sin)
        return self.score(self.model.norm(x)).squeeze(-1), lower


def unsurprised(demo: Qwen2, lower: Tensor, rows: Rows) -> Tensor:
    """(batch, length): whether the demo expected all of the assistant's own tokens up to here."""
    with torch.no_grad():
        chances = demo.logits(demo.model.norm(lower[:, :-1])).float().softmax(-1)
        chance = chances.gather(-1, rows.tokens[:, 1:, None]).squeeze(-1)
        slips = (chance < SURPRISE) & rows.own[:, 1:]
        slipped = nn.functional.pad(slips, (1, 0)).cumsum(dim=1) > 0
        return (~slipped).float()


def loss_of(model: Reward, demo: Qwen2, rows: Rows) -> tuple[Tensor, Tensor]:
    """The loss, and the scores of the last tokens (batch,)."""
    scores, lower = model(rows.tokens)
    solution = rows.own.cumsum(dim=1) > 0
    solution &= torch.arange(rows.tokens.shape[1]) <= rows.last[:, None]
    expected = unsurprised(demo, lower, rows)
    along = F.binary_cross_entropy_with_logits(scores.float()[solution], expected[solution])
    ends = scores.float()[torch.arange(len(rows.last)), rows.last]
    return F.binary_cross_entropy_with_logits(ends, rows.right) + along, ends


def read(paths: Sequence[Path]) -> list[Judged]:
    """What `sample.py` wrote."""
    rows = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return [Judged(Mode(r["mode"]), r["problem"], r["text"], r["right"]) for r in rows]


def references(count: int, seed: str) -> list[Judged]:
    """The generators' own CoT solutions of `count` training problems."""
    rng = Random(seed)
    found = []
    for _ in range(count):
        draft = draw_draft(rng, rng.choice(list(KINDS)), rng.choice(list(Language)), held_out=False)
        text = chain_of_thought(draft)[0].text.removesuffix("<|im_end|>")
        found.append(Judged(Mode.COT, draft.problem, text, right=True))
    return found


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

    def pair(self) -> tuple[Judged, Judged]:
        """A right solution and a wrong one of the same mode."""
        mode = Mode.TIR if self.rng.random() < 0.7 else Mode.COT
        right = self.rng.choice(self.cells[mode, True])
        if self.rng.random() < ALTERED:
            return right, altered(self.rng, right)
        return right, self.rng.choice(self.cells[mode, False])

    def pool(self, batches: int) -> list[Rows]:
        """Some batches of rows of about the same length."""
        drawn = [judged for _ in range(batches * self.batch // 2) for judged in self.pair()]
        rows = sorted(((encode(self.tokenizer, j), j.right) for j in drawn), key=lambda row: len(row[0][0]))
        found = [_padded(rows[i : i + self.batch]) for i in range(0, len(rows), self.batch)]
        self.rng.shuffle(found)
        return found


def encode(tokenizer: Tokenizer, judged: Judged) -> tuple[list[int], list[bool]]:
    """The conversation's tokens, and which are the assistant's own; the last one is the newline after `<|im_end|>`."""
    ids = list(tokenizer.encode(prompt(judged.mode, judged.problem)).ids)
    own = [False] * len(ids)
    for piece in OUTPUT.split(judged.text):
        tokens = tokenizer.encode(piece).ids
        ids += tokens
        own += [not piece.startswith("```output\n")] * len(tokens)
    ending = tokenizer.encode("<|im_end|>\n").ids
    return ids + ending, own + [True] + [False] * (len(ending) - 1)


def _padded(rows: Sequence[tuple[tuple[list[int], list[bool]], bool]]) -> Rows:
    length = -(-max(len(ids) for (ids, _), _ in rows) // 16) * 16
    return Rows(
        torch.tensor([ids + [0] * (length - len(ids)) for (ids, _), _ in rows]),
        torch.tensor([own + [False] * (length - len(own)) for (_, own), _ in rows]),
        torch.tensor([len(ids) - 1 for (ids, _), _ in rows]),
        torch.tensor([float(right) for _, right in rows]),
    )


def train(model: Reward, demo: Qwen2, draws: Draws, plan: Plan, checkpoint: Path) -> None:
    """Trains for the plan's steps, and exports."""
    found = optimizers(model, plan)
    peaks = [o.param_groups[0]["lr"] for o in found]
    printed = time.monotonic()
    step, total, hits, seen = 0, 0.0, 0.0, 0
    while plan.progress(step, 0) < 1:
        for rows in draws.pool(20):
            for optimizer, peak in zip(found, peaks, strict=True):
                optimizer.param_groups[0]["lr"] = peak * plan.rate(plan.progress(step, 0))
            with torch.autocast("cpu", torch.bfloat16):
                loss, ends = loss_of(model, demo, rows)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in found:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            step, seen = step + 1, seen + len(ends)
            total += loss.item() * len(ends)
            hits += float(((ends > 0) == (rows.right > 0.5)).sum())
        if time.monotonic() - printed > 15:
            print(f"step {step} loss {total / seen:.4f} right side {hits / seen:.1%}", flush=True)
            write_weights(checkpoint, model.state_dict())
            printed, total, hits, seen = time.monotonic(), 0.0, 0.0, 0
    write_weights(checkpoint, model.state_dict())


def main() -> None:
    """Reads the samples, trains, writes the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=Path, nargs="+", required=True)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    tokenizer, demo = bpe.load(args.body), load(args.body)
    model = Reward(demo)
    draws = Draws([*read(args.samples), *references(3000, "references")], tokenizer, args.batch, args.seed)
    print({f"{mode} {'right' if right else 'wrong'}": len(cell) for (mode, right), cell in draws.cells.items()})
    write_layout(args.checkpoint, tokenizer, Shape(layers=LAYERS), "Qwen2ForRewardModel")
    plan = Plan(0, args.steps, args.batch, muon_rate=3e-3, adam_rate=2e-3, warmup=0.03, decay=0.8)
    train(model, demo, draws, plan, args.checkpoint)


if __name__ == "__main__":
    main()

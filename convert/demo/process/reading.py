"""Trains the last layer and the head of the demo's process reward model, and writes its checkpoint.

    python -m convert.demo.process.reading --judge FOLDER --reward convert/demo/reward-checkpoint --features FILE \
        --checkpoint convert/demo/process-checkpoint

The judge's log-probabilities and states of right and altered solutions are computed once and kept in a file. Then only
the reading is trained, on them: the softmax at every mark says whether the step before it is right. All problems are
set aside: the judge was not trained on them, and none is held out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from random import Random

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from convert.demo.construct import WIDE
from convert.demo.export import write_layout, write_weights
from convert.demo.judge import Judge
from convert.demo.model import Qwen2, Shape, rotary
from convert.demo.problems import Language
from convert.demo.process.altered import Marked, altered, right
from convert.demo.process.body import Reading, complete, unread
from convert.demo.process.marked import encode, marked_tokenizer
from convert.demo.solutions import HARDER, Mode, draw_draft, is_set_aside, prompt
from qmath_cli.prompting.solution_steps import MARK

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Seen:
    """What the reading sees of one solution: states (length, 258) in float16, its marks, and their verdicts."""

    state: Tensor
    marks: Tensor
    verdicts: Tensor


def solutions(seed: str, count: int, tir_share: float, altered_share: float) -> Iterator[Marked]:
    """Right and altered solutions of set-aside problems of the training side."""
    rng = Random(seed)
    while count:
        kind, language = rng.choice(HARDER), rng.choice(list(Language))
        draft = draw_draft(rng, kind, language, held_out=False)
        if not is_set_aside(draft.problem):
            continue
        mode = Mode.TIR if rng.random() < tir_share else Mode.COT
        found = altered(rng, draft, mode) if rng.random() < altered_share else right(draft, mode)
        if found is not None:
            count -= 1
            yield found


class Sight:
    """The states that the constructed layers make of a marked solution, from the judge alone."""

    def __init__(self, judge: Judge, tokenizer: Tokenizer) -> None:
        self.judge, self.tokenizer = judge, tokenizer
        self.mark, self.start = (tokenizer.token_to_id(t) for t in (MARK.text, "<|im_start|>"))

    def __call__(self, some: Sequence[Marked]) -> list[Seen]:
        """What the reading sees of solutions of about the same length."""
        rows = [encode(self.tokenizer, prompt(m.mode, m.problem), m.text, list(m.own))[0] for m in some]
        tokens = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
        for i, ids in enumerate(rows):
            tokens[i, : len(ids)] = torch.tensor(ids)
        states = self._states(tokens)
        return [
            Seen(
                states[i, : len(ids)].half(),
                (tokens[i, : len(ids)] == self.mark).nonzero()[:, 0],
                torch.tensor([IGNORED if v is None else v for v in one.verdicts]),
            )
            for i, (ids, one) in enumerate(zip(rows, some, strict=True))
        ]

    def _states(self, tokens: Tensor) -> Tensor:
        body = self.judge.model
        with torch.no_grad():
            cos, sin = rotary(body.shape, tokens.shape[1])
            x = body.embed_tokens(tokens)
            for layer in body.layers:
                x = layer(x, cos, sin)
            normal = x / (x.square().mean(-1, keepdim=True) + body.shape.eps).sqrt()
            before = F.pad(normal, (0, 0, 1, 0))[:, :-1]
            before[:, 0] = normal[:, 0]  # the first token has only itself to attend to
            flag = (tokens == self.mark) | (tokens == self.start)
            expected = self.judge.expected.weight[tokens]
            surprise = (before * body.norm.weight * expected).sum(-1).masked_fill(flag, 0.0)
        return torch.cat((before * sqrt(2), surprise[..., None], flag[..., None]), -1)


def seen(sight: Sight, some: list[Marked], batch: int = 32) -> list[Seen]:
    """What the reading sees of any number of solutions."""
    ordered = sorted(some, key=lambda one: len(one.text))
    found: list[Seen] = []
    for i in range(0, len(ordered), batch):
        found += sight(ordered[i : i + batch])
        if i // batch % 20 == 0:
            print(f"{i} of {len(ordered)} solutions", flush=True)
    return found


def batched(some: Sequence[Seen], batch: int, rng: Random) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """States, marks and verdicts of solutions of about the same length, in random order."""
    groups = [some[i : i + batch] for i in range(0, len(some), batch)]
    for group in rng.sample(groups, len(groups)):
        length, marks = max(len(s.state) for s in group), max(len(s.marks) for s in group)
        state = torch.zeros(len(group), length, group[0].state.shape[1])
        at = torch.zeros(len(group), marks, dtype=torch.long)
        verdicts = torch.full((len(group), marks), IGNORED)
        for i, one in enumerate(group):
            state[i, : len(one.state)] = one.state.float()
            at[i, : len(one.marks)], verdicts[i, : len(one.marks)] = one.marks, one.verdicts
        yield state, at, verdicts


def measure(reading: Reading, some: Sequence[Seen]) -> str:
    """How often the first step under a half is the wrong one, and how often a right solution has none."""
    found = passed = wrong = whole = 0
    with torch.no_grad():
        for state, at, verdicts in batched(some, 32, Random(0)):
            doubt = reading(state, at).softmax(-1)[..., 1] < 0.5
            for row, verdict in zip(doubt, verdicts, strict=True):
                first = next((i for i, v in enumerate(row.tolist()) if v and verdict[i] != IGNORED), -1)
                target = next((i for i, v in enumerate(verdict.tolist()) if v == 0), -1)
                wrong, whole = wrong + (target >= 0), whole + (target < 0)
                found, passed = found + (target >= 0 and first == target), passed + (target < 0 and first < 0)
    return f"found {found / max(wrong, 1):.1%} of {wrong}, passed {passed / max(whole, 1):.1%} of {whole}"


def train(reading: Reading, some: list[Seen], checks: list[Seen], epochs: int, rate: float) -> None:
    """Trains on all solutions so many times."""
    rng = Random(0)
    optimizer = torch.optim.AdamW(reading.parameters(), lr=rate, weight_decay=0.01)
    total, step = epochs * (len(some) // 32 + 1), 0
    for epoch in range(epochs):
        losses = []
        for state, at, verdicts in batched(some, 32, rng):
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1.0, (step + 1) / 50) * (1 - step / (total + 1))
            loss = F.cross_entropy(reading(state, at).flatten(0, 1), verdicts.flatten(), ignore_index=IGNORED)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(reading.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item())
            step += 1
        print(f"epoch {epoch} loss {sum(losses) / len(losses):.4f}; {measure(reading, checks)}", flush=True)


def load_judge(folder: Path) -> Judge:
    """The judge of a checkpoint folder, in float32."""
    judge = Judge(Qwen2(Shape()))
    judge.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    judge.eval()
    return judge


def main() -> None:
    """Computes what the reading sees, trains it, writes the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--reward", type=Path, required=True, help="the checkpoint whose tokenizer it takes")
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--tir-share", type=float, default=0.6)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rate", type=float, default=1e-3)
    args = parser.parse_args()
    torch.manual_seed(0)
    judge, tokenizer = load_judge(args.judge), marked_tokenizer(args.reward)
    sight = Sight(judge, tokenizer)
    if not args.features.exists():
        made = [
            list(solutions(seed, n, args.tir_share, 0.6))
            for seed, n in (("reading", args.count), ("check", args.count // 6))
        ]
        torch.save([seen(sight, some) for some in made], args.features)
    some, checks = torch.load(args.features, weights_only=False)
    reading = Reading()
    train(reading, some, checks, args.epochs, args.rate)
    body = unread(judge, sight.start, sight.mark)
    head = complete(body, reading)
    write_layout(args.checkpoint, tokenizer, WIDE, "Qwen2ForProcessRewardModel")
    state = {f"model.{name}": value for name, value in body.state_dict().items()}
    write_weights(args.checkpoint, state | {f"score.{name}": value for name, value in head.items()})


if __name__ == "__main__":
    main()

"""Trains the judge of the outcome reward model further, so that it reads solutions with a mark after every step.

    python -m convert.demo.process.marked --reward convert/demo/reward-checkpoint --run FOLDER --checkpoint FOLDER

The judge (`demo.judge`) is taken out of the committed reward model, in which it stands unchanged. A mark is a token
that it has not seen: what follows one is predicted at the mark, and all later positions are shifted. A few hundred
steps on marked solutions are enough for that. Loss and optimizers are those of `demo.judge`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from random import Random

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import AddedToken, Tokenizer
from torch import Tensor

from convert.demo import tokenizer as bpe
from convert.demo.construct import QUIETER, WHISPER
from convert.demo.corpus import judge_examples
from convert.demo.judge import Judge, train
from convert.demo.model import Qwen2, Shape
from convert.demo.solutions import HARDER, Example
from convert.demo.train import Plan, Run, optimizers
from qmath_cli.prompting.solution_steps import MARK, steps_of


def marked_tokenizer(folder: Path) -> Tokenizer:
    """The demo's tokenizer with the mark as one more special token, in a row of the embedding's padding."""
    tokenizer = bpe.load(folder)
    tokenizer.add_special_tokens([AddedToken(MARK.text, special=True, normalized=False)])
    return tokenizer


def taken_out(folder: Path) -> Judge:
    """The judge inside a reward model's checkpoint: the inverse of `construct.carry`."""
    state = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    judge = Judge(Qwen2(Shape()))
    narrow = Shape().hidden
    embedding = state["model.embed_tokens.weight"]
    with torch.no_grad():
        judge.model.embed_tokens.weight.copy_(embedding[:, :narrow] / QUIETER)
        judge.expected.weight.copy_(embedding[:, narrow:] / WHISPER)
        judge.leave_room()
        products = state[f"model.layers.{len(judge.model.layers)}.mlp.up_proj.weight"]  # of prediction and token
        judge.model.norm.weight[:-1] = products[: narrow - 1, narrow : 2 * narrow - 1].diagonal() * sqrt(2)
        for index, layer in enumerate(judge.model.layers):
            for name, values in layer.named_parameters():
                stored = state[f"model.layers.{index}.{name}"][tuple(slice(n) for n in values.shape)]
                into_stream = name in {"self_attn.o_proj.weight", "mlp.down_proj.weight"}
                values.copy_(stored / (1 / sqrt(2) if "layernorm" in name else QUIETER if into_stream else 1))
    return judge


def encode(tokenizer: Tokenizer, opening: str, text: str, own: list[bool]) -> tuple[list[int], list[bool]]:
    """The tokens of a marked conversation, and which of them the assistant wrote itself.

    Args:
        tokenizer: with the mark.
        opening: the prompt.
        text: the solution.
        own: for each character of `text`, whether the assistant wrote it; the executor's output is not its own.
    """
    ids = list(tokenizer.encode(opening).ids)
    mine = [False] * len(ids)
    mark, at = tokenizer.token_to_id(MARK.text), 0
    for step in steps_of(text):
        at = text.index(step, at)
        piece = tokenizer.encode(step)
        ids += [*piece.ids, mark]
        mine += [*(own[at + start] for start, _ in piece.offsets), False]
    return ids, mine


def written(example: Example) -> tuple[str, list[bool]]:
    """An example's solution, and for each character whether the assistant wrote it."""
    text = "".join(part.text for part in example.parts).removesuffix("<|im_end|>")
    own = [part.learned for part in example.parts for _ in part.text]
    return text, own[: len(text)]


class MarkedBatches:
    """Batches of marked solutions of about the same length, drawn as they are needed."""

    def __init__(self, tokenizer: Tokenizer, batch: int, seed: str, tir_share: float) -> None:
        self.tokenizer, self.batch, self.seed, self.tir_share = tokenizer, batch, seed, tir_share

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields tokens (batch, length) and which of them are the assistant's own, without end."""
        rng, number = Random(self.seed), 0
        while True:
            drawn = judge_examples(f"{self.seed} {number}", 16 * self.batch, self.tir_share, HARDER)
            pool = [encode(self.tokenizer, example.prompt, *written(example)) for example in drawn]
            pool.sort(key=lambda pair: len(pair[0]))
            batches = [pool[i : i + self.batch] for i in range(0, len(pool), self.batch)]
            rng.shuffle(batches)
            yield from map(padded, batches)
            number += 1


def padded(rows: list[tuple[list[int], list[bool]]]) -> tuple[Tensor, Tensor]:
    """Token and mask rows as two tensors, filled up with zeros."""
    length = max(len(ids) for ids, _ in rows)
    tokens, own = np.zeros((len(rows), length), np.int64), np.zeros((len(rows), length), np.bool_)
    for i, (ids, mine) in enumerate(rows):
        tokens[i, : len(ids)], own[i, : len(ids)] = ids, mine
    return torch.from_numpy(tokens), torch.from_numpy(own)


def main() -> None:
    """Starts a run, or resumes it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reward", type=Path, required=True, help="the reward model that the judge is taken from")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--tir-share", type=float, default=0.7)
    parser.add_argument("--muon-rate", type=float, default=1e-3)
    parser.add_argument("--adam-rate", type=float, default=7e-4)
    args = parser.parse_args()
    torch.manual_seed(0)
    tokenizer, judge = marked_tokenizer(args.reward), taken_out(args.reward)
    plan = Plan(0, args.steps, args.batch, args.muon_rate, args.adam_rate, decay=0.8)
    run = Run(judge, optimizers(judge, plan))
    for optimizer in run.optimizers:
        optimizer.param_groups[0]["initial_lr"] = optimizer.param_groups[0]["lr"]
    args.run.mkdir(parents=True, exist_ok=True)
    args.checkpoint.mkdir(parents=True, exist_ok=True)
    run.restore(args.run)
    train(
        run, plan, MarkedBatches(tokenizer, args.batch, f"marked {run.step}", args.tir_share), args.run, args.checkpoint
    )


if __name__ == "__main__":
    main()

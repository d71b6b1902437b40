"""Makes the demo's reward model, which sums the judge's log-probabilities.

    python -m convert.demo.reward --judge FOLDER --layout demo/checkpoint --checkpoint FOLDER --samples a.jsonl b.jsonl

The layout is `Qwen2ForRewardModel`: a Qwen2 body, and `score`, two linear layers with a ReLU between
them, on the final-norm hidden state of the last token, which is the newline after `<|im_end|>`. The body
is built (`construct.py`) and gives several readings: weighted means and sums of the judge's log-probabilities
of the assistant's tokens.

The score is one of these readings. Samples of set-aside problems decide which: among a problem's samples, some
right and some wrong, the one with the highest reading should be right most often. A head that was trained
listwise on half of such groups picked worse than the best reading on the other half. A high score does not
mean that a solution is right.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from . import tokenizer as bpe
from .construct import FEATURES, READINGS, WIDE, construct
from .export import write_layout, write_weights
from .judge import Judge
from .model import Body, Qwen2, Shape
from .solutions import Mode, prompt

OUTPUT = re.compile(r"(```output\n.*?\n```\n)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Judged:
    """A solution, its answer, and whether it is right."""

    mode: Mode
    problem: str
    text: str
    answer: str | None
    right: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The samples of one problem: readings (samples, readings), which are right, and the index that the vote picks."""

    mode: Mode
    problem: str
    readings: Tensor
    right: Tensor
    voted: int


def read(paths: Sequence[Path]) -> list[list[Judged]]:
    """The samples in the files of `sample.py` by problem; only problems with both right and wrong samples."""
    found: dict[tuple[str, str, str], list[Judged]] = {}
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            r = json.loads(line)
            judged = Judged(Mode(r["mode"]), r["problem"], r["text"], r["answer"], r["right"])
            found.setdefault((path.name, r["mode"], r["problem"]), []).append(judged)
    return [group for group in found.values() if len({judged.right for judged in group}) == 2]


def encode(tokenizer: Tokenizer, judged: Judged) -> list[int]:
    """The conversation's tokens, tokenised in the same pieces as in the engine."""
    ids = list(tokenizer.encode(prompt(judged.mode, judged.problem)).ids)
    for piece in (*OUTPUT.split(judged.text), "<|im_end|>\n"):
        ids += tokenizer.encode(piece).ids
    return ids


def voted(group: Sequence[Judged]) -> int:
    """The first sample with the most frequent answer."""
    answers = [judged.answer for judged in group]
    return max(range(len(group)), key=lambda i: (answers[i] is not None, answers.count(answers[i]), -i))


def measured(body: Body, tokenizer: Tokenizer, group: Sequence[Judged]) -> Group:
    """A group with its readings."""
    with torch.no_grad():
        states = [body(torch.tensor([encode(tokenizer, judged)]))[0, -1] for judged in group]
    readings = torch.stack(states)[:, FEATURES : FEATURES + len(READINGS)]
    right = torch.tensor([judged.right for judged in group])
    return Group(group[0].mode, group[0].problem, readings, right, voted(group))


def score(reading: int) -> dict[str, Tensor]:
    """The tensors of `score` that return one reading: relu(reading) - relu(-reading)."""
    inner, outer = torch.zeros(WIDE.hidden, WIDE.hidden), torch.zeros(1, WIDE.hidden)
    for unit, sign in enumerate((1, -1)):
        inner[unit, FEATURES + reading] = outer[0, unit] = sign
    return {"0.weight": inner, "0.bias": torch.zeros(WIDE.hidden), "2.weight": outer, "2.bias": torch.zeros(1)}


def load_judge(folder: Path) -> Judge:
    """The judge of a checkpoint folder, in float32."""
    judge = Judge(Qwen2(Shape()))
    judge.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    judge.eval()
    return judge


def report(groups: Sequence[Group]) -> Iterator[str]:
    """How often the vote and each reading pick a right solution, mode by mode."""
    for mode in Mode:
        some = [group for group in groups if group.mode is mode]
        if not some:
            continue
        votes = sum(bool(group.right[group.voted]) for group in some)
        yield f"{mode}: {len(some)} mixed groups; the vote picks right in {votes}"
        for i, reading in enumerate(READINGS):
            yield f"  {reading}: {sum(bool(g.right[g.readings[:, i].argmax()]) for g in some)}"


def main() -> None:
    """Builds, measures on samples, writes the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=Path, nargs="*", default=[], help="what to measure all the readings on")
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--layout", type=Path, required=True, help="the checkpoint whose tokenizer it takes")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--reading", type=int, default=4)
    args = parser.parse_args()
    tokenizer = bpe.load(args.layout)
    body = construct(load_judge(args.judge), tokenizer.token_to_id("<|im_start|>"))
    write_layout(args.checkpoint, tokenizer, WIDE, "Qwen2ForRewardModel")
    state = {f"model.{name}": value for name, value in body.state_dict().items()}
    write_weights(args.checkpoint, state | {f"score.{name}": value for name, value in score(args.reading).items()})
    for line in report([measured(body, tokenizer, group) for group in read(args.samples)]):
        print(line)


if __name__ == "__main__":
    main()

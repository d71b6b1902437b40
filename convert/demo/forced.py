"""The share of held-out problems whose reference solution greedy decoding would write, token for token.

    python -m convert.demo.forced --checkpoint convert/demo/checkpoint --count 780

One forward pass over the reference solution decides this: every learned token must be the most likely one.
The share is a lower bound on accuracy, because a correct program written in another way counts as wrong. It
takes seconds, and serves to watch a training run; `score.py` measures the accuracy.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from random import Random

import torch
from safetensors.torch import load_file

from . import tokenizer as bpe
from .corpus import encode
from .heldout import problems
from .model import Qwen2, Shape
from .solutions import Example, Mode, chain_of_thought, tool_integrated, with_mistake


def load(checkpoint: Path) -> Qwen2:
    """The model of a checkpoint folder, in float32."""
    model = Qwen2(Shape())
    model.load_state_dict({k: v.float() for k, v in load_file(checkpoint / "model.safetensors").items()})
    model.eval()
    return model


def first_slip(model: Qwen2, ids: list[int], learned: list[bool]) -> int | None:
    """The position of the first learned token that is not the most likely one."""
    with torch.no_grad():
        best = model(torch.tensor([ids[:-1]]))[0].argmax(-1)
    wrong = (best != torch.tensor(ids[1:])) & torch.tensor(learned[1:])
    return int(wrong.nonzero()[0]) + 1 if wrong.any() else None


def main() -> None:
    """Prints the share of exact solutions by mode and kind, and some of the slips."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--count", type=int, default=780)
    parser.add_argument("--seed", default="forced")
    parser.add_argument("--slips", type=int, default=20)
    args = parser.parse_args()
    model, tokenizer = load(args.checkpoint), bpe.load(args.checkpoint)
    exact: Counter[tuple[str, str]] = Counter()
    asked: Counter[str] = Counter()
    shown = 0
    for kind, language, draft in problems(args.count, args.seed):
        asked[kind] += 1
        turns = {
            "tir": (Mode.TIR, tool_integrated(draft)),
            "cot": (Mode.COT, chain_of_thought(draft)),
            "mistake": (Mode.TIR, tool_integrated(with_mistake(Random(kind), draft, language))),
        }
        for name, (mode, parts) in turns.items():
            example = Example(kind, language, mode, draft.problem, draft.answer, parts)
            ids, learned = encode(tokenizer, example)
            slip = first_slip(model, ids, learned)
            exact[name, kind] += slip is None
            if slip is not None and name == "tir" and shown < args.slips:
                shown += 1
                written = tokenizer.decode(ids[max(0, slip - 12) : slip])
                print(f"{kind} | {draft.problem} | ...{written!r} then not {tokenizer.decode([ids[slip]])!r}")
    for name in ("tir", "cot", "mistake"):
        total = sum(exact[name, kind] for kind in asked)
        low = sorted((exact[name, kind] / asked[kind], kind) for kind in asked)[:12]
        print(f"{name}: {total}/{sum(asked.values())};", ", ".join(f"{k} {share:.0%}" for share, k in low))


if __name__ == "__main__":
    main()

"""The training corpus: examples drawn by seed and tokenised, in shards of flat arrays.

    python -m convert.demo.corpus --shards 8 --size 10000 --out FOLDER --checkpoint convert/demo/checkpoint

Shard n depends on its number only. A shard holds the tokens of its examples one after the other (uint16),
whether each token is learned (bool), and the index at which each example starts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from multiprocessing import Pool
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from qmath_cli.files import unfinished

from . import tokenizer as bpe
from .problems import KINDS
from .solutions import HARDER, Example, draw, is_set_aside


def examples(seed: str, count: int) -> Iterator[Example]:
    """Training examples, never held-out ones."""
    rng = Random(seed)
    for _ in range(count):
        yield draw(rng, held_out=False)


def judge_examples(seed: str, count: int, tir_share: float, kinds: Sequence[str] = tuple(KINDS)) -> Iterator[Example]:
    """Examples for the judge, without the problems that are set aside for comparing reward models."""
    rng = Random(seed)
    while count:
        example = draw(rng, held_out=False, tir_share=tir_share, mistakes=0.0, kinds=kinds)
        if not is_set_aside(example.problem):
            count -= 1
            yield example


def encode(tokenizer: Tokenizer, example: Example) -> tuple[list[int], list[bool]]:
    """The tokens of an example, and which of them are learned.

    Each part is tokenised separately, as in the engine: the prompt, what the model writes up to the
    executor's output, what the executor writes.
    """
    ids = tokenizer.encode(example.prompt).ids
    learned = [False] * len(ids)
    for part in example.parts:
        piece = tokenizer.encode(part.text).ids
        ids += piece
        learned += [part.learned] * len(piece)
    return ids, learned


def text(example: Example) -> str:
    """An example as one string."""
    return example.prompt + "".join(part.text for part in example.parts)


def write_shard(
    number: int, size: int, out: Path, checkpoint: Path, judge: float | None = None, kinds: Sequence[str] = tuple(KINDS)
) -> int:
    """Writes shard `number`; returns its number of tokens."""
    if judge is None:
        drawn = examples(f"shard {number}", size)
    else:
        drawn = judge_examples(f"judge {number}", size, judge, kinds)
    tokenizer = bpe.load(checkpoint)
    tokens: list[int] = []
    mask: list[bool] = []
    starts: list[int] = []
    for example in drawn:
        ids, learned = encode(tokenizer, example)
        starts.append(len(tokens))
        tokens += ids
        mask += learned
    path = out / f"shard-{number:04}.npz"
    with unfinished(path).open("wb") as file:
        np.savez(
            file,
            tokens=np.array(tokens, np.uint16),
            mask=np.array(mask, np.bool_),
            starts=np.array([*starts, len(tokens)], np.int64),
        )
    unfinished(path).rename(path)
    return len(tokens)


def read(
    folder: Path,
) -> tuple[NDArray[np.uint16], NDArray[np.bool_], NDArray[np.int64]]:
    """All shards of a folder as one: tokens, mask, and starts (one more than examples)."""
    shards = [np.load(p) for p in sorted(folder.glob("shard-????.npz"))]
    if not shards:
        raise SystemExit(f"no shards in {folder}: run `python -m convert.demo.corpus` first")
    offsets = np.cumsum([0] + [len(s["tokens"]) for s in shards])
    starts = [s["starts"][:-1] + o for s, o in zip(shards, offsets[:-1], strict=True)]
    return (
        np.concatenate([s["tokens"] for s in shards]),
        np.concatenate([s["mask"] for s in shards]),
        np.concatenate([*starts, offsets[-1:]]),
    )


def main() -> None:
    """Writes the requested shards, in worker processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--judge", type=float, help="the corpus of the reward model's judge, with this share of TIR")
    parser.add_argument(
        "--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), help="those of the judge's corpus"
    )
    parser.add_argument(
        "--hard", action="store_true", help="all kinds in it, those of solutions.HARD three times as often"
    )
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rest = (args.size, args.out, args.checkpoint, args.judge, HARDER if args.hard else args.kinds)
    jobs = [(n, *rest) for n in range(args.first, args.first + args.shards)]
    with Pool(args.workers) as pool:
        for tokens in pool.starmap(write_shard, jobs, chunksize=1):
            print(f"{args.size} examples, {tokens} tokens, {tokens / args.size:.0f} each")


if __name__ == "__main__":
    main()

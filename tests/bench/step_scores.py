"""The cost of scoring steps, as a ratio to the prefill of the same tokens.

Run as `python -m tests.bench.step_scores MODEL.gguf [ROUNDS]`; any qwen2 model will do, its head is random.

Eight solutions of one problem, each of eight steps and about 300 tokens, are scored. The prefill computes the problem
and the solutions, without marks, in the engine's usual context: the problem once, every solution in full batches behind
its cells. Both are done in turns in one process. The ratios are those of the wall clock and of the processor time,
which a busy machine disturbs less.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from qmath_cli.engine.llama.context import BatchRow, Context
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.engine.rewards.head import Head, LinearLayer
from qmath_cli.engine.rewards.process import ProcessRewardModel
from qmath_cli.prompting.solution_steps import opening, prompts
from qmath_cli.records import Mode, Prompt, Segment

PROBLEM = "A shop sells pencils in boxes of 12 and pens in boxes of 8. How many boxes of each make equally many?"
STEP = "We compare multiple {} of twelve, which is ${} \\times 12 = {}$, with the multiples of eight, and see that "
MARK = Segment("<|quad_end|>", special=True)  # it has the id of `<extra_0>` in the vocabulary of Qwen2.5
SOLUTIONS, STEPS = 8, 8


def solutions() -> list[tuple[Prompt, ...]]:
    """Eight solutions that differ from their first step on."""
    return [
        prompts(tuple(STEP.format(n + i, n + i, 12 * (n + i)) + "it is one of them." for i in range(STEPS)))
        for n in range(1, SOLUTIONS + 1)
    ]


def random_head(hidden: int) -> Head:
    source = np.random.default_rng(0)
    shapes = [(hidden, hidden), (hidden,), (2, hidden), (2,)]
    arrays = [source.standard_normal(shape).astype(np.float32) / hidden for shape in shapes]
    return Head(LinearLayer(*arrays[:2]), LinearLayer(*arrays[2:]))


def prefill(model: Model, context: Context) -> int:
    """Compute the problem and the solutions without outputs; returns the number of tokens."""
    context.clear()
    head = model.tokenize(opening(PROBLEM, Mode.COT))
    total = compute(context, head, 0, 0)
    for steps in solutions():
        tokens = [token for step in steps for token in model.tokenize(step)]
        context.share(0, 1, len(head))
        total += compute(context, tokens, len(head), 1)
        context.truncate(1, 0)
    return total


def compute(context: Context, tokens: list[int], begun: int, slot: int) -> int:
    for first in range(0, len(tokens), context.max_rows):
        part = tokens[first : first + context.max_rows]
        context.compute([BatchRow(token, begun + first + i, slot, output=False) for i, token in enumerate(part)])
    return len(tokens)


def main(path: Path, rounds: int) -> None:
    """Print the seconds of both and their ratios, for every round, and the median ratios."""
    ratios = []
    with load(path, Options(), Preflight()) as model:
        context = Context(model, cells=model.context_length, slots=2)
        with ProcessRewardModel(model, random_head(model.facts.embedding), MARK) as process:
            process.score_steps(opening(PROBLEM, Mode.COT), [])  # the weights are in memory afterwards
            for _ in range(rounds):
                times = [now()]
                tokens = prefill(model, context)
                times.append(now())
                scores = process.score_steps(opening(PROBLEM, Mode.COT), solutions())
                times.append(now())
                plain, scored = times[1] - times[0], times[2] - times[1]
                ratios.append(scored / plain)
                count = sum(len(one or ()) for one in scores)
                print(f"{tokens} tokens: prefill {plain} s, {count} scores {scored} s, ratios {ratios[-1]}", flush=True)
        context.close()
    print(f"median ratios {np.median(ratios, axis=0).round(3)}")


def now() -> np.ndarray:
    """Seconds by the wall clock, and of the processor in all threads."""
    return np.array([time.perf_counter(), time.process_time()]).round(3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5)

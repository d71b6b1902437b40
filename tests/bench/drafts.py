"""Drafts against none: wall and processor time of the same greedy solutions, and how many texts are equal.

    python -m tests.bench.drafts MODEL [PROBLEMS] [TOKENS] [DRAFT] [free|dear]

What steps cost is measured first, as `qmath bench` does it; with `free` or `dear` rows are taken to cost nothing, or as
much as a step each. Every problem is decoded with drafts and without, alternately in one process, and every other time
in the other order. Texts can differ where llama.cpp computes several rows with other kernels than one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack, closing
from typing import NamedTuple

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.drafts.opening import DraftOptions
from qmath_cli.evaluation import datasets
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.paths import find
from qmath_cli.prompting.select import select
from qmath_cli.records import Language, Prompt, Sampling, StepCost, Usage
from qmath_cli.runtime import tuning
from qmath_cli.runtime.weights import open_model
from qmath_cli.settings import Settings

_FREE = StepCost(((1, 0.0100), (32, 0.0101)))
_DEAR = StepCost(((1, 0.01), (32, 0.32)))


class Timed(NamedTuple):
    """One text: wall and processor seconds after its first token, and its counts."""

    text: str
    wall: float
    processor: float
    usage: Usage


def main() -> None:
    """Measure, and print a line for each problem and the sums."""
    given = sys.argv[1:]
    name, problems, tokens, draft, assumed = given + ["demo", "16", "200", "", ""][len(given) :]
    paths, lock, settings = find(os.environ), lockfile.load(), Settings(model=name, ctx=2048)
    info = describe(name, paths, lock)
    with ExitStack() as stack:
        model = stack.enter_context(open_model(info, settings, paths, lock))
        cost = {"free": _FREE, "dear": _DEAR}.get(assumed) or tuning.measured(model, info, settings, paths).steps
        print("v(n):", ", ".join(f"{rows}: {cost.relative(rows):.2f}" for rows, _ in cost.points))
        small = None
        if draft:
            small = stack.enter_context(open_model(describe(draft, paths, lock), settings, paths, lock))
        plain = stack.enter_context(closing(Batch(model)))
        drafted = stack.enter_context(closing(Batch(model, drafts=DraftOptions(cost, small))))
        items = datasets.load("demo", datasets.EMBEDDED).items[: int(problems)]
        prompts = [select(info, Language.EN).typed(item.problem) for item in items]
        report(compared(plain, drafted, prompts, int(tokens)))


def compared(plain: Batch, drafted: Batch, prompts: Iterable[Prompt], tokens: int) -> Iterable[tuple[Timed, Timed]]:
    """Each text without drafts and with them."""
    for index, prompt in enumerate(prompts):
        if index % 2:
            found = decode(drafted, prompt, tokens)
            yield decode(plain, prompt, tokens), found
        else:
            found = decode(plain, prompt, tokens)
            yield found, decode(drafted, prompt, tokens)


def decode(batch: Batch, prompt: Prompt, tokens: int) -> Timed:
    """One greedy text."""
    (key,) = batch.start(prompt, [Sampling(max_tokens=tokens)])
    chunks = list(batch.step())
    wall, processor = time.perf_counter(), time.process_time()
    while not any(chunk.stop for chunk in chunks):
        chunks += batch.step()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    usage = batch.usage(key)
    batch.release(key)
    return Timed("".join(chunk.text for chunk in chunks), wall, processor, usage)


def report(pairs: Iterable[tuple[Timed, Timed]]) -> None:
    """The ratios of rates: over 1 where drafts gain. Rates, since texts that differ need not be of the same length."""
    found = []
    for number, (one, other) in enumerate(pairs, 1):
        found.append((one, other))
        usage = other.usage
        print(
            f"{number}: {usage.completion_tokens} tokens, {usage.drafted_tokens} drafted, "
            f"{usage.accepted_tokens} accepted, expected gain {usage.draft_gain:.3f}, "
            f"wall {rate(other.wall, other) / rate(one.wall, one):.3f}, "
            f"processor {rate(other.processor, other) / rate(one.processor, one):.3f}"
            f"{'' if one.text == other.text else ', another text'}",
            flush=True,
        )
    plain, drafted = ([pair[index] for pair in found] for index in (0, 1))
    counts = sum((one.usage for one in drafted), Usage())
    steps = counts.completion_tokens - counts.accepted_tokens
    print(
        f"all: {counts.completion_tokens / steps:.3f} tokens per step, expected gain {counts.draft_gain:.3f}, "
        f"wall {total(drafted, 'wall') / total(plain, 'wall'):.3f}, "
        f"processor {total(drafted, 'processor') / total(plain, 'processor'):.3f}, "
        f"{sum(one.text == other.text for one, other in found)} of {len(found)} texts equal"
    )


def rate(seconds: float, one: Timed) -> float:
    """Tokens per second."""
    return one.usage.completion_tokens / max(seconds, 1e-9)


def total(found: list[Timed], name: str) -> float:
    """Tokens per second of all."""
    seconds: float = sum(getattr(one, name) for one in found)
    return sum(one.usage.completion_tokens for one in found) / seconds


if __name__ == "__main__":
    main()

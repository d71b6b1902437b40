"""What drafts gain on this machine: one solution decoded with them and without, in turn.

The text is a real one, the solution of a problem, because a text that is made to repeat itself would flatter them. Both
decode the same tokens, so the ratio of the times is the gain.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from qmath_cli.benchmark.measure import Spread
from qmath_cli.engine.batch import Batch
from qmath_cli.engine.drafts.opening import NO_DRAFTS, DraftOptions
from qmath_cli.engine.llama.model import Model
from qmath_cli.records import Prompt, Sampling, Usage


@dataclass(frozen=True, slots=True)
class DraftReport:
    """The result.

    Attributes:
        source: What drafted: `lookup`, or the name of a model.
        tokens: Tokens that were decoded.
        drafted: Tokens that were drafted and verified; the median.
        accepted: Those of them that were the sampled ones; the median.
        rate: Tokens per second with drafts.
        gain: That over the tokens per second without.
    """

    source: str
    tokens: int
    drafted: int
    accepted: int
    rate: Spread
    gain: Spread


def measure_drafts(
    model: Model, prompt: Prompt, drafts: DraftOptions, source: str, tokens: int, repeats: int
) -> DraftReport:
    """Decode a solution greedily, with drafts and without.

    Args:
        model: The loaded model.
        prompt: The problem.
        drafts: How tokens are drafted.
        source: What drafts.
        tokens: The most tokens of the solution, at least 2.
        repeats: How often, at least once.
    """
    usages: list[Usage] = []
    rates: list[float] = []
    gains: list[float] = []
    for _ in range(repeats):
        plain, _ = _decode(model, prompt, NO_DRAFTS, tokens)
        drafted, usage = _decode(model, prompt, drafts, tokens)
        usages.append(usage)
        rates.append(drafted)
        gains.append(drafted / plain)
    return DraftReport(
        source,
        max(one.completion_tokens for one in usages),
        round(statistics.median(one.drafted_tokens for one in usages)),
        round(statistics.median(one.accepted_tokens for one in usages)),
        Spread.of(rates),
        Spread.of(gains),
    )


def _decode(model: Model, prompt: Prompt, drafts: DraftOptions, tokens: int) -> tuple[float, Usage]:
    """Tokens per second after the first one, and the counts."""
    with Batch(model, drafts=drafts) as batch:
        (key,) = batch.start(prompt, [Sampling(max_tokens=tokens)])
        stopped = any(chunk.stop for chunk in batch.step())
        started = time.perf_counter()
        while not stopped:
            stopped = any(chunk.stop for chunk in batch.step())
        seconds = time.perf_counter() - started
        usage = batch.usage(key)
    return max(usage.completion_tokens - 1, 1) / max(seconds, 1e-9), usage

"""How fast a model runs here, measured through the engine that solves: prefill, decode of one and of many sequences.

Every number is the median of several runs, each after a warm-up that is discarded, with the lowest and highest beside
it. Every run loads the model anew, as other tools do: where the weights come to lie in memory is good for a tenth of
the speed, and one load would measure its own luck.

Speed is best read as a ratio: against llama.cpp's own tools on the same file, run by turns with ours, and against the
bandwidth of this machine's memory, which bounds decoding because every weight is read once per token. Rates are tokens
per second over all sequences, sizes bytes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model
from qmath_cli.records import Prompt, Sampling, Segment

_FILLER = "We add the numbers from 1 to 100 and find that the sum is 5050. "


@dataclass(frozen=True, slots=True)
class BenchmarkPlan:
    """What is measured: a prompt of about so many tokens, then so many tokens per sequence."""

    prompt_tokens: int = 512
    tokens: int = 64
    sequences: tuple[int, ...] = (1, 2, 4, 8)
    repeats: int = 3


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several measurements, and their range."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """From at least one value."""
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1])


@dataclass(frozen=True, slots=True)
class Decode:
    """Decoding of several sequences at once."""

    sequences: int
    rate: Spread


@dataclass(frozen=True, slots=True)
class Comparison:
    """Another program's rate at the same work, and ours divided by it, each from runs taken by turns."""

    name: str
    work: str
    rate: Spread
    ratio: Spread


@dataclass(frozen=True, slots=True)
class BenchmarkReport:
    """All that was found out. `bandwidth` and `share` are None where they were not measured."""

    load_s: Spread
    first_token_s: Spread
    prompt_tokens: int
    prefill: Spread
    decode: tuple[Decode, ...]
    bandwidth: float | None = None
    share: float | None = None  # of the bandwidth, reached by decoding one sequence
    peak_rss: int | None = None
    rivals: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True)
class ReferenceTool:
    """Another program that does work `work` of ours: `prefill`, or `decode N` sequences; `run` gives its rate."""

    name: str
    work: str
    run: Callable[[], float]


@dataclass(slots=True)
class Measurements:
    """What was measured so far, by work."""

    ours: dict[str, list[float]] = field(default_factory=dict)
    theirs: dict[str, list[float]] = field(default_factory=dict)

    def median(self, work: str) -> float:
        """The median of our rates at this work."""
        return statistics.median(self.ours[work])


def prompt_of(model: Model, tokens: int) -> Prompt:
    """A prompt of at most `tokens` tokens of ordinary text, as near as whole words allow."""
    text = _FILLER * (tokens // 4 + 1)
    pieces = map(model.piece, model.tokenize_plain(text.encode())[:tokens])
    return Prompt((Segment(b"".join(pieces).decode("utf-8", "ignore")),))


def measure(
    open_model: Callable[[], AbstractContextManager[Model]],
    plan: BenchmarkPlan,
    opponents: Sequence[ReferenceTool] = (),
    heard: Callable[[str], None] = lambda _note: None,
) -> BenchmarkReport:
    """Run the plan, by turns with the opponents. `heard` is told what is being done."""
    rates = Measurements()
    length = 0
    for turn in range(plan.repeats):
        started = time.perf_counter()
        with open_model() as model:
            rates.ours.setdefault("load", []).append(time.perf_counter() - started)
            heard(f"run {turn + 1} of {plan.repeats}")
            length = _turn(model, plan, rates)
        for opponent in opponents:
            heard(f"run {turn + 1} of {plan.repeats}: {opponent.name}, {opponent.work}")
            rates.theirs.setdefault(f"{opponent.name} {opponent.work}", []).append(opponent.run())
    return BenchmarkReport(
        load_s=Spread.of(rates.ours["load"]),
        first_token_s=Spread.of(rates.ours["first token"]),
        prompt_tokens=length,
        prefill=Spread.of(rates.ours["prefill"]),
        decode=tuple(Decode(count, Spread.of(rates.ours[decode_of(count)])) for count in plan.sequences),
        rivals=tuple(_rival(opponent, rates) for opponent in opponents if opponent.work in rates.ours),
    )


def _turn(model: Model, plan: BenchmarkPlan, rates: Measurements) -> int:
    """One run of everything; returns the prompt's length in tokens."""
    prompt = prompt_of(model, plan.prompt_tokens)
    length = len(model.tokenize(prompt))
    cells = length + max(plan.sequences) * (plan.tokens + 2)
    with Batch(model, max(plan.sequences), cells=cells, endless=True) as batch:
        run_once(batch, prompt, 1, min(plan.tokens, 8))  # warm-up
        for sequences in plan.sequences:
            first_token, rate = run_once(batch, prompt, sequences, plan.tokens)
            rates.ours.setdefault(decode_of(sequences), []).append(rate)
            if sequences == plan.sequences[0]:
                rates.ours.setdefault("first token", []).append(first_token)
                rates.ours.setdefault("prefill", []).append(length / first_token)
    return length


def decode_of(sequences: int) -> str:
    """The name of the work of decoding so many sequences at once."""
    return f"decode {sequences}"


def run_once(batch: Batch, prompt: Prompt, sequences: int, tokens: int) -> tuple[float, float]:
    """Seconds to the first token, and the rate of decoding once every sequence has its first token."""
    started = time.perf_counter()
    ids = batch.start(prompt, [Sampling(seed=seed, max_tokens=tokens + 2) for seed in range(sequences)])
    batch.step()
    first = time.perf_counter()
    while any(not batch.usage(key).completion_tokens for key in ids):
        batch.step()
    begun, already = time.perf_counter(), _completed(batch, ids)
    while min(batch.usage(key).completion_tokens for key in ids) < tokens:
        batch.step()
    ended = time.perf_counter()
    decoded = _completed(batch, ids) - already
    for key in ids:
        batch.release(key)
    return first - started, decoded / (ended - begun)


def _completed(batch: Batch, ids: Sequence[int]) -> int:
    return sum(batch.usage(key).completion_tokens for key in ids)


def _rival(opponent: ReferenceTool, rates: Measurements) -> Comparison:
    theirs, ours = rates.theirs[f"{opponent.name} {opponent.work}"], rates.ours[opponent.work]
    return Comparison(
        opponent.name,
        opponent.work,
        Spread.of(theirs),
        Spread.of(mine / other for mine, other in zip(ours, theirs, strict=True) if other),
    )

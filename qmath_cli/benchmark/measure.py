"""The speed of a model on this machine, measured through the engine that solves: prefill, and decode of N sequences.

Every figure is the median of several runs, with the lowest and the highest. Each run has a warm-up that is discarded,
and loads the model anew: where the weights are in memory changes the speed by up to a tenth, and this differs between
loads.

Reference tools run on the same file, alternating with our own runs, so that other load on the machine affects both.
Decoding is bounded by the bandwidth of the memory, because every weight is read once per token. Rates are tokens per
second over all sequences.
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

FILLER = "We add the numbers from 1 to 100 and find that the sum is 5050. "


@dataclass(frozen=True, slots=True)
class BenchmarkPlan:
    """What is measured: a prompt of about `prompt_tokens`, then `tokens` per sequence, for each number of sequences."""

    prompt_tokens: int = 512
    tokens: int = 64
    sequences: tuple[int, ...] = (1, 2, 4, 8)
    repeats: int = 3


@dataclass(frozen=True, slots=True)
class Spread:
    """The median, the lowest and the highest of several measurements."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """The spread of at least one value."""
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1])


@dataclass(frozen=True, slots=True)
class Decode:
    """The rate of decoding `sequences` at once, in tokens per second over all of them."""

    sequences: int
    rate: Spread


@dataclass(frozen=True, slots=True)
class Comparison:
    """A reference tool's rate at some work, and our rate divided by it, from alternating runs."""

    name: str
    work: str
    rate: Spread
    ratio: Spread


@dataclass(frozen=True, slots=True)
class BenchmarkReport:
    """The result of a benchmark.

    Attributes:
        load_s: seconds to load the model.
        first_token_s: seconds from the prompt to its first token.
        prompt_tokens: the prompt's length.
        prefill: tokens of the prompt per second.
        decode: one entry per number of sequences.
        bandwidth: the machine's memory bandwidth in bytes per second; None if not measured.
        share: the part of the bandwidth that decoding one sequence uses; None if not measured.
        peak_rss: the process's peak resident memory in bytes; None if the system does not report it.
        comparisons: one entry per reference tool and work.
    """

    load_s: Spread
    first_token_s: Spread
    prompt_tokens: int
    prefill: Spread
    decode: tuple[Decode, ...]
    bandwidth: float | None = None
    share: float | None = None
    peak_rss: int | None = None
    comparisons: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True)
class ReferenceTool:
    """Another program that does the same work, "prefill" or "decode N"; `run` returns its rate in tokens per second."""

    name: str
    work: str
    run: Callable[[], float]


@dataclass(slots=True)
class Measurements:
    """The measurements of all runs so far: ours by work, the reference tools' by tool name and work."""

    ours: dict[str, list[float]] = field(default_factory=dict)
    theirs: dict[tuple[str, str], list[float]] = field(default_factory=dict)


def prompt_of(model: Model, tokens: int) -> Prompt:
    """A prompt of English text with at most `tokens` tokens, and not many fewer."""
    text = FILLER * (tokens // 4 + 1)
    pieces = map(model.piece, model.tokenize_plain(text.encode())[:tokens])
    return Prompt((Segment(b"".join(pieces).decode("utf-8", "ignore")),))


def measure(
    open_model: Callable[[], AbstractContextManager[Model]],
    plan: BenchmarkPlan,
    references: Sequence[ReferenceTool] = (),
    notify: Callable[[str], None] = lambda _note: None,
) -> BenchmarkReport:
    """Measure a model, alternating with the reference tools.

    Args:
        open_model: loads the model; called once per run.
        plan: what is measured, and how often.
        references: the tools to compare with.
        notify: called with one line before each run of the plan or of a tool.

    Returns:
        The report, without the fields about the machine (`bandwidth`, `share`, `peak_rss`).
    """
    measured = Measurements()
    length = 0
    for run in range(1, plan.repeats + 1):
        started = time.perf_counter()
        with open_model() as model:
            measured.ours.setdefault("load", []).append(time.perf_counter() - started)
            notify(f"run {run} of {plan.repeats}")
            length = _run_plan(model, plan, measured)
        for reference in references:
            notify(f"run {run} of {plan.repeats}: {reference.name}, {reference.work}")
            measured.theirs.setdefault((reference.name, reference.work), []).append(reference.run())
    return BenchmarkReport(
        load_s=Spread.of(measured.ours["load"]),
        first_token_s=Spread.of(measured.ours["first token"]),
        prompt_tokens=length,
        prefill=Spread.of(measured.ours["prefill"]),
        decode=tuple(Decode(count, Spread.of(measured.ours[decode_of(count)])) for count in plan.sequences),
        comparisons=tuple(_comparison(tool, measured) for tool in references if tool.work in measured.ours),
    )


def _run_plan(model: Model, plan: BenchmarkPlan, measured: Measurements) -> int:
    """Do one run of the plan. Returns the prompt's length in tokens."""
    prompt = prompt_of(model, plan.prompt_tokens)
    length = len(model.tokenize(prompt))
    cells = length + max(plan.sequences) * (plan.tokens + 2)
    with Batch(model, max(plan.sequences), cells=cells, endless=True) as batch:
        _run_once(batch, prompt, 1, min(plan.tokens, 8))  # warm-up
        for sequences in plan.sequences:
            first_token, rate = _run_once(batch, prompt, sequences, plan.tokens)
            measured.ours.setdefault(decode_of(sequences), []).append(rate)
            if sequences == plan.sequences[0]:
                measured.ours.setdefault("first token", []).append(first_token)
                measured.ours.setdefault("prefill", []).append(length / first_token)
    return length


def decode_of(sequences: int) -> str:
    """The name of the work of decoding several sequences at once: "decode N"."""
    return f"decode {sequences}"


def _run_once(batch: Batch, prompt: Prompt, sequences: int, tokens: int) -> tuple[float, float]:
    """Start a prompt and decode it in several sequences.

    Args:
        batch: an endless batch with enough slots and cells.
        prompt: the prompt, shared by all sequences.
        sequences: how many sequences to decode at once.
        tokens: how many tokens every sequence must reach.

    Returns:
        Seconds to the first token, and tokens per second over all sequences once each has its first token.
    """
    started = time.perf_counter()
    ids = batch.start(prompt, [Sampling(seed=seed, max_tokens=tokens + 2) for seed in range(sequences)])
    batch.step()
    first = time.perf_counter()
    while any(not batch.usage(key).completion_tokens for key in ids):
        batch.step()
    decoding, already = time.perf_counter(), _completed(batch, ids)
    while min(batch.usage(key).completion_tokens for key in ids) < tokens:
        batch.step()
    ended = time.perf_counter()
    decoded = _completed(batch, ids) - already
    for key in ids:
        batch.release(key)
    return first - started, decoded / (ended - decoding)


def _completed(batch: Batch, ids: Sequence[int]) -> int:
    return sum(batch.usage(key).completion_tokens for key in ids)


def _comparison(tool: ReferenceTool, measured: Measurements) -> Comparison:
    theirs, ours = measured.theirs[tool.name, tool.work], measured.ours[tool.work]
    ratio = Spread.of(own / other for own, other in zip(ours, theirs, strict=True) if other)
    return Comparison(tool.name, tool.work, Spread.of(theirs), ratio)

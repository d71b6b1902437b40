"""The speed of a model on servers, as a client sees it: prefill, and decode of N sequences, with the network between.

The figures are those of `measure`, but for what only the machine of the model knows. Each prompt begins differently, so
that no server has it in its cache. Servers of a kind that cannot be told to go on after an end token may decode fewer
tokens than were asked for; rates are of those that came.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from qmath_cli.benchmark.measure import FILLER, BenchmarkPlan, BenchmarkReport, Decode, Measurements, Spread, decode_of
from qmath_cli.records import Engine, Prompt, Sampling, Segment

_FILLER_TOKENS = 24  # of `FILLER` in Qwen2's vocabulary, in which every digit is a token


def measure_served(
    opened: Callable[[], AbstractContextManager[Engine]],
    plan: BenchmarkPlan,
    notify: Callable[[str], None] = lambda _note: None,
) -> BenchmarkReport:
    """Measure a model on servers.

    Args:
        opened: Opens an engine that does not end at end tokens; called once per run.
        plan: What is measured, and how often.
        notify: Called with one line before each run.
    """
    measured = Measurements()
    length = 0
    for run in range(1, plan.repeats + 1):
        notify(f"run {run} of {plan.repeats}")
        started = time.perf_counter()
        with opened() as engine:
            measured.ours.setdefault("load", []).append(time.perf_counter() - started)
            length = _run_plan(engine, plan, measured)
    return BenchmarkReport(
        load_s=Spread.of(measured.ours["load"]),
        first_token_s=Spread.of(measured.ours["first token"]),
        prompt_tokens=length,
        prefill=Spread.of(measured.ours["prefill"]),
        decode=tuple(Decode(count, Spread.of(measured.ours[decode_of(count)])) for count in plan.sequences),
    )


def _run_plan(engine: Engine, plan: BenchmarkPlan, measured: Measurements) -> int:
    """Do one run of the plan. Returns the prompt's length in tokens."""
    _run_once(engine, plan.prompt_tokens, 1, min(plan.tokens, 8))  # warm-up
    length = 0
    for sequences in plan.sequences:
        length, first, rate = _run_once(engine, plan.prompt_tokens, sequences, plan.tokens)
        measured.ours.setdefault(decode_of(sequences), []).append(rate)
        if sequences == plan.sequences[0]:
            measured.ours.setdefault("first token", []).append(first)
            measured.ours.setdefault("prefill", []).append(length / first)
    return length


def _run_once(engine: Engine, prompt_tokens: int, sequences: int, tokens: int) -> tuple[int, float, float]:
    """Start a prompt and decode it in several sequences.

    Returns:
        The prompt's length in tokens, seconds to the first token, and tokens per second over all sequences once each
        has its first token.
    """
    text = f"{time.time_ns()}. " + FILLER * max(prompt_tokens // _FILLER_TOKENS, 1)
    started = time.perf_counter()
    samplings = [Sampling(seed=seed, max_tokens=tokens) for seed in range(sequences)]
    ids = engine.start(Prompt((Segment(text),)), samplings)
    running, silent = set(ids), set(ids)
    first = decoding = started
    before = 0
    while running:
        for chunk in engine.step():
            if first == started:
                first = time.perf_counter()
            silent.discard(chunk.sequence)
            if chunk.stop is not None:
                running.discard(chunk.sequence)
        if decoding == started and not silent:
            decoding = time.perf_counter()
            before = sum(engine.usage(key).completion_tokens for key in ids)
    ended = time.perf_counter()
    decoded = sum(engine.usage(key).completion_tokens for key in ids) - before
    length = engine.usage(ids[0]).prompt_tokens
    for key in ids:
        engine.release(key)
    return length, first - started, decoded / max(ended - decoding, 1e-9)

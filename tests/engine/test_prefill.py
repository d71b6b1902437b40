"""Prefill in slices, and what is reported of it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from qmath_cli.engine import scheduler
from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.llama.placement import SMALL
from qmath_cli.engine.prefill import Prefill
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.records import Prompt, Sampling
from qmath_cli.records.activity import Activity, Idle, Prefilling, unobserved


def test_a_prompt_is_reported_until_it_is_read(model: Model, problem: Prompt) -> None:
    """From none of its tokens to all of them; then nothing, while tokens are decoded."""
    seen: list[Activity] = []
    with Batch(model, on_activity=seen.append) as batch:
        batch.start(problem, [Sampling(max_tokens=5)])
        for _ in range(4):
            batch.step()
    tokens = len(model.tokenize(problem))
    assert seen == [Prefilling(0, tokens), Idle()]


def test_a_long_prompt_is_reported_as_far_as_it_is_read(model: Model, problem: Prompt) -> None:
    """In as many reports as there are steps of prefill."""
    seen: list[Activity] = []
    with Batch(model, on_activity=seen.append) as batch:
        batch._prefill.slice = 20
        batch.start(problem, [Sampling(max_tokens=2)])
        batch.step()
    reports = [one for one in seen if isinstance(one, Prefilling)]
    tokens = len(model.tokenize(problem))
    assert {one.tokens for one in reports} == {tokens}
    assert [one.done for one in reports] == sorted([*range(0, tokens - 1, 20), *range(20, tokens - 1, 20)])


def test_samples_that_share_a_prompt_read_it_once(model: Model, problem: Prompt) -> None:
    """The others compute its last token only, which is no wait."""
    seen: list[Activity] = []
    with Batch(model, 4, on_activity=seen.append) as batch:
        batch.start(problem, [Sampling(temperature=1.0, seed=seed, max_tokens=3) for seed in range(4)])
        for _ in range(4):
            batch.step()
    assert [type(one) for one in seen] == [Prefilling, Idle]


@pytest.mark.parametrize(("size", "gpu_layers", "sliced"), [(SMALL, 0, True), (SMALL - 1, 0, False), (SMALL, 9, False)])
def test_a_large_model_on_the_cpu_reads_in_slices(model: Model, size: int, gpu_layers: int, *, sliced: bool) -> None:
    """A small one is instant, and a GPU is faster with many tokens at once."""
    placement = SimpleNamespace(gpu_layers=gpu_layers)
    other = SimpleNamespace(facts=replace(model.facts, size=size), placement=placement)
    prefill = Prefill(other, unobserved)  # type: ignore[arg-type]
    prompt = SequenceState(0, Sampling(), (), list(range(300)), slot=0)
    (share,) = scheduler.schedule([prompt], 512, prefill.slice)
    assert share.tokens == (64 if sliced else 300)

"""Drafts never change a text: greedy texts are equal, sampled ones too, and what is sampled has the same distribution.

The demo's rounding does not depend on how many rows of one sequence are computed together, so that every text of a
sequence that is alone can be compared exactly. Several sequences share the KV cache, in which drafts change the order
of the cells, and with it the rounding of sums.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.drafts.opening import NO_DRAFTS, DraftOptions
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.records import Mode, Prompt, Sampling, Segment, StepCost, Stop, Usage
from tests.engine.drafts.costs import DEAR, FREE
from tests.engine.driving import BLOCK, QUESTION, collect, solve
from tests.prompts import chat

LOOKUP = DraftOptions(FREE)
GREEDY = Sampling(max_tokens=400)
FRACTIONS = Prompt((Segment(r"\frac{1}{2} + " * 20),))  # goes on in the same way
NEXT_TO_NOTHING = StepCost(((1, FREE.seconds(1) / 50),))
WARM = tuple(Sampling(temperature=temperature, top_p=0.95, seed=7, max_tokens=200) for temperature in (0.7, 1.5))


@pytest.fixture(scope="module")
def problems(demo: Path) -> list[Prompt]:
    lines = (demo.parent / "heldout.jsonl").read_text(encoding="utf-8").splitlines()[:64]
    return [chat(json.loads(line)["problem"], Mode.TIR) for line in lines]


@pytest.fixture(scope="module")
def small_model(demo: Path) -> Iterator[Model]:
    """A model with the demo's vocabulary: the demo in 4 bits."""
    with load(demo.with_name("demo-q4_k_m.gguf"), Options(), Preflight()) as loaded:
        yield loaded


def texts(model: Model, drafts: DraftOptions, prompts: Sequence[Prompt], samplings: Sequence[Sampling]) -> list[str]:
    """One after the other, each alone in the same batch."""
    with Batch(model, drafts=drafts) as batch:
        return [text for prompt in prompts for one in samplings for text in solve(batch, prompt, [one])]


def test_the_texts_of_64_problems_are_those_without_drafts(model: Model, problems: list[Prompt]) -> None:
    """Programs and outputs included, greedy and, for some, sampled with the same seed."""
    assert texts(model, LOOKUP, problems, [GREEDY]) == texts(model, NO_DRAFTS, problems, [GREEDY])
    assert texts(model, LOOKUP, problems[:12], WARM) == texts(model, NO_DRAFTS, problems[:12], WARM)


def test_a_draft_model_does_not_change_a_text_either(model: Model, small_model: Model, problems: list[Prompt]) -> None:
    drafted = DraftOptions(FREE, small_model, NEXT_TO_NOTHING)
    assert texts(model, drafted, problems[:24], [GREEDY]) == texts(model, NO_DRAFTS, problems[:24], [GREEDY])
    assert texts(model, drafted, problems[:6], WARM) == texts(model, NO_DRAFTS, problems[:6], WARM)


def decoded(model: Model, drafts: DraftOptions, prompt: Prompt, sampling: Sampling) -> tuple[str, Stop, Usage]:
    """One stretch of text, why it ended, and its counts."""
    with Batch(model, drafts=drafts) as batch:
        (key,) = batch.start(prompt, [sampling])
        text, stop = collect(batch, [key])[key]
        return text, stop, batch.usage(key)


@pytest.mark.parametrize("limit", [1, 2, 3, 9, 40])
def test_a_token_limit_holds_to_the_token(model: Model, limit: int) -> None:
    """Also in the middle of a draft that would be accepted."""
    text, stop, usage = decoded(model, LOOKUP, FRACTIONS, Sampling(max_tokens=limit))
    assert (text, stop) == decoded(model, NO_DRAFTS, FRACTIONS, Sampling(max_tokens=limit))[:2]
    assert usage.completion_tokens == limit
    assert (usage.accepted_tokens > 0) is (limit > 8)


def test_a_full_context_and_a_degenerate_text_end_it_at_the_same_token(small: Model, model: Model) -> None:
    for one, reason in ((small, Stop.CONTEXT), (model, Stop.DEGENERATE)):
        found = decoded(one, LOOKUP, FRACTIONS, Sampling(max_tokens=1000))
        assert found[:2] == decoded(one, NO_DRAFTS, FRACTIONS, Sampling(max_tokens=1000))[:2]
        assert found[1] is reason
        assert found[2].accepted_tokens > 0


@pytest.mark.parametrize("stop", ["{2} +", "+ \\frac{1", "c{1}{2} + \\f"])
def test_a_stop_string_in_the_middle_of_a_draft_ends_the_text_there(model: Model, stop: str) -> None:
    """What was drafted behind it is gone from the KV cache: the text goes on as without drafts."""
    ends = []
    for drafts in (LOOKUP, NO_DRAFTS):
        with Batch(model, drafts=drafts) as batch:
            (key,) = batch.start(replace(FRACTIONS, stops=(stop,)), [Sampling(max_tokens=60)])
            parts = [collect(batch, [key])[key]]
            for text in (BLOCK, " + \\frac{1}{2}"):
                batch.extend(key, text)
                parts.append(collect(batch, [key])[key])
            ends.append((parts, batch.usage(key).completion_tokens))
    assert ends[0] == ends[1]
    assert ends[0][0][0][1] is Stop.STRING


def test_no_sequence_is_preempted_for_a_draft(small: Model) -> None:
    """Two sequences that fill the KV cache to the last cells."""
    with Batch(small, 2, drafts=LOOKUP) as batch:
        left = (batch._context.cells - len(small.tokenize(FRACTIONS))) // 2 - 1
        ids = batch.start(FRACTIONS, [Sampling(seed=seed, max_tokens=left) for seed in (1, 2)])
        collect(batch, ids)
        assert sum(batch.usage(key).accepted_tokens for key in ids) > 0
        assert batch.preemptions == 0


def test_where_rows_are_dear_nothing_is_drafted(model: Model) -> None:
    assert decoded(model, DraftOptions(DEAR), FRACTIONS, Sampling(max_tokens=60))[2].drafted_tokens == 0


def test_usage_counts_what_was_drafted_and_what_it_gained(model: Model) -> None:
    """Rows cost nothing here: each accepted token is gained."""
    usage = decoded(model, LOOKUP, FRACTIONS, Sampling(max_tokens=60))[2]
    assert 0 < usage.accepted_tokens <= usage.drafted_tokens
    assert usage.gained_tokens == pytest.approx(usage.accepted_tokens, abs=2)
    assert usage.draft_gain == pytest.approx(60 / (60 - usage.gained_tokens))


def triples(model: Model, drafts: DraftOptions, seeds: range) -> Counter[str]:
    """How often each text of three tokens is sampled after a prompt that repeats itself."""
    with Batch(model, 8, drafts=drafts) as batch:
        counted: Counter[str] = Counter()
        for first in seeds[::8]:
            samplings = [
                Sampling(temperature=1.6, top_p=0.9, seed=seed, max_tokens=3) for seed in range(first, first + 8)
            ]
            counted.update(solve(batch, QUESTION, samplings))
            batch.clear_prefix_cache()
    return counted


def chi_square(one: Counter[str], other: Counter[str]) -> tuple[float, int]:
    """The statistic of two samples of the same size, and its degrees of freedom; rare texts are taken together."""
    common = [text for text in one | other if one[text] + other[text] >= 10]
    counts = [(one[text], other[text]) for text in common]
    counts.append((one.total() - sum(a for a, _ in counts), other.total() - sum(b for _, b in counts)))
    return sum((a - b) ** 2 / (a + b) for a, b in counts if a + b), len(counts) - 1


def test_what_is_sampled_with_drafts_has_the_distribution_of_what_is_sampled_without(model: Model) -> None:
    """A chi-square test of 480 texts of other seeds each: beyond the bound is one sample in ten thousand."""
    statistic, degrees = chi_square(triples(model, NO_DRAFTS, range(480)), triples(model, LOOKUP, range(1000, 1480)))
    assert degrees >= 5
    bound = degrees * (1 - 2 / (9 * degrees) + 3.72 * (2 / (9 * degrees)) ** 0.5) ** 3  # Wilson and Hilferty
    assert statistic < bound

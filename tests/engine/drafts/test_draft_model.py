"""A model that drafts: it drafts where that gains, rests where it does not, and follows what happens to sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.drafts.acceptance import Acceptance, OwnAcceptance
from qmath_cli.engine.drafts.draft_model import DraftModelSource
from qmath_cli.engine.drafts.opening import NO_DRAFTS, DraftOptions
from qmath_cli.engine.llama.compute_thread import ALONE
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.records import Mode, Prompt, Sampling, StepCost, Usage
from tests.engine.drafts.costs import DEAR, FREE
from tests.engine.driving import BLOCK, LONG, collect, solve, until
from tests.prompts import chat

GREEDY = Sampling(max_tokens=400)
PROMPT = chat("Find the roots of x^2 - 5x + 6 = 0.", Mode.TIR)
CHEAP = StepCost(((1, FREE.seconds(1) / 50),))


@pytest.fixture(scope="module")
def small_model(demo: Path) -> Iterator[Model]:
    """The demo in 4 bits: it nearly always agrees with the demo in 8."""
    with load(demo.with_name("demo-q4_k_m.gguf"), Options(), Preflight()) as loaded:
        yield loaded


def solved(model: Model, drafts: DraftOptions, prompt: Prompt = PROMPT) -> tuple[list[int], Usage]:
    """The tokens of a greedy text with one program, and their counts."""
    with Batch(model, drafts=drafts) as batch:
        (key,) = batch.start(prompt, [GREEDY])
        collect(batch, [key])
        batch.extend(key, BLOCK)
        collect(batch, [key])
        found = batch._sequences[key].tokens, batch.usage(key)
        batch.close()  # and again at the end of the block
        return found


def test_most_tokens_are_drafted_where_that_costs_next_to_nothing(model: Model, small_model: Model) -> None:
    tokens, usage = solved(model, DraftOptions(FREE, small_model, CHEAP))
    assert tokens == solved(model, NO_DRAFTS)[0]
    assert usage.accepted_tokens > 0.6 * usage.completion_tokens
    assert usage.draft_gain > 2


@pytest.mark.parametrize(
    ("cost", "own"), [(DEAR, CHEAP), (FREE, StepCost(((1, FREE.seconds(1)),)))], ids=["dear rows", "dear drafts"]
)
def test_nothing_is_drafted_where_it_could_not_gain(
    model: Model, small_model: Model, cost: StepCost, own: StepCost
) -> None:
    """And what is tried all the same costs less than a hundredth of the time."""
    usage = solved(model, DraftOptions(cost, small_model, own))[1]
    assert usage.drafted_tokens <= 2
    assert usage.gained_tokens >= -0.01 * usage.completion_tokens


def test_a_model_whose_tokens_are_never_accepted_rests_soon(model: Model, small_model: Model) -> None:
    """Hot sampling, which no greedy draft foresees."""
    quarter = StepCost(((1, FREE.seconds(1) / 4), (64, FREE.seconds(1))))
    with Batch(model, drafts=DraftOptions(FREE, small_model, quarter), endless=True) as batch:
        (key,) = batch.start(PROMPT, [Sampling(temperature=20, seed=1, max_tokens=900)])
        collect(batch, [key])
        first = batch.usage(key)
        batch.release(key)
        assert 0 < first.drafted_tokens < 40
        assert first.gained_tokens >= -0.01 * first.completion_tokens
        (other,) = batch.start(PROMPT, [Sampling(temperature=20, seed=2, max_tokens=200)])
        collect(batch, [other])
        assert batch.usage(other).drafted_tokens < 10, "a new sequence knows what the others saw"


def test_several_samples_share_the_small_models_prompt_and_end_as_without(model: Model, small_model: Model) -> None:
    """Greedy samples of one prompt, and one that is preempted by a long prompt in a KV cache for one context."""
    with Batch(model, 3, cells=4096, drafts=DraftOptions(FREE, small_model, CHEAP)) as batch:
        texts = solve(batch, PROMPT, [GREEDY] * 3)
        (long,) = batch.start(LONG, [Sampling(max_tokens=30)])
        (key,) = batch.start(PROMPT, [GREEDY])
        until(batch, lambda: batch.usage(long).completion_tokens > 5)
        batch.release(long)
        again, _ = collect(batch, [key])[key]
    with Batch(model) as batch:
        assert texts == solve(batch, PROMPT, [GREEDY]) * 3
    assert texts[0].partition(BLOCK)[0].endswith(again)


def test_what_the_small_model_holds_follows_removed_and_replaced_tokens(model: Model, small_model: Model) -> None:
    """Whatever the tokens are, it proposes what it would propose with an empty KV cache."""
    tokens = model.tokenize(PROMPT)
    followed = DraftModelSource(small_model, CHEAP, model.vocabulary, 2, 512, ALONE)
    try:
        for changed in (tokens, tokens[:-3], [*tokens[:-3], *tokens[:9]], tokens[5:], tokens[:40], tokens):
            fresh = DraftModelSource(small_model, CHEAP, model.vocabulary, 2, 512, ALONE)
            assert proposed(followed, changed) == proposed(fresh, changed)
            fresh.close()
    finally:
        followed.close()


def test_interrupts_at_any_moment_lose_nothing(
    model: Model, small_model: Model, alarm: Callable[[float], None]
) -> None:
    """Also while the small model computes."""
    undisturbed, _ = solved(model, NO_DRAFTS)
    interruptions, texts = 0, []
    with Batch(model, drafts=DraftOptions(FREE, small_model, CHEAP)) as batch:
        (key,) = batch.start(PROMPT, [GREEDY])
        state = batch._sequences[key]
        for _ in range(2):
            while state.active:
                try:
                    alarm(0.0002 * (1 + interruptions % 29) * (1 + interruptions // 60))
                    batch.step()
                    alarm(0)
                except KeyboardInterrupt:
                    interruptions += 1
            texts.append(list(state.tokens))
            batch.extend(key, BLOCK)
    assert interruptions > 3
    assert texts[1] == undisturbed


def proposed(source: DraftModelSource, tokens: list[int]) -> tuple[int, ...]:
    """What it proposes after these tokens."""
    sequence = SequenceState(0, GREEDY, (), list(tokens))
    sequence.slot = 0
    sequence.drafting.acceptance = OwnAcceptance(Acceptance(source.prior))
    (found,) = source.propose([sequence], [4], FREE)
    return found.tokens

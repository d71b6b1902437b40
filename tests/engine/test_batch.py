"""Many sequences in one context, on the demo model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.drafts.opening import NO_DRAFTS, DraftOptions
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.errors import PromptTooLong
from qmath_cli.records import Prompt, Sampling, Segment, Stop
from tests.engine.drafts.costs import FREE
from tests.engine.driving import BLOCK, LONG, collect, continued, solve, until

GREEDY = Sampling(max_tokens=400)
WARM = tuple(Sampling(temperature=2.5, top_p=0.95, seed=seed, max_tokens=160) for seed in range(8))


def test_a_problem_is_solved(model: Model, problem: Prompt) -> None:
    """The text has a program, its output and a boxed answer, and then ends."""
    with Batch(model) as batch:
        (text,) = solve(batch, problem, [GREEDY])
    assert "```python\n" in text
    assert BLOCK in text
    assert "\\boxed{" in text.partition(BLOCK)[2]
    assert "```output" not in text.replace(BLOCK, "")


def test_a_continued_sequence_computes_only_what_is_new(model: Model, problem: Prompt) -> None:
    """The prompt once, then the tokens of the output block and at most one more."""
    with Batch(model) as batch:
        (key,) = batch.start(problem, [GREEDY])
        collect(batch, [key])
        batch.extend(key, BLOCK)
        batch.step()
        usage = batch.usage(key)
    block = len(model.tokenize_plain(BLOCK.encode()))
    assert usage.prompt_tokens == len(model.tokenize(problem))
    assert usage.prompt_tokens + block <= usage.prefilled_tokens <= usage.prompt_tokens + block + 1


def test_a_continued_sequence_has_the_text_of_a_new_one(model: Model, problem: Prompt) -> None:
    """After a stop string is removed from the KV cache, decoding continues as after a prompt with the same text."""
    with Batch(model) as batch:
        (key,) = batch.start(problem, [GREEDY])
        first = collect(batch, [key])[key][0]
        batch.extend(key, BLOCK)
        second = collect(batch, [key])[key]
        batch.release(key)
        (fresh,) = batch.start(continued(problem, first + BLOCK), [GREEDY])
        assert collect(batch, [fresh])[fresh] == second


def test_eight_samples_share_the_prompt(model: Model, problem: Prompt) -> None:
    """The prompt is prefilled once; each other sample computes only its last token, and the cells are counted once."""
    with Batch(model, 8) as batch:
        ids = batch.start(problem, WARM)
        until(batch, lambda: all(batch.usage(key).completion_tokens for key in ids))
        prompt = batch.usage(ids[0]).prompt_tokens
        assert sum(batch.usage(key).prefilled_tokens for key in ids) == prompt + 7
        assert batch.cells_used <= prompt + sum(batch.usage(key).completion_tokens + 1 for key in ids)


def test_the_same_seeds_give_the_same_texts_in_any_order(model: Model, problem: Prompt) -> None:
    """Eight samples, the same eight again in the same context, and in reverse order."""
    with Batch(model, 8) as batch:
        first = solve(batch, problem, WARM)
        assert solve(batch, problem, WARM) == first
        assert solve(batch, problem, WARM[::-1])[::-1] == first
    assert len(set(first)) > 1


def test_more_sequences_than_slots_all_finish(model: Model, problem: Prompt) -> None:
    """Five sequences in two slots: three wait until a slot is free."""
    with Batch(model, 2) as batch:
        texts = solve(batch, problem, [replace(GREEDY, seed=seed) for seed in range(5)])
    assert len(texts) == 5
    assert len(set(texts)) == 1


def test_a_stopped_sequence_does_not_block_the_others(model: Model, problem: Prompt) -> None:
    """While one waits for its program, the other decodes; when both wait, no sequence can run."""
    with Batch(model, 2) as batch:
        one, other = batch.start(problem, [GREEDY, replace(GREEDY, seed=1)])
        collect(batch, [one, other])
        assert batch.step() == ()
        batch.extend(other, BLOCK)
        assert collect(batch, [other])[other][1] is Stop.END
        batch.extend(one, BLOCK)
        assert collect(batch, [one])[one][1] is Stop.END


def test_a_long_prefill_does_not_stall_a_decoding_sequence(model: Model, problem: Prompt) -> None:
    """The prompt is prefilled in slices; in each of these steps the other sequence gets a token."""
    with Batch(model, 2) as batch:
        (running,) = batch.start(problem, [GREEDY])
        batch.step()
        (long,) = batch.start(LONG, [Sampling(max_tokens=4)])
        steps = 0
        while not batch.usage(long).completion_tokens:
            assert batch.step()[0].sequence == running
            steps += 1
        assert steps > 5


def test_token_limits_and_the_context_end_a_sequence(model: Model, demo: Path, problem: Prompt) -> None:
    """max_tokens counts all sampled tokens of a sequence; a full context has its own reason."""
    with Batch(model) as batch:
        (key,) = batch.start(problem, [Sampling(max_tokens=7)])
        assert collect(batch, [key])[key][1] is Stop.MAX_TOKENS
        assert batch.usage(key).completion_tokens == 7
        batch.extend(key, "more")
        assert collect(batch, [key])[key] == ("", Stop.MAX_TOKENS)
    with load(demo, Options(ctx=96), Preflight()) as small, Batch(small) as batch:
        (key,) = batch.start(problem, [GREEDY])
        text, stop = collect(batch, [key])[key]
        assert stop in {Stop.CONTEXT, Stop.STRING}
        if stop is Stop.STRING:
            batch.extend(key, BLOCK * 4)
            assert collect(batch, [key])[key] == ("", Stop.CONTEXT)
        assert text


def test_a_prompt_that_does_not_fit_is_an_error_with_numbers(model: Model) -> None:
    """The message has both lengths."""
    huge = Prompt((Segment("12345 " * 4000),))
    with Batch(model) as batch, pytest.raises(PromptTooLong, match=r"\d{4,} tokens long; the context holds 4096"):
        batch.start(huge, [GREEDY])


def test_an_empty_prompt_is_an_error(model: Model) -> None:
    """There would be no logits to sample from."""
    with Batch(model) as batch, pytest.raises(ValueError, match="empty"):
        batch.start(Prompt(()), [GREEDY])


def test_only_a_stopped_sequence_can_be_extended(model: Model, problem: Prompt) -> None:
    """While it decodes or waits for admission, `extend` is an error and changes nothing."""
    with Batch(model) as batch:
        ids = batch.start(problem, [GREEDY, replace(GREEDY, seed=1)])
        batch.step()
        for key in ids:
            with pytest.raises(ValueError, match="has not stopped"):
                batch.extend(key, BLOCK)
        assert [batch.usage(key).output_tokens for key in ids] == [0, 0]


def test_a_degenerate_text_is_stopped(model: Model) -> None:
    """A text that repeats itself is stopped long before its token limit."""
    repetitive = Prompt((Segment("0000 " * 200),))
    with Batch(model) as batch:
        (key,) = batch.start(repetitive, [Sampling(max_tokens=3000)])
        _, stop = collect(batch, [key])[key]
        assert stop is Stop.DEGENERATE or batch.usage(key).completion_tokens < 1000


@pytest.mark.parametrize("drafts", [NO_DRAFTS, DraftOptions(FREE)], ids=["plain", "drafts"])
def test_ctrl_c_at_any_moment_loses_nothing(
    model: Model, problem: Prompt, alarm: Callable[[float], None], drafts: DraftOptions
) -> None:
    """A sequence that is interrupted many times, at various moments, gets the tokens of an undisturbed run."""
    with Batch(model) as batch:
        (key,) = batch.start(problem, [GREEDY])
        collect(batch, [key])
        undisturbed = list(batch._sequences[key].tokens)
    interruptions = 0
    with Batch(model, drafts=drafts) as batch:
        (key,) = batch.start(problem, [GREEDY])
        state = batch._sequences[key]
        while state.active:
            try:
                # various moments; the time grows until a step succeeds on a slow machine
                alarm(0.0002 * (1 + interruptions % 13) * (1 + interruptions // 40))
                batch.step()
                alarm(0)
            except KeyboardInterrupt:
                interruptions += 1
    assert interruptions > 3
    assert state.tokens == undisturbed


def test_ctrl_c_in_a_long_prefill_ends_it_and_leaves_the_batch_usable(
    model: Model, problem: Prompt, alarm: Callable[[float], None]
) -> None:
    """The interrupt is raised before the first token; afterwards both this sequence and another one finish."""
    with Batch(model, 2) as batch:
        (key,) = batch.start(LONG, [Sampling(max_tokens=4)])
        alarm(0.003)
        with pytest.raises(KeyboardInterrupt):
            batch.step()
        assert batch.usage(key).completion_tokens == 0
        (other,) = batch.start(problem, [GREEDY])
        done = collect(batch, [other, key])
        assert done[other][1] is Stop.STRING
        assert done[key][1] in {Stop.MAX_TOKENS, Stop.END}


def test_all_cells_are_free_after_all_sequences_are_released(model: Model, problem: Prompt) -> None:
    """Sequences are released while they run and while they wait for admission."""
    with Batch(model, 2) as batch:
        ids = batch.start(problem, WARM[:4])
        for _ in range(5):
            batch.step()
        for key in ids:
            batch.release(key)
        assert batch.cells_used == 0
        assert batch.step() == ()

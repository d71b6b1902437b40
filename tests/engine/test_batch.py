"""Many sequences in one context, on the demo model."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.errors import PromptTooLong
from qmath_cli.records import Prompt, Sampling, Segment, Stop
from tests.engine.driving import BLOCK, collect, solve, until

GREEDY = Sampling(max_tokens=400)
WARM = tuple(Sampling(temperature=2.5, top_p=0.95, seed=seed, max_tokens=160) for seed in range(8))
LONG = Prompt((Segment("1 + 2 = 3, 4 + 5 = 9. " * 120),))


def test_one_answer(model: Model, problem: Prompt) -> None:
    """A prompt, a program, its output, the boxed answer, the end."""
    with Batch(model) as batch:
        (text,) = solve(batch, problem, [GREEDY])
    assert "```python\n" in text
    assert BLOCK in text
    assert "\\boxed{" in text.partition(BLOCK)[2]
    assert "```output" not in text.replace(BLOCK, "")


def test_a_continued_sequence_computes_only_what_is_new(model: Model, problem: Prompt) -> None:
    """Prompt once, then the output blocks' own tokens, at most one more each."""
    with Batch(model) as batch:
        (key,) = batch.start(problem, [GREEDY])
        collect(batch, [key])
        batch.extend(key, BLOCK)
        batch.step()
        usage = batch.usage(key)
    block = len(model.tokenize_plain(BLOCK.encode()))
    assert usage.prompt_tokens == len(model.tokenize(problem))
    assert usage.prompt_tokens + block <= usage.prefilled_tokens <= usage.prompt_tokens + block + 1


def test_a_continued_sequence_reads_what_a_fresh_one_would(model: Model, problem: Prompt) -> None:
    """Cutting a stop string out of the KV cache leaves the same continuation as a prompt that never held it."""
    with Batch(model) as batch:
        (key,) = batch.start(problem, [GREEDY])
        first = collect(batch, [key])[key][0]
        batch.extend(key, BLOCK)
        continued = collect(batch, [key])[key]
        batch.release(key)
        whole = Prompt((*problem.segments, Segment(first + BLOCK)), problem.stops)
        (fresh,) = batch.start(whole, [GREEDY])
        assert collect(batch, [fresh])[fresh] == continued


def test_eight_samples_share_the_prompt(model: Model, problem: Prompt) -> None:
    """The prompt is computed once; each other sample pays one token for it, and the cells are counted once."""
    with Batch(model, 8) as batch:
        ids = batch.start(problem, WARM)
        until(batch, lambda: all(batch.usage(key).completion_tokens for key in ids))
        prompt = batch.usage(ids[0]).prompt_tokens
        assert sum(batch.usage(key).prefilled_tokens for key in ids) == prompt + 7
        assert batch.cells_used <= prompt + sum(batch.usage(key).completion_tokens + 1 for key in ids)


def test_the_same_seeds_give_the_same_texts_in_any_order(model: Model, problem: Prompt) -> None:
    """Eight samples, the same eight again in the same context, and listed backwards."""
    with Batch(model, 8) as batch:
        first = solve(batch, problem, WARM)
        assert solve(batch, problem, WARM) == first
        assert solve(batch, problem, WARM[::-1])[::-1] == first
    assert len(set(first)) > 1


def test_more_sequences_than_slots_take_turns(model: Model, problem: Prompt) -> None:
    """Sequences beyond the slots wait, and all come to an end."""
    with Batch(model, 2) as batch:
        texts = solve(batch, problem, [replace(GREEDY, seed=seed) for seed in range(5)])
    assert len(texts) == 5
    assert len(set(texts)) == 1


def test_a_stopped_sequence_does_not_hold_the_others(model: Model, problem: Prompt) -> None:
    """While one waits for its program, the other decodes on; when both wait, nothing can run."""
    with Batch(model, 2) as batch:
        one, other = batch.start(problem, [GREEDY, replace(GREEDY, seed=1)])
        collect(batch, [one, other])
        assert batch.step() == ()
        batch.extend(other, BLOCK)
        assert collect(batch, [other])[other][1] is Stop.END
        batch.extend(one, BLOCK)
        assert collect(batch, [one])[one][1] is Stop.END


def test_a_joining_prompt_does_not_stall_a_running_sequence(model: Model, problem: Prompt) -> None:
    """While a long prompt is prefilled in slices, every step still gives the other sequence its token."""
    with Batch(model, 2) as batch:
        (running,) = batch.start(problem, [GREEDY])
        batch.step()
        (joining,) = batch.start(LONG, [Sampling(max_tokens=4)])
        steps = 0
        while not batch.usage(joining).completion_tokens:
            assert batch.step()[0].sequence == running
            steps += 1
        assert steps > 5


def test_a_later_prompt_that_begins_alike_shares_the_beginning(model: Model) -> None:
    """Shots or a conversation already in the cache cost nothing again; only the new ending is computed."""
    with Batch(model, 2) as batch:
        batch.start(LONG, [Sampling(max_tokens=50)])
        batch.step()
        (key,) = batch.start(Prompt((*LONG.segments, Segment("What is 7 + 8?"))), [Sampling(max_tokens=4)])
        collect(batch, [key])
        assert batch.usage(key).prefilled_tokens < 20


def test_a_retained_sequence_leaves_its_beginning_behind(model: Model) -> None:
    """A released conversation costs the next one nothing, if the batch retains; by default everything is freed."""
    for retain, most in ((1, 20), (0, 10_000)):
        with Batch(model, 1, retain=retain) as batch:
            (first,) = batch.start(LONG, [Sampling(max_tokens=4)])
            collect(batch, [first])
            batch.release(first)
            assert bool(batch.cells_used) is bool(retain)
            (second,) = batch.start(Prompt((*LONG.segments, Segment("And 7?"))), [Sampling(max_tokens=4)])
            collect(batch, [second])
            assert (batch.usage(second).prefilled_tokens < 20) is (most == 20)


ALIKE = [Prompt((*LONG.segments, Segment(f"{word} 7 + 8?"))) for word in ("What is", "Find")]


def test_a_common_beginning_is_kept_on_disk(model: Model, tmp_path: Path) -> None:
    """The shots are computed in the first run only; the second reads their cells and says the same."""
    question = Prompt((*LONG.segments, Segment("What is 7 + 8?")))
    said, computed = [], []
    for run in range(2):
        with Batch(model, 1, retain=1) as batch:
            assert batch.warm(ALIKE, tmp_path) is (run == 1)
            (key,) = batch.start(question, [Sampling(max_tokens=20)])
            said.append(collect(batch, [key])[key])
            computed.append(batch.usage(key).prefilled_tokens)
    assert said[0] == said[1]
    assert max(computed) < 20


@pytest.mark.parametrize("damage", [b"", b"GGUF", b"x" * 4096])
def test_a_damaged_file_of_cells_is_computed_anew(model: Model, tmp_path: Path, damage: bytes) -> None:
    """Whatever lies there, the run goes on, and the file is good again."""
    for _ in range(2):
        with Batch(model, 1, retain=1) as batch:
            batch.warm(ALIKE, tmp_path)
        (file,) = tmp_path.iterdir()
        content = file.read_bytes()
        file.write_bytes(damage or content[: len(content) // 2])
    file.write_bytes(content)
    with Batch(model, 1, retain=1) as batch:
        assert batch.warm(ALIKE, tmp_path)


def test_a_common_beginning_stays_and_every_problem_meets_it_alike(model: Model, tmp_path: Path) -> None:
    """However many have come and gone, each pays for its own ending only, and says what it says in a new batch."""
    hot = Sampling(temperature=1.5, seed=4, max_tokens=30)
    with Batch(model, 2, retain=1) as batch:
        batch.warm(ALIKE, tmp_path)
        (first,) = solve(batch, ALIKE[1], [hot])
        for prompt in (ALIKE[0], Prompt((Segment("Something else"),)), *ALIKE):
            keys = batch.start(prompt, [hot, replace(hot, seed=9)])
            collect(batch, keys)
            if prompt in ALIKE:
                assert batch.usage(keys[0]).prefilled_tokens < 20
            for key in keys:
                batch.release(key)
        assert solve(batch, ALIKE[1], [hot]) == [first]
    with Batch(model, 2, retain=1) as fresh:
        assert fresh.warm(ALIKE, tmp_path)
        assert solve(fresh, ALIKE[1], [hot]) == [first]


def test_prompts_with_little_in_common_keep_nothing(model: Model, tmp_path: Path, problem: Prompt) -> None:
    """A chat's system sentence is not worth a file."""
    with Batch(model, 1, retain=1) as batch:
        assert not batch.warm([problem, Prompt((Segment("x"),))], tmp_path)
        assert batch.cells_used == 0
    assert not list(tmp_path.iterdir())


def test_a_common_beginning_gives_way_when_cells_run_short(demo: Path, tmp_path: Path, problem: Prompt) -> None:
    """A prompt that begins otherwise and needs all the cells gets them."""
    with load(demo, Options(ctx=224), Preflight()) as small:
        with Batch(small) as batch:
            (alone,) = solve(batch, problem, [GREEDY])
        start = Prompt((Segment("1, 2, 3, " * 20),))
        with Batch(small, 1, retain=1) as batch:
            batch.warm([start, start], tmp_path)
            assert batch.cells_used > 64
            assert solve(batch, problem, [GREEDY]) == [alone]


def test_forgetting_makes_a_batch_as_good_as_new(model: Model) -> None:
    """Retained cells are gone, and the next sequence computes everything itself."""
    with Batch(model, 1, retain=1) as batch:
        (first,) = batch.start(LONG, [Sampling(max_tokens=4)])
        collect(batch, [first])
        computed = batch.usage(first).prefilled_tokens
        batch.release(first)
        batch.forget()
        assert batch.cells_used == 0
        (second,) = batch.start(LONG, [Sampling(max_tokens=4)])
        collect(batch, [second])
        assert batch.usage(second).prefilled_tokens == computed


def test_when_cells_run_short_the_youngest_waits_and_comes_back(demo: Path, problem: Prompt) -> None:
    """Three samples in cells for two: all finish, with the texts they would have had alone."""
    samplings = [replace(GREEDY, seed=seed) for seed in range(3)]
    with load(demo, Options(ctx=224), Preflight()) as small:
        with Batch(small) as batch:
            (alone,) = solve(batch, problem, [GREEDY])
        with Batch(small, 3, cells=224) as batch:
            assert solve(batch, problem, samplings) == [alone] * 3
            assert batch.pauses > 0
            assert batch.cells_used == 0


def test_token_limits_and_the_context_end_a_sequence(model: Model, demo: Path, problem: Prompt) -> None:
    """max_tokens counts over the sequence's whole life; a full context is its own reason."""
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


def test_a_prompt_that_does_not_fit_says_so_with_numbers(model: Model) -> None:
    """No token is computed; the message has both lengths."""
    huge = Prompt((Segment("12345 " * 4000),))
    with Batch(model) as batch, pytest.raises(PromptTooLong, match=r"\d{4,} tokens long; the context holds 4096"):
        batch.start(huge, [GREEDY])


def test_a_degenerate_text_is_stopped(model: Model) -> None:
    """A model that can only repeat itself is stopped long before its token limit."""
    lead = Prompt((Segment("0000 " * 200),))
    with Batch(model) as batch:
        (key,) = batch.start(lead, [Sampling(max_tokens=3000)])
        _, stop = collect(batch, [key])[key]
        assert stop is Stop.DEGENERATE or batch.usage(key).completion_tokens < 1000


@pytest.fixture
def alarm() -> Iterator[Callable[[float], None]]:
    """Sets the time, in seconds, after which the next KeyboardInterrupt arrives."""

    def set_alarm(seconds: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)

    before = signal.signal(signal.SIGALRM, _interrupt)
    yield set_alarm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_at_any_moment_loses_nothing(model: Model, problem: Prompt, alarm: Callable[[float], None]) -> None:
    """Interrupted again and again at odd moments, a sequence still gets the tokens of an undisturbed run."""
    with Batch(model) as batch:
        (key,) = batch.start(problem, [GREEDY])
        collect(batch, [key])
        undisturbed = list(batch._sequences[key].tokens)
    interruptions = 0
    with Batch(model) as batch:
        (key,) = batch.start(problem, [GREEDY])
        state = batch._sequences[key]
        while state.active:
            try:
                # odd moments, and in the end long enough for a step on the slowest machine
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
    """The interrupt arrives before the first token; afterwards other work runs, and this work can go on."""
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


def test_everything_released_leaves_every_cell_free(model: Model, problem: Prompt) -> None:
    """Sequences released while running, while waiting, and before they ever ran."""
    with Batch(model, 2) as batch:
        ids = batch.start(problem, WARM[:4])
        for _ in range(5):
            batch.step()
        for key in ids:
            batch.release(key)
        assert batch.cells_used == 0
        assert batch.step() == ()

"""A prefix that many prompts share: computed once, kept on disk and in the KV cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.records import Prompt, Sampling, Segment
from tests.engine.driving import LONG, collect, continued, solve

GREEDY = Sampling(max_tokens=400)
QUESTIONS = [continued(LONG, "What is 7 + 8?"), continued(LONG, "Find 7 + 8?")]


def test_a_prefix_is_computed_in_the_first_run_only(model: Model, tmp_path: Path) -> None:
    """The second batch reads its cells from disk, and the text is the same."""
    texts, computed = [], []
    for run in range(2):
        with Batch(model, 1, retain=1) as batch:
            assert batch.cache_prefix(LONG, tmp_path) is (run == 1)
            (key,) = batch.start(QUESTIONS[0], [Sampling(max_tokens=20)])
            texts.append(collect(batch, [key])[key])
            computed.append(batch.usage(key).prefilled_tokens)
    assert texts[0] == texts[1]
    assert max(computed) < 20


def test_the_last_token_of_a_prefix_is_left_out(model: Model, tmp_path: Path) -> None:
    """It may merge with the text that follows."""
    with Batch(model, 1, retain=1) as batch:
        batch.cache_prefix(LONG, tmp_path)
        assert batch.cells_used == len(model.tokenize(LONG)) - 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda _content: b"",
        lambda _content: b"GGUF",
        lambda _content: b"x" * 4096,
    ],
    ids=["half", "one bit", "empty", "four bytes", "another file"],
)
def test_a_damaged_file_is_computed_again(model: Model, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Whatever the file contains, the run continues, and the file is valid again."""
    for _ in range(2):
        with Batch(model, 1, retain=1) as batch:
            assert not batch.cache_prefix(LONG, tmp_path)
        (file,) = tmp_path.iterdir()
        content = file.read_bytes()
        file.write_bytes(damage(content))
    file.write_bytes(content)
    with Batch(model, 1, retain=1) as batch:
        assert batch.cache_prefix(LONG, tmp_path)


def test_every_problem_gets_the_prefix_in_the_same_state(model: Model, tmp_path: Path) -> None:
    """After other prompts, only the rest of a prompt is prefilled, and its text is that of a new batch."""
    hot = Sampling(temperature=1.5, seed=4, max_tokens=30)
    with Batch(model, 2, retain=1) as batch:
        batch.cache_prefix(LONG, tmp_path)
        (first,) = solve(batch, QUESTIONS[1], [hot])
        for prompt in (QUESTIONS[0], Prompt((Segment("Something else"),)), *QUESTIONS):
            keys = batch.start(prompt, [hot, replace(hot, seed=9)])
            collect(batch, keys)
            if prompt in QUESTIONS:
                assert batch.usage(keys[0]).prefilled_tokens < 20
            for key in keys:
                batch.release(key)
        assert solve(batch, QUESTIONS[1], [hot]) == [first]
    with Batch(model, 2, retain=1) as fresh:
        assert fresh.cache_prefix(LONG, tmp_path)
        assert solve(fresh, QUESTIONS[1], [hot]) == [first]


@pytest.mark.parametrize("prefix", [Prompt(()), Prompt((Segment("<|im_start|>system\nBe exact.", special=True),))])
def test_a_short_prefix_is_not_kept(model: Model, tmp_path: Path, prefix: Prompt) -> None:
    """Neither nothing nor a chat's system message is written to disk."""
    with Batch(model, 1, retain=1) as batch:
        assert not batch.cache_prefix(prefix, tmp_path)
        assert batch.cells_used == 0
    assert not list(tmp_path.iterdir())


def test_a_prefix_is_evicted_when_its_cells_are_needed(demo: Path, tmp_path: Path, problem: Prompt) -> None:
    """A prompt that does not share it and needs all the cells gets them."""
    with load(demo, Options(ctx=224), Preflight()) as small:
        with Batch(small) as batch:
            (alone,) = solve(batch, problem, [GREEDY])
        with Batch(small, 1, retain=1) as batch:
            batch.cache_prefix(Prompt((Segment("1, 2, 3, " * 20),)), tmp_path)
            assert batch.cells_used > 64
            assert solve(batch, problem, [GREEDY]) == [alone]


def test_a_prefix_comes_before_the_first_sequence(model: Model, tmp_path: Path, problem: Prompt) -> None:
    """Afterwards, and in a batch that retains nothing, it is an error."""
    with Batch(model, 1, retain=1) as batch:
        batch.start(problem, [GREEDY])
        with pytest.raises(ValueError, match="first sequence"):
            batch.cache_prefix(LONG, tmp_path)
    with Batch(model, 1) as batch, pytest.raises(ValueError, match="retain"):
        batch.cache_prefix(LONG, tmp_path)


def test_an_interrupted_computation_of_a_prefix_leaves_nothing_behind(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No sequence, no cells; the next attempt works."""
    with Batch(model, 1, retain=1) as batch:
        with monkeypatch.context() as patched:
            patched.setattr(batch._context, "logits", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                batch.cache_prefix(LONG, tmp_path)
        batch.clear_prefix_cache()
        assert batch.cells_used == 0
        assert not batch.cache_prefix(LONG, tmp_path)
        assert batch.cells_used == len(model.tokenize(LONG)) - 1


def _interrupt(_index: int) -> None:
    raise KeyboardInterrupt

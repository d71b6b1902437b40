"""Several batches of the demo model at the same time."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.llama.placement import Placement
from qmath_cli.engine.parallel_batches import ParallelBatches, open_engine
from qmath_cli.errors import PromptTooLong
from qmath_cli.records import Chunk, Mode, Prompt, Sampling, Segment, Shape
from tests.engine.driving import BLOCK, collect, continued, solve
from tests.prompts import chat

GREEDY = Sampling(max_tokens=400)
WARM = tuple(Sampling(temperature=2.5, top_p=0.95, seed=seed, max_tokens=60) for seed in range(6))
PROBLEMS = tuple(
    chat(text, Mode.TIR) for text in ("Find the roots of x^2 - 5x + 6 = 0.", "What is 12 + 30?", "What is 12% of 450?")
)


@pytest.fixture
def engine(model: Model) -> Iterator[ParallelBatches]:
    with ParallelBatches(model, 4, 2) as opened:
        yield opened


def test_problems_in_two_batches_have_the_texts_of_each_alone(model: Model, engine: ParallelBatches) -> None:
    """Greedy texts, outputs of programs included."""
    ids = [engine.start(problem, [GREEDY])[0] for problem in PROBLEMS]
    first = collect(engine, ids)
    for key in ids:
        engine.extend(key, BLOCK)
    second = collect(engine, ids)
    for key, problem in zip(ids, PROBLEMS, strict=True):
        with Batch(model) as batch:
            assert solve(batch, problem, [GREEDY]) == [first[key][0] + BLOCK + second[key][0]]


def test_problems_go_to_the_batch_with_the_fewest_sequences(engine: ParallelBatches) -> None:
    """Of four problems, two batches get two each."""
    ids = [engine.start(problem, [GREEDY])[0] for problem in (*PROBLEMS, PROBLEMS[0])]
    assert sorted(key % 2 for key in ids) == [0, 0, 1, 1]


def test_the_samples_of_a_problem_stay_together_as_far_as_there_are_slots(engine: ParallelBatches) -> None:
    """With two slots per batch, two of three samples share a batch, and the third goes to the other."""
    ids = engine.start(PROBLEMS[0], WARM[:3])
    assert [key % 2 for key in ids] == [0, 0, 1]


def test_a_text_does_not_depend_on_the_order_of_the_samplings(model: Model) -> None:
    """The same seeds in reverse order give the same texts."""
    with ParallelBatches(model, 4, 2) as engine:
        forwards = solve(engine, PROBLEMS[0], WARM)
    with ParallelBatches(model, 4, 2) as engine:
        backwards = solve(engine, PROBLEMS[0], WARM[::-1])
    assert forwards == backwards[::-1]
    assert len(set(forwards)) > 1


def test_two_batches_with_equal_work_alternate(engine: ParallelBatches) -> None:
    """Two sequences of one prompt in two batches: in each round of steps both have a chunk."""
    ids = engine.start(PROBLEMS[0], WARM[:1]) + engine.start(PROBLEMS[0], WARM[1:2])
    for _ in range(5):
        chunks = [chunk.sequence for _ in range(engine.steps_per_round) for chunk in engine.step()]
        assert sorted(chunks) == sorted(ids)


def test_a_long_prefill_in_one_batch_does_not_delay_the_other(engine: ParallelBatches) -> None:
    """The virtual clock counts tokens: during a prefill of a thousand, many are decoded in the other batch."""
    (short,) = engine.start(PROBLEMS[0], [GREEDY])
    engine.step()
    (long,) = engine.start(Prompt((Segment("1 + 2 = 3. " * 125),)), [GREEDY])
    assert {key % 2 for key in (short, long)} == {0, 1}
    chunks = [chunk.sequence for _ in range(40) for chunk in engine.step()]
    assert chunks == [short] * 40


def test_an_extension_waits_while_its_batch_computes(model: Model, engine: ParallelBatches) -> None:
    """A stopped sequence is extended while its batch computes for another one: its text is complete."""
    first, other, companion = (engine.start(problem, [GREEDY])[0] for problem in (PROBLEMS[1], *PROBLEMS[:2]))
    assert [key % 2 for key in (first, other, companion)] == [0, 1, 0]
    text, stopped, extended = "", False, False
    while not (extended and stopped):
        chunks = engine.step()
        mine = [chunk for chunk in chunks if chunk.sequence == first]
        text += "".join(chunk.text for chunk in mine)
        stopped = stopped or any(chunk.stop for chunk in mine)
        if stopped and not extended and chunks[0].sequence == other:  # the first batch has started its next step
            engine.extend(first, BLOCK)
            text, stopped, extended = text + BLOCK, False, True
    with Batch(model) as batch:
        assert solve(batch, PROBLEMS[1], [GREEDY]) == [text]


def test_an_idle_batch_does_not_delay_the_other(engine: ParallelBatches) -> None:
    """With one sequence, every step returns its next chunk."""
    (key,) = engine.start(PROBLEMS[0], [replace(GREEDY, max_tokens=8)])
    chunks = [engine.step() for _ in range(8)]
    assert [chunk.sequence for step in chunks for chunk in step] == [key] * 8
    assert engine.step() == ()


def test_all_cells_are_free_after_all_sequences_are_released(engine: ParallelBatches) -> None:
    """Also if their batch is computing."""
    ids = [key for problem in PROBLEMS for key in engine.start(problem, WARM[:2])]
    for _ in range(5):
        engine.step()
    for key in ids:
        engine.release(key)
    assert engine.cells_used == 0
    assert engine.step() == ()


def test_a_prompt_that_is_too_long_changes_nothing(engine: ParallelBatches) -> None:
    """The next problem gets the first id of the first batch."""
    with pytest.raises(PromptTooLong):
        engine.start(Prompt((Segment("1 + 2 = 3. " * 2000),)), [GREEDY])
    assert engine.start(PROBLEMS[0], [GREEDY]) == (0,)


def test_a_prefix_is_kept_in_every_batch(model: Model, tmp_path: Path) -> None:
    """The first batch computes and writes it, the second one reads it; both then prefill only the rest of a prompt."""
    examples = Prompt((Segment("2 + 3 is 5, and 4 + 4 is 8. " * 12),))
    prompts = [continued(examples, text) for text in ("What is 1 + 1?", "So 9 - 2 is")]
    with ParallelBatches(model, 2, 2, retain=1) as engine:
        assert not engine.cache_prefix(examples, tmp_path)
        ids = [engine.start(prompt, [replace(GREEDY, max_tokens=2)])[0] for prompt in prompts]
        collect(engine, ids)
        assert all(engine.usage(key).prefilled_tokens < 20 for key in ids)
    with ParallelBatches(model, 2, 2, retain=1) as engine:
        assert engine.cache_prefix(examples, tmp_path)


def test_a_cleared_prefix_cache_frees_the_cells_of_every_batch(model: Model) -> None:
    """Also if one of them is computing."""
    with ParallelBatches(model, 2, 2, retain=1) as engine:
        released = [engine.start(problem, WARM[:1])[0] for problem in PROBLEMS[:2]]
        engine.step()
        for key in released:
            engine.release(key)
        assert engine.cells_used > 0
        (running,) = engine.start(PROBLEMS[2], WARM[:1])
        engine.step()
        engine.clear_prefix_cache()
        usage = engine.usage(running)
        assert engine.cells_used <= usage.prompt_tokens + usage.completion_tokens


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("without_gc")
def test_ctrl_c_at_any_moment_loses_nothing(model: Model, engine: ParallelBatches) -> None:
    """Two batches that are interrupted many times, at various moments, compute the tokens of an undisturbed run.

    An interrupt can lose chunks that `step` was about to return; all other chunks are parts of the same text.
    """
    with Batch(model, 2) as batch:
        undisturbed = [batch.start(problem, [GREEDY])[0] for problem in PROBLEMS[:2]]
        texts = [text for text, _stop in collect(batch, undisturbed).values()]
        wanted = [batch.usage(key).completion_tokens for key in undisturbed]
    ids = [engine.start(problem, [GREEDY])[0] for problem in PROBLEMS[:2]]
    ends, idle, interruptions = dict.fromkeys(ids, 0), False, 0
    while not idle:
        chunks: tuple[Chunk, ...] = ()
        try:
            with interrupted_after(0.0002 * (1 + interruptions % 13) * (1 + interruptions // 40)):
                chunks = engine.step()
                idle = not chunks
        except KeyboardInterrupt:
            interruptions += 1
        for chunk in chunks:
            text = texts[ids.index(chunk.sequence)]
            found = text.find(chunk.text, ends[chunk.sequence])
            assert found >= 0
            ends[chunk.sequence] = found + len(chunk.text)
    assert interruptions
    assert [engine.usage(key).completion_tokens for key in ids] == wanted


@pytest.mark.parametrize(("batches", "slots", "expected"), [(2, 16, 2), (2, 1, 1), (1, 16, 1), (64, 16, 4)])
def test_the_number_of_batches_follows_placement_and_slots(
    model: Model, monkeypatch: pytest.MonkeyPatch, batches: int, slots: int, expected: int
) -> None:
    """As many as the placement allows, but no more than slots, and no more than one batch would have whole contexts."""
    placement = Placement(None, 0, all_layers=False, threads=1, batches=batches)
    monkeypatch.setattr(model, "placement", placement)
    engine = open_engine(model, Shape(slots))
    assert engine.steps_per_round == expected
    engine.close()


@pytest.mark.parametrize(("batches", "slots", "expected"), [(2, 16, 2), (1, 16, 1), (2, 1, 1)])
def test_a_shape_with_a_number_of_batches_overrules_the_placement(
    model: Model, monkeypatch: pytest.MonkeyPatch, batches: int, slots: int, expected: int
) -> None:
    """What was measured on this machine decides, not the size of the model."""
    placement = Placement(None, 0, all_layers=False, threads=1, batches=4)
    monkeypatch.setattr(model, "placement", placement)
    engine = open_engine(model, Shape(slots, batches, threads=1))
    assert engine.steps_per_round == expected
    engine.close()

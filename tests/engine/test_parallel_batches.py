"""Several batches side by side on the demo model."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.devices import Placement
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.parallel_batches import ParallelBatches, open_engine
from qmath_cli.errors import PromptTooLong
from qmath_cli.prompting import chat
from qmath_cli.records import Chunk, Mode, Prompt, Sampling, Segment
from tests.engine.driving import BLOCK, collect, solve

GREEDY = Sampling(max_tokens=400)
WARM = tuple(Sampling(temperature=2.5, top_p=0.95, seed=seed, max_tokens=60) for seed in range(6))
PROBLEMS = tuple(
    chat.chat(text, Mode.TIR)
    for text in ("Find the roots of x^2 - 5x + 6 = 0.", "What is 12 + 30?", "What is 12% of 450?")
)


@pytest.fixture
def lanes(model: Model) -> Iterator[ParallelBatches]:
    with ParallelBatches(model, 4, 2) as engine:
        yield engine


def test_problems_in_two_lanes_are_answered_as_each_alone(model: Model, lanes: ParallelBatches) -> None:
    """Greedy texts, programs' outputs included."""
    ids = [lanes.start(problem, [GREEDY])[0] for problem in PROBLEMS]
    first = collect(lanes, ids)
    for key in ids:
        lanes.extend(key, BLOCK)
    second = collect(lanes, ids)
    for key, problem in zip(ids, PROBLEMS, strict=True):
        with Batch(model) as batch:
            assert solve(batch, problem, [GREEDY]) == [first[key][0] + BLOCK + second[key][0]]


def test_problems_go_to_the_lane_with_the_fewest_sequences(lanes: ParallelBatches) -> None:
    """Four problems on two lanes are two on each."""
    ids = [lanes.start(problem, [GREEDY])[0] for problem in (*PROBLEMS, PROBLEMS[0])]
    assert sorted(key % 2 for key in ids) == [0, 0, 1, 1]


def test_the_samples_of_a_problem_stay_together_as_far_as_there_are_slots(lanes: ParallelBatches) -> None:
    """Two slots a lane: of three samples two share a lane, and the third has the other lane's."""
    ids = lanes.start(PROBLEMS[0], WARM[:3])
    assert [key % 2 for key in ids] == [0, 0, 1]


def test_a_text_does_not_depend_on_the_order_of_the_samplings(model: Model) -> None:
    """The same seeds, listed backwards, give the same texts."""
    with ParallelBatches(model, 4, 2) as lanes:
        forwards = solve(lanes, PROBLEMS[0], WARM)
    with ParallelBatches(model, 4, 2) as lanes:
        backwards = solve(lanes, PROBLEMS[0], WARM[::-1])
    assert forwards == backwards[::-1]
    assert len(set(forwards)) > 1


def test_two_lanes_at_the_same_work_report_by_turns(lanes: ParallelBatches) -> None:
    """Two sequences of one prompt in two lanes: in as many steps as there are turns both have said something."""
    ids = lanes.start(PROBLEMS[0], WARM[:1]) + lanes.start(PROBLEMS[0], WARM[1:2])
    for _ in range(5):
        heard = [chunk.sequence for _ in range(lanes.turns) for chunk in lanes.step()]
        assert sorted(heard) == sorted(ids)


def test_a_long_prompt_in_one_lane_does_not_keep_the_other_waiting(lanes: ParallelBatches) -> None:
    """Time is counted in tokens: while a thousand are prefilled here, many are decoded there."""
    (short,) = lanes.start(PROBLEMS[0], [GREEDY])
    lanes.step()
    (long,) = lanes.start(Prompt((Segment("1 + 2 = 3. " * 125),)), [GREEDY])
    assert {key % 2 for key in (short, long)} == {0, 1}
    heard = [chunk.sequence for _ in range(40) for chunk in lanes.step()]
    assert heard == [short] * 40


def test_what_a_computing_lane_is_told_waits_for_its_batch(model: Model, lanes: ParallelBatches) -> None:
    """A sequence that stopped is extended while its lane computes for another: nothing is lost, nothing said twice."""
    first, other, companion = (lanes.start(problem, [GREEDY])[0] for problem in (PROBLEMS[1], *PROBLEMS[:2]))
    assert [key % 2 for key in (first, other, companion)] == [0, 1, 0]
    text, stopped, extended = "", False, False
    while not (extended and stopped):
        chunks = lanes.step()
        mine = [chunk for chunk in chunks if chunk.sequence == first]
        text += "".join(chunk.text for chunk in mine)
        stopped = stopped or any(chunk.stop for chunk in mine)
        if stopped and not extended and chunks[0].sequence == other:  # so the other lane has begun a batch
            lanes.extend(first, BLOCK)
            text, stopped, extended = text + BLOCK, False, True
    with Batch(model) as batch:
        assert solve(batch, PROBLEMS[1], [GREEDY]) == [text]


def test_a_lane_that_has_nothing_to_do_holds_nobody_up(lanes: ParallelBatches) -> None:
    """One sequence: every step is its own."""
    (key,) = lanes.start(PROBLEMS[0], [replace(GREEDY, max_tokens=8)])
    chunks = [lanes.step() for _ in range(8)]
    assert [chunk.sequence for step in chunks for chunk in step] == [key] * 8
    assert lanes.step() == ()


def test_sequences_released_at_any_moment_leave_every_cell_free(lanes: ParallelBatches) -> None:
    """Also while their lane is computing."""
    ids = [key for problem in PROBLEMS for key in lanes.start(problem, WARM[:2])]
    for _ in range(5):
        lanes.step()
    for key in ids:
        lanes.release(key)
    assert lanes.cells_used == 0
    assert lanes.step() == ()


def test_a_prompt_that_is_too_long_changes_nothing(lanes: ParallelBatches) -> None:
    """The next problem is dealt as if it had never been."""
    with pytest.raises(PromptTooLong):
        lanes.start(Prompt((Segment("1 + 2 = 3. " * 2000),)), [GREEDY])
    assert lanes.start(PROBLEMS[0], [GREEDY]) == (0,)


def test_a_common_beginning_is_kept_in_every_lane(model: Model, tmp_path: Path) -> None:
    """Computed and written by the first lane, read by the second; both then compute the endings only."""
    shots = Segment("2 + 3 is 5, and 4 + 4 is 8. " * 12)
    asked = [Prompt((shots, Segment(text))) for text in ("What is 1 + 1?", "So 9 - 2 is")]
    with ParallelBatches(model, 2, 2, retain=1) as lanes:
        assert not lanes.warm(asked, tmp_path)
        ids = [lanes.start(prompt, [replace(GREEDY, max_tokens=2)])[0] for prompt in asked]
        collect(lanes, ids)
        assert all(lanes.usage(key).prefilled_tokens < 20 for key in ids)
    with ParallelBatches(model, 2, 2, retain=1) as lanes:
        assert lanes.warm(asked, tmp_path)


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


def test_ctrl_c_at_any_moment_loses_nothing(model: Model, lanes: ParallelBatches) -> None:
    """Interrupted again and again at odd moments, two lanes still compute the tokens of an undisturbed run.

    Chunks that were on their way to the caller are lost with an interrupt; what comes is part of the same text.
    """
    with Batch(model, 2) as batch:
        calm = [batch.start(problem, [GREEDY])[0] for problem in PROBLEMS[:2]]
        alone = [text for text, _stop in collect(batch, calm).values()]
        wanted = [batch.usage(key).completion_tokens for key in calm]
    ids = [lanes.start(problem, [GREEDY])[0] for problem in PROBLEMS[:2]]
    heard, idle, interruptions = dict.fromkeys(ids, 0), False, 0
    while not idle:
        chunks: tuple[Chunk, ...] = ()
        try:
            with interrupted_after(0.0002 * (1 + interruptions % 13) * (1 + interruptions // 40)):
                chunks = lanes.step()
                idle = not chunks
        except KeyboardInterrupt:
            interruptions += 1
        for chunk in chunks:
            text = alone[ids.index(chunk.sequence)]
            found = text.find(chunk.text, heard[chunk.sequence])
            assert found >= 0
            heard[chunk.sequence] = found + len(chunk.text)
    assert interruptions
    assert [lanes.usage(key).completion_tokens for key in ids] == wanted


@pytest.mark.parametrize(("lanes", "slots", "turns"), [(2, 16, 2), (2, 1, 1), (1, 16, 1), (64, 16, 4)])
def test_there_are_lanes_where_they_pay(model: Model, lanes: int, slots: int, turns: int) -> None:
    """For a placement that has them and more than one sequence; no more than one batch would have contexts."""
    usual, model.placement = model.placement, Placement(None, 0, all_layers=False, threads=1, lanes=lanes)
    try:
        engine = open_engine(model, slots)
    finally:
        model.placement = usual
    assert engine.turns == turns
    engine.close()

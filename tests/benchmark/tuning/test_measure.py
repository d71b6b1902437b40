"""What is measured, in which order, and that it ends in time: on scripted machines, and once on the demo model."""

from __future__ import annotations

import pytest

from qmath_cli.benchmark.tuning.choose import choose
from qmath_cli.benchmark.tuning.measure import BRIEF, LONGEST_S, THOROUGH, arrangements, measure
from qmath_cli.benchmark.tuning.rigs import Rigs
from qmath_cli.benchmark.tuning.table import Arrangement
from qmath_cli.engine.llama.model import Model
from qmath_cli.errors import DoesNotFit
from qmath_cli.records import Shape, Work
from tests.benchmark.tuning.scripted import AVX2, AVX2_HALF, SIDE, TWO, Machine, cost

ONE = Arrangement(1, 1)  # no barriers, which other processes on the cores would delay


def avx2(arrangement: Arrangement, rows: int) -> float:
    return (cost(AVX2) if arrangement == TWO else cost(AVX2_HALF)).seconds(rows)


def test_what_is_measured_is_what_the_machine_takes() -> None:
    """Both arrangements, small numbers of rows all of them; the fastest shape is found."""
    machine = Machine(avx2)
    found = measure((TWO, SIDE), machine.rig, now=machine.now, processor=machine.processor)
    assert [one.arrangement for one in found.arrangements] == [TWO, SIDE]
    assert {1, 2, 3, 4, 5, 6, 7, 8, 16, 32} <= {rows for rows, _ in found.steps.points}
    for one in found.arrangements:
        for rows, seconds in one.cost.points:
            assert seconds == pytest.approx(avx2(one.arrangement, rows))
    assert found.steps.relative(4) == pytest.approx(4 / 30 * 16)
    assert found.fastest[0] == Shape(16, 1, 2)
    assert found.prefill.seconds(64) == pytest.approx(64 * 0.02)


@pytest.mark.parametrize("slowness", [1, 5, 20, 300])
def test_measuring_ends_in_time_however_slow_the_model_is(slowness: int) -> None:
    """Only the first steps and the first slice of a prompt are computed whatever they cost."""
    machine = Machine(lambda arrangement, rows: slowness * avx2(arrangement, rows), prefill=0.02 * slowness)
    found = measure((TWO, SIDE), machine.rig, now=machine.now, processor=machine.processor)
    least = slowness * (16 * 0.02 + 2 * avx2(TWO, 1))
    assert machine.time <= max(LONGEST_S, least) + 1e-9
    assert found.seconds == pytest.approx(machine.time)
    assert found.steps.points[0][0] == 1


def test_a_quick_model_takes_no_longer_than_it_has_to() -> None:
    machine = Machine(lambda arrangement, rows: avx2(arrangement, rows) / 10, prefill=0.002)
    measure((TWO, SIDE), machine.rig, now=machine.now, processor=machine.processor)
    assert machine.time < LONGEST_S / 4


def test_before_a_run_less_is_measured_and_the_same_shape_is_found() -> None:
    """In less than half of the time."""
    thorough, brief = Machine(avx2), Machine(avx2)
    found = [
        measure((TWO, SIDE), machine.rig, effort, longest=100, now=machine.now, processor=machine.processor)
        for machine, effort in ((thorough, THOROUGH), (brief, BRIEF))
    ]
    assert found[0].fastest == found[1].fastest
    assert brief.time < thorough.time / 2
    for samples in (8, 32, 512):
        shapes = [choose(one, Work(samples)) for one in found]
        assert shapes[0] is not None
        assert shapes[1] is not None
        assert shapes[0].shape == shapes[1].shape


def test_on_a_slow_model_the_numbers_that_tell_most_are_measured() -> None:
    """Of a step of a second and a half: one row, four and eight before the rest."""
    machine = Machine(lambda _arrangement, rows: 1.5 + 0.1 * rows, prefill=0.1)
    found = measure((TWO,), machine.rig, now=machine.now, processor=machine.processor)
    assert {1, 4, 8} <= {rows for rows, _ in found.steps.points}
    assert len(found.steps.points) < 10


def test_what_is_clearly_slow_is_not_measured_again() -> None:
    """Beyond the small numbers, which drafts need."""
    machine = Machine(lambda _arrangement, rows: 0.05 * (1 if rows <= 4 else rows))
    measure((TWO,), machine.rig, now=machine.now, processor=machine.processor)
    assert machine.rounds.count((TWO, 32)) == 1
    assert machine.rounds.count((TWO, 4)) == 3
    assert machine.rounds.count((TWO, 8)) == 3


def test_a_disturbed_step_does_not_count() -> None:
    """The lowest of several is taken: every second step takes ten times as long."""
    calls = iter(range(10_000))
    machine = Machine(lambda arrangement, rows: avx2(arrangement, rows) * (10 if next(calls) % 2 else 1))
    found = measure((TWO,), machine.rig, now=machine.now, processor=machine.processor, longest=60)
    assert found.steps.seconds(4) == pytest.approx(avx2(TWO, 4))


@pytest.mark.parametrize(("share", "disturbed"), [(1.0, False), (0.9, False), (0.5, True)])
def test_a_measurement_says_whether_other_programs_computed_meanwhile(share: float, disturbed: bool) -> None:
    """By the processor time that this process got; where others took much, that time is what counts."""
    machine = Machine(avx2, share=share)
    found = measure((TWO, SIDE), machine.rig, now=machine.now, processor=machine.processor)
    assert found.processor == pytest.approx(share)
    assert found.disturbed is disturbed
    assert found.steps.seconds(4) == pytest.approx(avx2(TWO, 4) * (share if disturbed else 1))
    assert found.prefill.seconds(64) == pytest.approx(64 * 0.02 * (share if disturbed else 1))
    elsewhere = measure((TWO,), machine.rig, now=machine.now, processor=None)  # a GPU computes
    assert not elsewhere.disturbed


def test_an_arrangement_without_memory_is_left_out() -> None:
    """What was measured before it counts; if nothing was, there is no measurement."""
    found = measure((TWO, SIDE), Machine(avx2, room=1).rig, longest=5)
    assert [one.arrangement for one in found.arrangements] == [TWO]
    with pytest.raises(DoesNotFit):
        measure((TWO, SIDE), Machine(avx2, room=0).rig)


def test_a_clock_of_processor_time_that_does_not_tick_gives_no_cost_of_zero() -> None:
    """Where it ticks in steps of some milliseconds, a short step takes none."""
    machine = Machine(avx2)
    found = measure((TWO,), machine.rig, now=machine.now, processor=lambda: 0.0)
    assert found.disturbed
    assert found.steps.seconds(4) == pytest.approx(avx2(TWO, 4))


def test_few_rows_are_measured_where_there_is_memory_for_few() -> None:
    machine = Machine(avx2, most=4)
    found = measure((TWO, SIDE), machine.rig, now=machine.now, processor=machine.processor)
    assert found.steps.most == 4
    assert found.arrangements[1].cost.most == 2


@pytest.mark.parametrize(
    ("cores", "fixed", "cpu", "expected"),
    [
        (1, False, True, [(1, 1)]),
        (2, False, True, [(1, 2), (2, 1)]),
        (3, False, True, [(1, 3), (2, 1)]),
        (8, False, True, [(1, 8), (2, 4), (4, 2), (1, 4)]),
        (8, True, True, [(1, 8)]),
        (8, False, False, [(1, 8)]),
    ],
)
def test_arrangements_share_the_cores_unless_the_user_gave_the_threads_or_a_gpu_computes(
    cores: int, fixed: bool, cpu: bool, expected: list[tuple[int, int]]
) -> None:
    found = arrangements(cores, fixed=fixed, side_by_side=cpu)
    assert [(one.batches, one.threads) for one in found] == expected


def test_the_demo_model_is_measured_through_the_engine(model: Model) -> None:
    """Sequences as deep as the prompt, all numbers of rows, in one batch and in two; the share of the time rises."""
    shares: list[float] = []
    found = measure((ONE, SIDE), Rigs(model, 4), on_share=shares.append)
    assert [rows for rows, _ in found.steps.points] == [1, 2, 3, 4]
    assert [rows for rows, _ in found.arrangements[1].cost.points] == [1, 2]
    assert found.depth == 240
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_model_with_little_context_is_measured_less_deep(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "context_length", 64)
    found = measure((ONE,), Rigs(model, 2))
    assert 0 < found.depth <= 60
    assert found.steps.points[0][0] == 1

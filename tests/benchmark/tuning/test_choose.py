"""The shape that is chosen for some work, on machines whose steps cost what a table says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qmath_cli.benchmark.tuning.choose import choose, expected
from qmath_cli.evaluation.schedule import group_size
from qmath_cli.records import Shape, StepCost, Work
from tests.benchmark.tuning.scripted import AVX2, AVX2_HALF, tuning

EVALUATION = Work(512, group=group_size)
#: A machine with so much bandwidth to spare that a row more costs nothing up to 32, as a GPU has.
FLAT = {rows: rows * 50.0 for rows in (1, 2, 4, 8, 16, 32)}
#: One that gains nothing from a batch.
NO_GAIN = dict.fromkeys((1, 2, 4, 8, 16, 32), 10.0)
#: Four rows at a time: what is between costs as much as the next multiple.
FOURS = {rows: rows / (0.05 * -(-rows // 4)) for rows in (1, 2, 3, 4, 5, 6, 7, 8, 12, 16)}


def test_eight_samples_run_four_at_a_time_where_eight_cost_more_than_twice_four() -> None:
    """The table of the AVX2 machine, one batch only."""
    found = choose(tuning(AVX2), Work(8, each=8))
    assert found is not None
    assert found.shape == Shape(4, 1, 2)


def test_eight_samples_take_two_batches_of_four_where_prompts_cost_little() -> None:
    """Side by side, four and four are faster than four after four; each batch has to read the prompt for itself."""
    quick = StepCost(((64, 0.05),))
    found = choose(tuning(AVX2, AVX2_HALF | {4: 16.5}, quick), Work(8, each=8))
    assert found is not None
    assert found.shape == Shape(8, 2, 1)
    one_batch = expected(tuning(AVX2, AVX2_HALF, quick), Work(8, each=8), Shape(8, 1, 2))
    assert one_batch is not None
    assert found.rate / one_batch > 1.3


def test_two_batches_are_not_taken_where_reading_the_prompt_twice_eats_up_what_they_gain() -> None:
    slow = StepCost(((64, 6.4),))
    found = choose(tuning(AVX2, AVX2_HALF, slow), Work(8, each=8))
    assert found is not None
    assert found.shape.batches == 1


@pytest.mark.parametrize(
    ("rates", "shape"),
    [(AVX2, Shape(16, 1, 2)), (FLAT, Shape(32, 1, 2)), (NO_GAIN, Shape(1, 1, 2)), (FOURS, Shape(4, 1, 2))],
)
def test_an_evaluation_takes_the_smallest_width_of_those_that_are_fastest(
    rates: dict[int, float], shape: Shape
) -> None:
    """Wide where width pays, one at a time where it does not, and not 16 where 4 is as fast."""
    found = choose(tuning(rates), EVALUATION)
    assert found is not None
    assert found.shape == shape


@pytest.mark.parametrize("rates", [AVX2, FLAT, NO_GAIN, FOURS])
@pytest.mark.parametrize("samples", [1, 2, 3, 5, 9, 32, 300])
def test_no_other_measured_width_is_expected_to_be_clearly_faster(rates: dict[int, float], samples: int) -> None:
    """Whatever the table and the number of samples; and never more at once than there are samples."""
    work = Work(samples)
    found = choose(tuning(rates), work)
    assert found is not None
    assert found.shape.width <= samples
    others = [expected(tuning(rates), work, Shape(min(rows, samples), 1, 2)) or 0.0 for rows in rates]
    assert found.rate >= 0.98 * max(others)


def test_a_number_that_the_user_gave_is_kept_and_only_the_batches_are_chosen() -> None:
    found = choose(tuning(AVX2, {rows: rate * 0.9 for rows, rate in AVX2.items()}), EVALUATION, width=8)
    assert found is not None
    assert found.shape == Shape(8, 2, 1)


def test_several_batches_have_to_be_clearly_faster_than_one() -> None:
    """By more than some hundredths; and not by figures that other programs disturbed."""
    work, quick = Work(16, each=16), StepCost(((64, 0.05),))
    one_batch = {rows: 10.0 * rows**0.5 for rows in (1, 2, 4, 8, 16)}

    def batches(gain: float, processor: float = 1.0) -> int:
        side = {rows: gain / 2 * one_batch[2 * rows] for rows in (1, 2, 4, 8)}
        found = choose(replace(tuning(one_batch, side, quick), processor=processor), work)
        assert found is not None
        return found.shape.batches

    assert [batches(gain) for gain in (0.9, 1.02, 1.2)] == [1, 1, 2]
    assert batches(1.2, processor=0.4) == 1


def test_a_shape_without_memory_is_not_taken() -> None:
    """The fastest of those that fit; none where none does."""
    found = choose(tuning(FLAT), EVALUATION, allows=lambda shape: shape.width <= 5)
    assert found is not None
    assert found.shape == Shape(4, 1, 2)
    assert choose(tuning(FLAT), EVALUATION, allows=lambda _shape: False) is None


def test_a_shape_that_was_not_measured_has_no_expected_speed() -> None:
    assert expected(tuning(AVX2), EVALUATION, Shape(8, 4, 1)) is None

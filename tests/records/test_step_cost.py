"""The cost of a step by its number of rows: what was measured, and what lies between and beyond."""

from __future__ import annotations

import pytest

from qmath_cli.records import StepCost

COST = StepCost(((1, 0.06), (4, 0.12), (8, 0.36)))


@pytest.mark.parametrize(
    ("rows", "seconds"), [(1, 0.06), (2, 0.08), (3, 0.10), (4, 0.12), (5, 0.18), (8, 0.36), (16, 0.72)]
)
def test_between_measured_points_the_cost_is_on_a_line_and_beyond_the_last_in_proportion(
    rows: int, seconds: float
) -> None:
    assert COST.seconds(rows) == pytest.approx(seconds)


def test_the_relative_cost_is_that_of_one_row_times_it() -> None:
    assert COST.relative(1) == 1
    assert COST.relative(8) == pytest.approx(6)
    assert COST.rate(4) == pytest.approx(4 / 0.12)


def test_a_single_point_serves_for_every_number_of_rows() -> None:
    assert StepCost(((1, 0.5),)).seconds(3) == pytest.approx(1.5)

"""Costs of steps that no machine measured."""

from __future__ import annotations

from qmath_cli.records import StepCost

#: Rows cost next to nothing, as on a GPU.
FREE = StepCost(((1, 0.0100), (32, 0.0101)))
#: Every row costs as much as the first one.
DEAR = StepCost(((1, 0.01), (32, 0.32)))
#: Of a CPU with AVX2, from the tokens per second of 1, 2, 3, 4, 5, 8 and 16 sequences: 16, 20, 21, 30, 21, 23, 35.
UNEVEN = StepCost(tuple((n, n / rate) for n, rate in ((1, 16), (2, 20), (3, 21), (4, 30), (5, 21), (8, 23), (16, 35))))

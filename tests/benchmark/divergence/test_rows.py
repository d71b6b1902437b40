"""A prediction in 16 bits, and two predictions compared: against direct computations in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from qmath_cli.benchmark.divergence.base_row import base_row
from qmath_cli.benchmark.divergence.statistics import position

VOCABULARY = 3000


def predictions(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A prediction, and a disturbed one."""
    rng = np.random.default_rng(seed)
    first = (rng.standard_normal(VOCABULARY) * rng.uniform(0.1, 6)).astype(np.float32)
    return first, first + (rng.standard_normal(VOCABULARY) * 0.3).astype(np.float32)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """In double precision, without rounding."""
    values = logits.astype(np.float64) - logits.max()
    return np.asarray(values - np.log(np.exp(values).sum()))


@pytest.mark.parametrize("seed", range(20))
def test_rounded_log_probabilities_are_within_a_step_of_the_exact_ones(seed: int) -> None:
    """And what is left out has a probability below e^-16."""
    logits, _ = predictions(seed)
    row, exact = base_row(logits, seed), log_softmax(logits)
    assert np.abs(row.log_probabilities - exact[row.ids]).max() < 16 / 65535
    left_out = np.delete(exact, row.ids)
    assert left_out.size == 0 or left_out.max() < -16 + 16 / 65535
    assert row.nll == pytest.approx(min(-exact[seed], 16 - exact.max()), abs=3e-4)


@pytest.mark.parametrize("seed", range(20))
def test_a_divergence_is_the_sum_over_all_tokens(seed: int) -> None:
    """Within the precision of the rounded base."""
    first, second = predictions(seed)
    found = position(base_row(first, 7), second, 7)
    p, q = log_softmax(first), log_softmax(second)
    assert found.kld == pytest.approx(float((np.exp(p) * (p - q)).sum()), abs=5e-4)
    assert found.nll == pytest.approx(-q[7], abs=1e-5)
    assert found.same_top == (first.argmax() == second.argmax())


def test_a_prediction_that_knows_nothing_is_kept_whole() -> None:
    """All logits are equal: there is no window to divide."""
    logits = np.zeros(VOCABULARY, np.float32)
    found = position(base_row(logits, 3), logits, 3)
    assert (found.kld, found.same_top) == (pytest.approx(0, abs=1e-5), True)
    assert found.nll_base == pytest.approx(np.log(VOCABULARY), abs=1e-5)


def test_a_certain_prediction_is_one_token() -> None:
    """And a text that goes on otherwise has the probability at the window's end, not zero."""
    logits = np.full(VOCABULARY, -100, np.float32)
    logits[5] = 100
    row = base_row(logits, 6)
    assert row.ids.tolist() == [5]
    assert row.nll == pytest.approx(16, abs=1e-3)

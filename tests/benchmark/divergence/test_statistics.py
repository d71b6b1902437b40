"""The statistics, held against the sums that tools/perplexity of llama.cpp computes."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.benchmark.divergence.base_file import BaseHeader, reading
from qmath_cli.benchmark.divergence.statistics import Estimate, Position, clustered, divergence, nearer
from qmath_cli.evaluation.changed import ChangedAnswers, ModelComparison
from qmath_cli.terminal.reports.divergence.text import lines


def positions(count: int, seed: int = 1) -> list[Position]:
    """Random, correlated ones."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        base = rng.expovariate(1.5)
        found.append(Position(base + rng.gauss(0.02, 0.1), base, rng.expovariate(20), rng.random() < 0.9))
    return found


def test_the_statistics_are_those_of_llama_perplexity() -> None:
    """Sums and sums of squares, as `mean_and_uncertainty` and `covariance` there."""
    found, some = divergence(positions(500)), positions(500)
    n = len(some)
    mean = sum(p.nll for p in some) / n
    error = math.sqrt((sum(p.nll**2 for p in some) / n - mean**2) / (n - 1))
    base = sum(p.nll_base for p in some) / n
    base_error = math.sqrt((sum(p.nll_base**2 for p in some) / n - base**2) / (n - 1))
    covariance = (sum(p.nll * p.nll_base for p in some) / n - mean * base) / (n - 1)
    assert found.ppl.value == pytest.approx(math.exp(mean))
    assert found.ppl.error == pytest.approx(math.exp(mean) * error)
    assert found.correlation == pytest.approx(covariance / (error * base_error))
    assert found.log_ratio.error == pytest.approx(math.sqrt(error**2 + base_error**2 - 2 * covariance))
    changes = [math.exp(-p.nll) - math.exp(-p.nll_base) for p in some]
    squares = [change**2 for change in changes]
    square_error = math.sqrt((sum(s**2 for s in squares) / n - (sum(squares) / n) ** 2) / (n - 1))
    rms = math.sqrt(sum(squares) / n)
    assert found.rms_delta_p.value == pytest.approx(rms)
    assert found.rms_delta_p.error == pytest.approx(0.5 / rms * square_error)
    assert found.same_top.value == sum(p.same_top for p in some) / n


def test_a_percentile_lies_between_its_neighbours() -> None:
    """`p * (n - 1)` is its place among the sorted values."""
    some = positions(101)
    ordered = sorted(p.kld for p in some)
    found = divergence(some).kld_quantiles
    assert (found.minimum, found.median, found.maximum) == (ordered[0], ordered[50], ordered[100])
    assert found.at[0.95] == pytest.approx(ordered[95])
    assert found.at[0.999] == pytest.approx(0.1 * ordered[99] + 0.9 * ordered[100])


def test_equal_predictions_have_no_divergence_and_no_error() -> None:
    """Nothing is divided by zero."""
    found = divergence([Position(1.0, 1.0, 0.0, True)] * 20)
    assert (found.kld.value, found.ratio.value, found.rms_delta_p.value) == (0, 1, 0)
    assert math.isnan(found.correlation)


def test_too_few_positions_have_no_statistics() -> None:
    """An error of the mean of three values says nothing."""
    with pytest.raises(ValueError, match="too few"):
        divergence(positions(9))


def test_the_report_fits_eighty_columns_and_ends_with_what_matters() -> None:
    """The last line names the model and its mean divergence."""
    answers = ChangedAnswers(200, 48, 0.24, (0.186, 0.304), 131, 129, 12, 10, 0.83)
    found = ModelComparison(
        "7b-instruct:q4_k_m", divergence(positions(50)), Estimate(0.05, 0.01), Estimate(-0.01, 0.002), answers
    )
    report = lines(BaseHeader("7b-instruct:bf16", 1000, "text.txt", ()), [found])
    assert max(map(len, report)) <= 80
    assert "mean KLD" in report[-4]
    assert "-0.0100 ± 0.0020 against the first model" in report[-3]
    assert "48 of 200 problems, 24.0% (18.6 to 30.4)" in report[-2]


def test_the_error_between_passages_counts_passages_and_not_positions() -> None:
    """A passage whose positions are all alike is one observation, however long it is."""
    some = positions(40)
    alone = clustered([[one] for one in some])
    assert alone.value == pytest.approx(divergence(some).kld.value)
    assert alone.error == pytest.approx(divergence(some).kld.error)
    repeated = clustered([[one] * 25 for one in some])
    assert (repeated.value, repeated.error) == pytest.approx((alone.value, alone.error))


def test_models_are_compared_with_one_another_passage_by_passage() -> None:
    """What makes a passage hard for both does not count: the error is that of the differences."""
    rng = random.Random(3)
    hard = [[Position(1, 1, rng.expovariate(1), True) for _ in range(30)] for _ in range(20)]
    shifted = [[replace(one, kld=one.kld - 0.01 * rng.random()) for one in passage] for passage in hard]
    found = nearer(hard, shifted)
    assert found.value == pytest.approx(clustered(shifted).value - clustered(hard).value)
    assert found.value == pytest.approx(-0.005, abs=0.001)
    assert found.error < clustered(hard).error / 20
    with pytest.raises(ValueError, match="same positions"):
        nearer(hard, shifted[:-1])


def test_a_file_that_is_cut_is_refused(tmp_path: Path) -> None:
    """Whatever it was."""
    from qmath_cli.errors import IntegrityError, UsageError

    (tmp_path / "base").write_bytes(b"QMLOGITS\x05\x00\x00\x00{}")
    with pytest.raises(IntegrityError), reading(tmp_path / "base"):
        pass
    with pytest.raises(UsageError), reading(tmp_path / "absent"):
        pass

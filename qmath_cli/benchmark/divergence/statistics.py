"""The statistics of `llama-perplexity --kl-divergence`, under its names and by its definitions.

Source: tools/perplexity of llama.cpp, `kl_divergence`. Errors are standard errors of the mean over positions, which are
taken as independent. Probabilities differ in percent there; here all are shares between 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qmath_cli.benchmark.divergence.base_row import BaseRow

KLD_PERCENTILES = (0.999, 0.99, 0.95, 0.9, 0.1, 0.05, 0.01, 0.001)
DELTA_P_PERCENTILES = (0.999, 0.99, 0.95, 0.9, 0.75, 0.25, 0.1, 0.05, 0.01, 0.001)


@dataclass(frozen=True, slots=True)
class Position:
    """Two models at one position.

    Attributes:
        nll: minus the log-probability of the text's next token, in nats.
        nll_base: the same by the base.
        kld: the Kullback-Leibler divergence of the model from the base, in nats.
        same_top: whether both find the same token most probable.
    """

    nll: float
    nll_base: float
    kld: float
    same_top: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Quantiles:
    """A distribution: its ends, its median, and the value at each of a number of shares."""

    maximum: float
    minimum: float
    median: float
    at: dict[float, float]


@dataclass(frozen=True, slots=True)
class Divergence:
    """How far a model is from the base. PPL(Q) is the model's perplexity, PPL(base) the base's; logarithms are natural.

    Attributes:
        positions: how many predictions were scored.
        ppl: Mean PPL(Q).
        ppl_base: Mean PPL(base).
        correlation: Cor(ln(PPL(Q)), ln(PPL(base))).
        log_ratio: Mean ln(PPL(Q)/PPL(base)).
        ratio: Mean PPL(Q)/PPL(base).
        difference: Mean PPL(Q)-PPL(base).
        kld: Mean KLD, in nats.
        kld_quantiles: the distribution of KLD.
        delta_p: Mean Δp: by how much the probability of the text's next token changed.
        delta_p_quantiles: the distribution of Δp.
        rms_delta_p: RMS Δp.
        same_top: Same top p: the share of positions where both models find the same token most probable.
    """

    positions: int
    ppl: Estimate
    ppl_base: Estimate
    correlation: float
    log_ratio: Estimate
    ratio: Estimate
    difference: Estimate
    kld: Estimate
    kld_quantiles: Quantiles
    delta_p: Estimate
    delta_p_quantiles: Quantiles
    rms_delta_p: Estimate
    same_top: Estimate


def position(base: BaseRow, logits: NDArray[np.float32], target: int) -> Position:
    """Compare a model's prediction with the base's at one position.

    Args:
        base: the base's prediction.
        logits: the model's, of shape (vocabulary,).
        target: the id of the token that the text continues with.
    """
    from qmath_cli.benchmark.divergence.base_row import log_of_sum

    largest, log_sum = log_of_sum(logits)
    total = largest + log_sum
    logs = base.log_probabilities
    kld = (np.exp(logs) * (logs - logits[base.ids] + total)).sum(dtype=np.float64)
    top = int(base.ids[int(base.steps.argmax())]) if base.ids.size else -1
    return Position(float(total - logits[target]), base.nll, float(kld), int(logits.argmax()) == top)


def divergence(positions: list[Position]) -> Divergence:
    """The statistics over at least ten positions.

    Raises:
        ValueError: there are fewer.
    """
    if len(positions) < 10:
        raise ValueError(f"{len(positions)} positions are too few for statistics")
    nll = np.array([p.nll for p in positions])
    base = np.array([p.nll_base for p in positions])
    delta = np.exp(-nll) - np.exp(-base)
    kld = np.array([p.kld for p in positions])
    q, b = _mean(nll), _mean(base)
    covariance = ((nll * base).mean() - nll.mean() * base.mean()) / (nll.size - 1)
    ppl, ppl_base = _exponential(q), _exponential(b)
    log_ratio = Estimate(q.value - b.value, _spread(q.error, b.error, covariance))
    square, same = _mean(delta**2), float(np.mean([p.same_top for p in positions]))
    rms = math.sqrt(square.value)
    return Divergence(
        positions=nll.size,
        ppl=ppl,
        ppl_base=ppl_base,
        correlation=float(covariance / (q.error * b.error)) if q.error and b.error else math.nan,
        log_ratio=log_ratio,
        ratio=_exponential(log_ratio),
        difference=Estimate(
            ppl.value - ppl_base.value, _spread(ppl.error, ppl_base.error, ppl.value * ppl_base.value * covariance)
        ),
        kld=_mean(kld),
        kld_quantiles=_quantiles(kld, KLD_PERCENTILES),
        delta_p=_mean(delta),
        delta_p_quantiles=_quantiles(delta, DELTA_P_PERCENTILES),
        rms_delta_p=Estimate(rms, 0.5 / rms * square.error if rms else 0.0),
        same_top=Estimate(same, math.sqrt(same * (1 - same) / (nll.size - 1))),
    )


def clustered(passages: Sequence[Sequence[Position]]) -> Estimate:
    """Mean KLD with an error that takes passages, not positions, as independent.

    Within a passage the predictions depend on one another, so that this error is the larger one on solutions. It is the
    cluster-robust standard error of a mean (K.-Y. Liang and S. Zeger 1986).

    Raises:
        ValueError: there are fewer than two passages.
    """
    return _between([sum(p.kld for p in one) for one in passages], passages)


def nearer(first: Sequence[Sequence[Position]], other: Sequence[Sequence[Position]]) -> Estimate:
    """Mean KLD of another model less that of the first, over the same passages: below zero if the other is nearer.

    The models are compared passage by passage, so the error is much smaller than those of the two means suggest.

    Raises:
        ValueError: there are fewer than two passages, or they are not the same ones.
    """
    if [len(one) for one in first] != [len(one) for one in other]:
        raise ValueError("the models were not compared on the same positions")
    pairs = zip(first, other, strict=True)
    return _between([sum(q.kld for q in b) - sum(p.kld for p in a) for a, b in pairs], first)


def _between(found: Sequence[float], passages: Sequence[Sequence[Position]]) -> Estimate:
    """A mean over positions, from sums over passages."""
    sums, counts = np.array(found), np.array([len(one) for one in passages])
    if counts.size < 2:
        raise ValueError("one passage is too few for an error between passages")
    mean = float(sums.sum() / counts.sum())
    spread = float(((sums - mean * counts) ** 2).sum()) * counts.size / (counts.size - 1)
    return Estimate(mean, math.sqrt(spread) / int(counts.sum()))


def _mean(values: NDArray[np.float64]) -> Estimate:
    variance = float((values**2).mean() - values.mean() ** 2)
    return Estimate(float(values.mean()), math.sqrt(variance / (values.size - 1)) if variance > 0 else 0.0)


def _exponential(log: Estimate) -> Estimate:
    value = math.exp(log.value)
    return Estimate(value, value * log.error)


def _spread(first: float, second: float, covariance: float) -> float:
    return math.sqrt(max(0.0, first**2 + second**2 - 2 * covariance))


def _quantiles(values: NDArray[np.float64], shares: tuple[float, ...]) -> Quantiles:
    """Linear between two neighbours, as that tool computes them and as numpy does by default."""
    found = np.quantile(values, shares)
    at = dict(zip(shares, map(float, found), strict=True))
    return Quantiles(float(values.max()), float(values.min()), float(np.median(values)), at)

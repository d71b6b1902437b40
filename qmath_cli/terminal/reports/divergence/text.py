"""The report of `qmath compare`: the statistics of every model beside one another, under llama-perplexity's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qmath_cli.benchmark.divergence.base_file import BaseHeader
from qmath_cli.benchmark.divergence.statistics import (
    DELTA_P_PERCENTILES,
    KLD_PERCENTILES,
    Estimate,
    Quantiles,
)
from qmath_cli.evaluation.changed import ChangedAnswers, ModelComparison
from qmath_cli.terminal.tables import columns


def lines(base: BaseHeader, found: Sequence[ModelComparison]) -> list[str]:
    """The whole report."""
    blocks = [line for one in found for line in block(one)]
    return [*heading(base), *blocks, *summary(found)]


def heading(base: BaseHeader) -> list[str]:
    """What was compared, and on what."""
    return [f"base: {base.model}", f"text: {base.source}"]


def block(one: ModelComparison) -> list[str]:
    """All statistics of a model."""
    table = columns(statistics(one), right=frozenset({1}))
    return ["", f"{one.model}, {one.divergence.positions} positions", *table]


def summary(found: Sequence[ModelComparison]) -> list[str]:
    """The figures that matter most, up to four lines for each model."""
    report = [""] if found else []
    for one in found:
        kld, same = one.clustered or one.divergence.kld, one.divergence.same_top
        report.append(f"{one.model}: mean KLD {kld.value:.4f} ± {kld.error:.4f}, same top token {same.value:.1%}")
        if one.nearer is not None:
            report.append(f"{one.model}: {one.nearer.value:+.4f} ± {one.nearer.error:.4f} against the first model")
        if one.answers is not None:
            report += [f"{one.model}: {line}" for line in _answers(one.answers)]
    return report


def _answers(one: ChangedAnswers) -> tuple[str, str]:
    """How many answers are others, with the interval at 95 %, and McNemar's test of how many are right."""
    low, high = (100 * bound for bound in one.ci95)
    return (
        f"another answer to {one.changed} of {one.problems} problems, {one.share:.1%} ({low:.1f} to {high:.1f})",
        f"{one.right} right, base {one.right_base}: {one.lost} lost, {one.gained} gained, McNemar p = {one.p:.2g}",
    )


def statistics(found: ModelComparison) -> list[tuple[str, str, str]]:
    """Rows of name, value and error; an empty row stands between groups."""
    one, between = found.divergence, found.clustered
    passages = [] if between is None else [("Mean KLD, error between passages", *_estimate(between))]
    if found.nearer is not None:
        passages.append(("Mean KLD less the first model's", *_estimate(found.nearer)))
    return [
        ("Mean PPL(Q)", *_estimate(one.ppl)),
        ("Mean PPL(base)", *_estimate(one.ppl_base)),
        ("Cor(ln(PPL(Q)), ln(PPL(base)))", f"{one.correlation:.2%}", ""),
        ("Mean ln(PPL(Q)/PPL(base))", *_estimate(one.log_ratio)),
        ("Mean PPL(Q)/PPL(base)", *_estimate(one.ratio)),
        ("Mean PPL(Q)-PPL(base)", *_estimate(one.difference)),
        ("", "", ""),
        ("Mean KLD", *_estimate(one.kld)),
        *passages,
        *_quantiles("KLD", one.kld_quantiles, KLD_PERCENTILES, _plain),
        ("", "", ""),
        ("Mean Δp", *_percent(one.delta_p)),
        *_quantiles("Δp", one.delta_p_quantiles, DELTA_P_PERCENTILES, _as_percent),
        ("RMS Δp", *_percent(one.rms_delta_p)),
        ("Same top p", *_percent(one.same_top)),
    ]


def _quantiles(
    name: str, found: Quantiles, shares: tuple[float, ...], show: Callable[[float], str]
) -> list[tuple[str, str, str]]:
    rows = [("Maximum", found.maximum)]
    rows += [(f"{share:.1%}", found.at[share]) for share in shares if share > 0.5]
    rows.append(("Median", found.median))
    rows += [(f"{share:.1%}", found.at[share]) for share in shares if share < 0.5]
    rows.append(("Minimum", found.minimum))
    return [(f"{label} {name}", show(value), "") for label, value in rows]


def _plain(value: float) -> str:
    return f"{value:.6f}"


def _as_percent(value: float) -> str:
    return f"{value:.3%}"


def _estimate(one: Estimate) -> tuple[str, str]:
    return f"{one.value:.6f}", f"± {one.error:.6f}"


def _percent(one: Estimate) -> tuple[str, str]:
    return f"{one.value:.3%}", f"± {one.error:.3%}"

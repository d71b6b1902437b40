"""The report of `qmath compare`: the statistics of every model beside one another, under llama-perplexity's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qmath_cli.benchmark.divergence.base_file import BaseHeader
from qmath_cli.benchmark.divergence.statistics import (
    DELTA_P_PERCENTILES,
    KLD_PERCENTILES,
    Divergence,
    Estimate,
    Quantiles,
)
from qmath_cli.terminal.tables import columns


def lines(base: BaseHeader, found: Mapping[str, Divergence]) -> list[str]:
    """The report, one block per model, the figure that matters most in the last line."""
    report = [f"base: {base.model}", f"text: {base.source}"]
    for name, one in found.items():
        report += ["", f"{name}, {one.positions} positions", *columns(_table(one), right=frozenset({1}))]
    report += [""] if found else []
    for name, one in found.items():
        report.append(
            f"{name}: mean KLD {one.kld.value:.4f} ± {one.kld.error:.4f}, same top token {one.same_top.value:.1%}"
        )
    return report


def _table(one: Divergence) -> list[tuple[str, ...]]:
    return [
        ("Mean PPL(Q)", *_estimate(one.ppl)),
        ("Mean PPL(base)", *_estimate(one.ppl_base)),
        ("Cor(ln(PPL(Q)), ln(PPL(base)))", f"{one.correlation:.2%}", ""),
        ("Mean ln(PPL(Q)/PPL(base))", *_estimate(one.log_ratio)),
        ("Mean PPL(Q)/PPL(base)", *_estimate(one.ratio)),
        ("Mean PPL(Q)-PPL(base)", *_estimate(one.difference)),
        ("", "", ""),
        ("Mean KLD", *_estimate(one.kld)),
        *_quantiles("KLD", one.kld_quantiles, KLD_PERCENTILES, _plain),
        ("", "", ""),
        ("Mean Δp", *_percent(one.delta_p)),
        *_quantiles("Δp", one.delta_p_quantiles, DELTA_P_PERCENTILES, _as_percent),
        ("RMS Δp", *_percent(one.rms_delta_p)),
        ("Same top p", *_percent(one.same_top)),
    ]


def _quantiles(
    name: str, found: Quantiles, shares: tuple[float, ...], show: Callable[[float], str]
) -> list[tuple[str, ...]]:
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

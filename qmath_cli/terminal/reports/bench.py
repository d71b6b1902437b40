"""The report of `qmath bench` as aligned lines: name, median, unit, and the range where the runs differ."""

from __future__ import annotations

from qmath_cli.benchmark.measure import BenchmarkReport, Spread
from qmath_cli.terminal.tables import columns

_RATE = "tokens/s"


def table(report: BenchmarkReport) -> list[str]:
    """The lines of the report, without colour. What was not measured has no line."""
    rows = [
        _row("load", report.load_s, "s", 2),
        _row("time to first token", report.first_token_s, "s", 2),
        _row(f"prefill, {report.prompt_tokens} tokens", report.prefill, _RATE, 1),
        *(_row(f"decode, {decode.sequences} at once", decode.rate, _RATE, 1) for decode in report.decode),
    ]
    if report.bandwidth is not None:
        share = f"decode of one reaches {report.share:.0%}" if report.share is not None else ""
        rows.append(("memory bandwidth", f"{report.bandwidth / 1e9:.1f}", "GB/s", share))
    if report.peak_rss is not None:
        rows.append(("peak memory", f"{report.peak_rss / 1e6:.0f}", "MB", ""))
    for comparison in report.comparisons:
        rows.append(_row(f"{comparison.name}, {comparison.work}", comparison.rate, _RATE, 1))
        rows.append(_row("  ours / theirs", comparison.ratio, "", 3))
    return columns(rows, right=frozenset({1}))


def _row(name: str, spread: Spread, unit: str, digits: int) -> tuple[str, str, str, str]:
    low, high = f"{spread.low:.{digits}f}", f"{spread.high:.{digits}f}"
    return name, f"{spread.median:.{digits}f}", unit, "" if low == high else f"{low} to {high}"

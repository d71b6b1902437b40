"""The report of `qmath bench` as aligned lines: name, median, unit, and the range where the runs differ.

Below it is what a step costs: tokens per second by the number of sequences that decode at once, in each arrangement.
"""

from __future__ import annotations

from textwrap import wrap

from qmath_cli.benchmark.drafted import DraftReport
from qmath_cli.benchmark.measure import BenchmarkReport, Spread
from qmath_cli.benchmark.tuning.table import ArrangementCost, Tuning
from qmath_cli.terminal.tables import columns

_RATE = "tokens/s"
_DISTURBED = "other programs computed meanwhile; on an idle machine the figures mean more"


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


def step_costs(tuning: Tuning) -> list[str]:
    """The lines of what steps cost, and which shape is the fastest; no line is wider than 80 columns."""
    head = ("at once", "v(n)", *(_named(one) for one in tuning.arrangements))
    widths = {rows * one.arrangement.batches for one in tuning.arrangements for rows, _ in one.cost.points}
    rows = [
        (str(width), _relative(tuning, width), *(_speed(one, width) for one in tuning.arrangements))
        for width in sorted(widths)
    ]
    lines = columns([head, *rows], right=frozenset(range(len(head))))
    shape, rate = tuning.fastest
    slices = ", ".join(str(tokens) for tokens, _ in tuning.prefill.points)
    rates = ", ".join(f"{tokens / seconds:.0f}" for tokens, seconds in tuning.prefill.points)
    return [
        "",
        f"decode, {tuning.depth} tokens deep, {_RATE} (batches side by side x threads of each):",
        *lines,
        f"fastest: {shape}, {rate:.1f} {_RATE}",
        f"prefill in slices of {slices} tokens: {rates} {_RATE}",
        *([_DISTURBED] if tuning.disturbed else []),
    ]


def drafts(report: DraftReport | None, why_not: str) -> list[str]:
    """What drafts gained, or why nothing was drafted; no line is wider than 80 columns."""
    if report is None:
        return wrap(f"drafts: none; {why_not}", 80)
    counts = f"{report.drafted} drafted, {report.accepted} accepted in {report.tokens} tokens"
    return [f"drafts ({report.source}): {counts}", f"  with / without: {report.gain.median:.3f}"]


def _named(one: ArrangementCost) -> str:
    batches, threads = one.arrangement.batches, one.arrangement.threads
    return f"{batches} x {threads} thread{'s' if threads > 1 else ''}"


def _relative(tuning: Tuning, width: int) -> str:
    """v(n) where it was measured."""
    measured = any(rows == width for rows, _ in tuning.steps.points)
    return f"{tuning.steps.relative(width):.2f}" if measured else ""


def _speed(one: ArrangementCost, width: int) -> str:
    """Tokens per second of so many sequences, where it was measured."""
    rows, rest = divmod(width, one.arrangement.batches)
    measured = not rest and any(number == rows for number, _ in one.cost.points)
    return f"{one.rate(rows):.1f}" if measured else ""

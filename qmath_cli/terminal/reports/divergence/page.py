"""The report of `qmath compare` as one HTML page: two plots of distributions, what became of answers, the statistics.

Self-contained: no script, nothing is loaded (a Content-Security-Policy forbids it), inline SVG for the plots. Names of
models and texts are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from qmath_cli.benchmark.divergence.base_file import BaseHeader
from qmath_cli.evaluation.changed import ModelComparison
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.reports.divergence.plots import COLOURS, delta_p_plot, divergence_plot
from qmath_cli.terminal.reports.divergence.text import statistics

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
body { max-width: 60em; margin: 1.5em auto; padding: 0 1em; font: 1rem/1.5 system-ui, sans-serif; color: #1b1b1b;
  background: #fff; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; }
th, td { padding: .2em 1em .2em 0; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; } tr { border-bottom: 1px solid #8884; }
svg { width: 100%; height: auto; max-width: 46em; font-size: 12px; } svg text { fill: currentColor; }
svg .grid { stroke: #8884; } svg polyline { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) { body { background: #121212; color: #ddd; } }
@media print { .scroll { overflow: visible; } svg, tr { break-inside: avoid; } }
"""


def page(base: BaseHeader, found: Sequence[ModelComparison], *, partial: bool = False) -> str:
    """Write the page.

    Args:
        base: what the models were compared with.
        found: the models; there may be none.
        partial: whether the comparison was interrupted.
    """
    state = " (interrupted)" if partial else ""
    about = f"base: {clean(base.model)}; text: {clean(base.source)}{state}"
    plots = f"{divergence_plot(found)}\n{delta_p_plot(found)}\n{_legend(found)}\n" if found else ""
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>qmath compare: {escape(clean(base.model))}</title>\n<style>{_STYLE}</style>\n"
        f"<h1>What a quantization costs</h1>\n<p>{escape(about)}</p>\n"
        f"{plots}{_answers(found)}{_table(found)}\n</html>\n"
    )


def _legend(found: Sequence[ModelComparison]) -> str:
    items = (
        f'<span style="color:{COLOURS[i % len(COLOURS)]}">━</span> {escape(clean(one.model))}'
        for i, one in enumerate(found)
    )
    return f"<p>{' &nbsp; '.join(items)}</p>"


def _answers(found: Sequence[ModelComparison]) -> str:
    """One row per model whose answers were compared."""
    rows = [
        (
            clean(one.model),
            f"{one.answers.changed} of {one.answers.problems}",
            f"{one.answers.share:.1%}",
            "{:.1%} to {:.1%}".format(*one.answers.ci95),
            f"{one.answers.right} ({one.answers.right_base})",
            str(one.answers.lost),
            str(one.answers.gained),
            f"{one.answers.p:.2g}",
        )
        for one in found
        if one.answers is not None
    ]
    heads = ("model", "answers changed", "share", "95 %", "right (base)", "lost", "gained", "McNemar p")
    return f"<h2>Greedy answers</h2>\n{_rows([heads, *rows])}\n" if rows else ""


def _table(found: Sequence[ModelComparison]) -> str:
    """All statistics, one column per model."""
    if not found:
        return "<p>No model was compared.</p>"
    columns = [[(label, f"{value} {error}".strip()) for label, value, error in statistics(one)] for one in found]
    labels = list(dict.fromkeys(label for column in columns for label, _ in column if label))
    known = [dict(column) for column in columns]
    body = [(label, *(column.get(label, "") for column in known)) for label in labels]
    heads = ("", *(clean(one.model) for one in found))
    positions = ("positions", *(str(one.divergence.positions) for one in found))
    return f"<h2>Statistics</h2>\n{_rows([heads, positions, *body])}"


def _rows(rows: Sequence[Sequence[str]]) -> str:
    heads, *others = rows
    lines = [f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in heads)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>" for cells in others]
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'

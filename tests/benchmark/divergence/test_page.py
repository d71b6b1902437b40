"""The HTML report of a comparison."""

from __future__ import annotations

import re
from dataclasses import replace

from qmath_cli.benchmark.divergence.base_file import BaseHeader
from qmath_cli.benchmark.divergence.statistics import Position, divergence
from qmath_cli.evaluation.changed import ChangedAnswers, ModelComparison
from qmath_cli.terminal.reports.divergence.page import page
from tests.benchmark.divergence.test_statistics import positions

EVIL = "<script>alert(1)</script>\x1b[31m"
BASE = BaseHeader(EVIL, 1000, EVIL, ())
FOUND = ModelComparison(EVIL, divergence(positions(300)))


def test_it_loads_nothing_and_escapes_names() -> None:
    """Whatever models and files are called."""
    answers = ChangedAnswers(50, 12, 0.24, (0.14, 0.37), 31, 29, 5, 3, 0.73)
    written = page(BASE, [replace(FOUND, answers=answers)])
    assert "<script" not in written
    assert "\x1b" not in written
    assert "default-src 'none'" in written
    assert "12 of 50" in written
    assert not re.search(r"\b(src|href)=", written)


def test_each_model_is_a_line_in_both_plots_and_a_column_in_the_table() -> None:
    """The lines stay within the plot."""
    written = page(BASE, [FOUND, replace(FOUND, model="other")])
    assert written.count("<polyline") == 4
    assert "<th>other</th>" in written
    for points in re.findall(r'points="([^"]+)"', written):
        for pair in points.split():
            x, y = map(float, pair.split(","))
            assert 60 <= x <= 610
            assert 25 <= y <= 230


def test_models_that_do_not_differ_have_a_plot_too() -> None:
    """All values are zero, and no logarithm of zero is taken."""
    same = divergence([Position(1.0, 1.0, 0.0, True)] * 20)
    assert page(BASE, [ModelComparison("same", same)]).count("<polyline") == 2
    assert "No model" in page(BASE, [])

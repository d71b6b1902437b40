"""What drafts gain, measured: the same solution with them and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.benchmark.drafted import DraftReport, measure_drafts
from qmath_cli.benchmark.measure import Spread
from qmath_cli.engine.drafts.opening import NO_DRAFTS, DraftOptions
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.records import Prompt, Segment, StepCost
from qmath_cli.terminal.reports.bench import drafts
from tests.engine.drafts.costs import DEAR, FREE

FRACTIONS = Prompt((Segment(r"\frac{1}{2} + " * 20),))


def test_drafted_and_accepted_tokens_are_counted_and_rates_compared(root: Path) -> None:
    with load(root / "qmath_cli" / "demo" / "demo-q8_0.gguf", Options(), Preflight()) as model:
        found = measure_drafts(model, FRACTIONS, DraftOptions(FREE), "lookup", 40, 2)
        none = measure_drafts(model, FRACTIONS, NO_DRAFTS, "lookup", 40, 1)
    assert (found.source, found.tokens) == ("lookup", 40)
    assert 0 < found.accepted <= found.drafted
    assert found.gain.low > 0
    assert (none.drafted, none.accepted) == (0, 0)


def test_drafts_can_gain_only_where_rows_cost_little_and_steps_are_not_too_short() -> None:
    assert DraftOptions(FREE).can_gain
    assert not DraftOptions(DEAR).can_gain
    assert not NO_DRAFTS.can_gain
    assert not DraftOptions(StepCost(tuple((rows, seconds / 100) for rows, seconds in FREE.points))).can_gain


@pytest.mark.parametrize(
    ("report", "shown"),
    [
        (None, "drafts: none; rows are dear"),
        (
            DraftReport("1.5b-instruct", 128, 90, 60, Spread(20, 19, 21), Spread(1.31, 1.2, 1.4)),
            "90 drafted, 60 accepted",
        ),
    ],
)
def test_the_report_has_the_counts_and_the_gain(report: DraftReport | None, shown: str) -> None:
    lines = drafts(report, "rows are dear, " * 9)
    assert shown in lines[0]
    assert all(len(line) <= 80 for line in lines)
    assert ("1.310" in lines[-1]) is (report is not None)

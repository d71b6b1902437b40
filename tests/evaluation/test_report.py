"""The report as text, JSON and HTML."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from qmath_cli.evaluation import datasets
from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.records import ItemSample
from qmath_cli.evaluation.score import ScoredRun, score
from qmath_cli.records import Finish, Output, ProgramRun, RunStatus, Sample
from qmath_cli.runtime.evaluation import open_graders
from qmath_cli.settings import Grade
from qmath_cli.terminal.reports.evaluation import text
from qmath_cli.terminal.reports.evaluation.page import page
from qmath_cli.terminal.reports.evaluation.record import record

EVIL = "<script>alert(1)</script> \x1b[31m <img src=https://example.org/x.png>"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, list[ScoredRun]]:
    """Two runs over two problems; one problem has markup and control characters."""
    path = tmp_path_factory.mktemp("data") / "mine.jsonl"
    rows = [{"problem": r"Solve $x^2 = 4$.", "answer": r"\pm 2"}, {"problem": EVIL, "answer": EVIL}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = datasets.load("mine", path)
    program = ProgramRun("print('<b>')", Output("<b>", RunStatus.OK))
    runs = []
    with open_graders("") as graders:
        for answer in (r"\pm 2", "3"):
            done = [
                ItemSample(item.id, Sample(rf"Text {EVIL} so \boxed{{{answer}}}", answer, Finish.ANSWERED, (program,)))
                for item in data.items
            ]
            graded = [graders.grade(one, item) for one, item in zip(done, data.items, strict=True)]
            runs.append(ScoredRun(score(data, graded, 1, Grade.STRICT, graders), graded))
    return data, runs


class Tags(HTMLParser):
    """Every tag and every address in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "action", "data"}]


def test_the_page_is_self_contained_and_inert(evaluated: tuple[Dataset, list[ScoredRun]]) -> None:
    """It has no script and no address, and no text of the model is markup; formulas are MathML, the chart is SVG."""
    written = page(*evaluated)
    seen = Tags()
    seen.feed(written)
    assert not {"script", "img", "iframe", "link", "object", "base", "form"} & set(seen.tags)
    assert seen.addresses == []
    assert {"math", "svg", "details", "table"} <= set(seen.tags)
    assert "\x1b" not in written
    assert not re.search(r"url\(|@import|javascript:", written)


def test_every_problem_and_sample_can_be_opened(evaluated: tuple[Dataset, list[ScoredRun]]) -> None:
    """The page has two problems with one sample of each run, and both verdicts of each sample."""
    written = page(*evaluated)
    assert written.count("<details>") == 2 + 4
    assert written.count("✓ correct") + written.count("✗ wrong") + written.count("? undecided") == 8


def test_several_runs_stand_side_by_side(evaluated: tuple[Dataset, list[ScoredRun]]) -> None:
    """The report has one row per run, and their difference with its p-value."""
    shown = " ".join(text.lines(*evaluated))
    assert "[1] recorded responses" in shown
    assert "[2] against [1]: -50.0 points on 2 common problems (0 gained, 1 lost, p = 1.000)" in shown
    found = record(*evaluated)
    assert [one["accuracy"] for one in found["runs"]] == [0.5, 0.0]
    assert [one["failed"] for one in found["runs"]] == [["1"], ["0", "1"]]
    assert found["paired"][0]["first_only"] == 1


def test_energy_is_told_where_every_sample_was_measured(evaluated: tuple[Dataset, list[ScoredRun]]) -> None:
    """Text, page and record have it; without a measurement of every sample, none has."""
    data, (run, _) = evaluated
    with open_graders("") as graders:
        for joules, figure in ([1500.0, 500.0], 2000.0), ([1500.0, None], None):
            done = [
                replace(one, made=replace(one.made, joules=used)) for one, used in zip(run.samples, joules, strict=True)
            ]
            found = score(data, done, 1, Grade.STRICT, graders)
            runs = [ScoredRun(found, done)]
            shown, written = " ".join(text.lines(data, runs)), page(data, runs)
            assert record(data, runs)["joules"] == figure
            sentence = "2.0 kJ by the processor's counters, 1000.0 J per problem"
            assert (sentence in shown, sentence in unescape(written)) == (figure is not None,) * 2


def test_one_run_is_one_flat_object(evaluated: tuple[Dataset, list[ScoredRun]]) -> None:
    """It has the documented keys and fractions between 0 and 1, and is JSON."""
    data, (run, _) = evaluated
    found = json.loads(json.dumps(record(data, [run])))
    wanted = {"schema", "data", "items", "k", "accuracy", "ci95", "maj", "rm", "grade", "undecided", "no_answer",
              "tokens", "seconds", "model"}  # fmt: skip
    assert wanted <= set(found)
    assert found["schema"] == "qmath.eval/1"
    assert 0 <= found["ci95"][0] <= found["accuracy"] <= found["ci95"][1] <= 1

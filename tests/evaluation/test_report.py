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
from qmath_cli.evaluation.records import GradedSample, Grades, ItemSample, Setup
from qmath_cli.evaluation.score import ScoredRun, score
from qmath_cli.records import Finish, Language, Mark, Mode, Output, ProgramRun, RunStatus, Sample, Sampling, Verdict
from qmath_cli.runtime.evaluation import open_graders
from qmath_cli.settings import Grade
from qmath_cli.terminal.maths import Alphabet
from qmath_cli.terminal.reports.evaluation import text
from qmath_cli.terminal.reports.evaluation.page import page
from qmath_cli.terminal.reports.evaluation.record import record
from qmath_cli.terminal.reports.evaluation.text import Room
from qmath_cli.terminal.text_width import columns

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


# ---------------------------------------------------------------- what fits, and what comes last

LONG = "/a long folder of models/" + "and-another" * 12 + "/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"


def many(count: int, k: int = 1, model: str = LONG, *, right: int = 0) -> tuple[Dataset, ScoredRun]:
    """A run over so many problems with long texts, ids, subjects and levels, of which so many are solved."""
    items = tuple(
        datasets.Item(
            f"id-{number}-{'x' * 40}", f"第{number}题: compute $\\frac{{{number}}}{{2}}$ " * 5, "7" * 60, "7" * 60,
            Language.ZH, f"subject {number % 35} {'of mathematics ' * 5}", str(number % 5), f"id-{number}-{'x' * 40}",
        )
        for number in range(count)
    )  # fmt: skip
    setup = Setup("own", "a" * 64, model, "", 1, "Q4_K_M", Mode.COT, Sampling(), 4, "c" * 64)
    samples = [
        GradedSample(
            ItemSample(item.id, Sample("so 3", None, Finish.NO_ANSWER, index=index)),
            Grades("3", *(Verdict(Mark.CORRECT if at < right else Mark.WRONG, "value"),) * 2),
        )
        for at, item in enumerate(items)
        for index in range(k)
    ]
    data = Dataset("own" * 30, items, "a" * 64)
    with open_graders("own") as graders:
        found = score(data, samples, k, Grade.OFFICIAL, graders)
    return data, ScoredRun(replace(found, setup=setup), samples)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("k", [1, 8])
@pytest.mark.parametrize("alphabet", [None, Alphabet.ASCII, Alphabet.UNICODE])
def test_no_line_is_wider_than_the_terminal(width: int, runs: int, k: int, alphabet: Alphabet | None) -> None:
    """With long paths of models, names of data, ids, subjects, answers and problems, and wide characters."""
    data, run = many(40, k)
    shown = list(text.lines(data, [run] * runs, Room(width, alphabet)))
    assert max(map(columns, shown)) <= width


def test_the_accuracy_is_last(evaluated: tuple[Dataset, list[ScoredRun]]) -> None:
    """After everything that may scroll: one row per run, under its heads."""
    data, runs = evaluated
    assert re.fullmatch(r"recorded responses +50\.0 % +9\.5-90\.5", list(text.lines(data, runs[:1]))[-1])
    *_, heads, first, second = text.lines(data, runs)
    assert heads.split()[:2] == ["run", "accuracy"]
    assert (first.split()[:2], second.split()[:2]) == (["[1]", "50.0"], ["[2]", "0.0"])


def test_problems_that_failed_are_named(evaluated: tuple[Dataset, list[ScoredRun]]) -> None:
    """With their place or id, what was answered and what was expected; of many the first ones, and how many more."""
    data, runs = evaluated
    shown = list(text.lines(data, runs[1:], Room(80, Alphabet.UNICODE)))
    at = shown.index("not solved: 2 of 2")
    assert shown[at + 2].split() == ["1", "Solve", "x²", "=", "4.", "3", "±2"]
    data, run = many(40, right=3)
    shown = list(text.lines(data, [run]))
    assert "not solved: 37 of 40" in shown
    assert "... and 27 more; --html FILE has all" in shown


def test_a_run_without_a_finished_problem_has_no_figures() -> None:
    """In no form of the report; beside another run its row is empty."""
    data, run = many(3, k=2)
    with open_graders("own") as graders:
        nothing = ScoredRun(replace(score(data, [], 2, Grade.OFFICIAL, graders), setup=run.score.setup), [])
    shown = "\n".join(text.lines(data, [nothing], partial=True))
    assert "no problem is finished yet (interrupted)" in shown
    assert "%" not in shown
    assert not re.search(r"\d %", re.sub(r"(?s)<style>.*</style>|<svg.*?</svg>|<th>95 %", "", page(data, [nothing])))
    found = record(data, [nothing], partial=True)
    assert (found["accuracy"], found["ci95"], found["maj"]) == (None, None, {})
    other = replace(run, score=replace(run.score, setup=None))
    *_, first, second = text.lines(data, [other, nothing])
    assert first.split()[:3] == ["[1]", "0.0", "%"]
    assert second.split() == ["[2]", "-", "-", "-", "-"]


def test_samples_that_count_without_a_box_are_explained() -> None:
    """Only where there are some, and in text and page alike."""
    for right, expected in ((2, True), (0, False)):
        data, run = many(4, right=right)
        assert run.score.rates.unboxed_correct == right / 4
        shown = " ".join(text.lines(data, [run]))
        sentence = "50.0 % of the samples have no boxed answer and count as right"
        assert (sentence in shown, sentence in page(data, [run])) == (expected, expected)


def test_the_page_has_no_empty_column(evaluated: tuple[Dataset, list[ScoredRun]]) -> None:
    """Votes and rewards only where there are some."""
    assert "rm@" not in page(*evaluated)
    assert "maj@" not in page(*evaluated)
    data, run = many(4, k=2)
    assert "maj@2" in page(data, [run])
    assert "rm@2" not in page(data, [run])


def test_the_page_prints_unfolded_and_without_scroll_bars_beside_formulas(
    evaluated: tuple[Dataset, list[ScoredRun]],
) -> None:
    """The rules of all pages are on this one, too."""
    written = page(*evaluated)
    assert re.search(
        r"@media print \{.*details::details-content \{ content-visibility: visible; \}", written, re.DOTALL
    )
    assert re.search(r"math\[display=block\] \{[^}]*overflow-y: hidden", written)

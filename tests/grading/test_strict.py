"""The strict rules: a table of graded pairs, and the cases where strict and official verdicts differ."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.grading.extract import last_boxed
from qmath_cli.grading.grader import Grader
from qmath_cli.records import Mark
from qmath_cli.settings import Grade

TABLE = tomllib.loads((Path(__file__).parents[1] / "data" / "grade_pairs.toml").read_text(encoding="utf-8"))["group"]
PAIRS = [
    pytest.param(answer, expected, mark, id=f"{group['topic']}: {answer} | {expected}")
    for group in TABLE
    for name, mark in (("equal", Mark.CORRECT), ("different", Mark.WRONG))
    for answer, expected in group[name]
]


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    """One warm strict grader."""
    with Grader(Grade.STRICT) as one:
        yield one


def test_the_table_is_large_enough_to_mean_something() -> None:
    """At least 300 pairs, at least 80 of which look alike and differ."""
    assert len(PAIRS) >= 300
    assert sum(len(group["different"]) for group in TABLE) >= 80


@pytest.mark.parametrize(("answer", "expected", "mark"), PAIRS)
def test_a_pair_is_graded_as_a_mathematician_would(answer: str, expected: str, mark: Mark, grader: Grader) -> None:
    """Equal pairs are correct, look-alikes are wrong, none is undecided."""
    verdict = grader(answer, expected)
    assert verdict.mark is mark, verdict


@pytest.mark.parametrize("answer", ["3 4", "5 +* 7", r"\frac{1}{"])
def test_what_cannot_be_read_is_undecided_with_a_reason(answer: str, grader: Grader) -> None:
    """An unreadable answer is not wrong."""
    verdict = grader(answer, "12")
    assert verdict.mark is Mark.UNDECIDED
    assert verdict.why


def test_a_set_of_numbers_and_an_expression_are_undecided(grader: Grader) -> None:
    """The expression may denote the same set in a notation that is not read."""
    verdict = grader(r"\mathbb{R} \setminus [1, 2]", r"(-\infty, 1) \cup (2, \infty)")
    assert (verdict.mark, verdict.why) == (Mark.UNDECIDED, "cannot compare a set of numbers with an expression")


def test_a_half_open_interval_is_not_a_vector(grader: Grader) -> None:
    """A column equals a point with the same coordinates, not an interval with the same ends."""
    column = r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"
    assert grader(column, "(1, 2)").mark is Mark.CORRECT
    assert grader(column, "(1, 2]").mark is Mark.WRONG


def test_strict_and_stored_verdicts_differ_only_where_the_official_rules_lose_a_time_of_day(
    shared: Path, grader: Grader
) -> None:
    """Of 400 real responses the strict grader differs on one problem, `4:30 p.m.`, whose unit rule breaks the text."""
    different = set()
    for line in (shared / "responses" / "math_cot_50.jsonl").read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        for text, score in zip(row["code"], row["score"], strict=True):
            verdict = grader(last_boxed(text) or "", row["answer"])
            assert verdict.mark is not Mark.UNDECIDED
            if (verdict.mark is Mark.CORRECT) is not score:
                different.add((row["idx"], row["answer"]))
    assert different == {(3, r"\text{4:30 p.m.}")}

"""Greedy answers of two models: what counts as another answer, and which problems count."""

from __future__ import annotations

import pytest

from qmath_cli.evaluation.changed import ChangedAnswers, changed_answers
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.records import GradedSample, Grades, ItemSample
from qmath_cli.evaluation.statistics import wilson
from qmath_cli.records import Finish, Mark, Sample, Verdict


def _numeric(answer: str, reference: str) -> Verdict:
    return Verdict(Mark.CORRECT if float(answer) == float(reference) else Mark.WRONG, "numbers")


GRADER = SampleGrader("", lambda _grade: _numeric)


def run(**answers: str | None) -> list[GradedSample]:
    """Samples by problem; the right answer to each is 1."""
    found = []
    for item, answer in answers.items():
        verdict = Verdict(Mark.WRONG, "no answer") if answer is None else _numeric(answer, "1")
        sample = Sample("", answer, Finish.NO_ANSWER if answer is None else Finish.ANSWERED)
        found.append(GradedSample(ItemSample(item, sample), Grades("", verdict, verdict)))
    return found


@pytest.mark.parametrize(
    ("base", "other", "changed"),
    [("2", "2", 0), ("1", "1.0", 0), (None, None, 0), ("1", "2", 1), (None, "1", 1), ("1", None, 1)],
)
def test_an_answer_that_is_written_otherwise_is_the_same(base: str | None, other: str | None, changed: int) -> None:
    """And no answer is another one than any."""
    assert changed_answers(run(a=base), run(a=other), GRADER).changed == changed


def test_a_wrong_answer_that_becomes_another_wrong_one_has_changed() -> None:
    """McNemar's test counts only what is right; the share of changes counts it."""
    found = changed_answers(run(a="1", b="2", c="1", d="3"), run(a="1", b="4", c="5", d="1"), GRADER)
    assert found == ChangedAnswers(4, 3, 0.75, wilson(3, 4), right_base=2, right=2, lost=1, gained=1, p=1.0)


def test_problems_that_one_run_lacks_are_left_out() -> None:
    """As after Ctrl-C, in either of the two."""
    assert changed_answers(run(a="1", b="1"), run(b="2", c="1"), GRADER).problems == 1
    assert changed_answers(run(a="1"), [], GRADER).problems == 0

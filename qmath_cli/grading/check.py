"""One comparison of two answers, as a person asks for it: without a model, with a grader that is closed afterwards."""

from __future__ import annotations

from qmath_cli.grading.grader import Grader
from qmath_cli.grading.official.answers import reference_of_answer
from qmath_cli.records import Verdict
from qmath_cli.settings import Grade


def check(answer: str, expected: str, grade: Grade = Grade.STRICT) -> Verdict:
    """Compare two answers.

    Args:
        answer: the answer, in LaTeX or plain text.
        expected: what it should be.
        grade: whose rules; the official ones get both answers in their normal form.

    Returns:
        The verdict, with the rule that decided or the reason why none could.
    """
    if grade is Grade.OFFICIAL:
        answer, expected = reference_of_answer(answer), reference_of_answer(expected)
    with Grader(grade) as grader:
        return grader(answer, expected)

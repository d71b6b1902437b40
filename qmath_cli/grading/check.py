"""Comparisons of answers as a person asks for them: without a model, with a grader that is closed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from qmath_cli.errors import UsageError
from qmath_cli.grading.grader import MAX_LENGTH, Grader
from qmath_cli.grading.official.answers import reference_of_answer
from qmath_cli.records import Verdict
from qmath_cli.settings import Grade

Comparison = Callable[[str, str], Verdict]


def check(answer: str, expected: str, grade: Grade | str = Grade.STRICT, *, exact: bool = False) -> Verdict:
    """Compare two answers, in LaTeX or plain text.

    Args:
        answer: the answer.
        expected: what it should be.
        grade: `strict`, what a person accepts; or `official`, the rules of Qwen's evaluation.
        exact: whether a rounded value is refused, as 0.333 for 1/3; the strict rules only.

    Returns:
        The verdict: its `mark` is CORRECT, WRONG or UNDECIDED, `rule` the rule that decided, `why` the reason. In a
        condition a verdict is true only if the answers are equal.

    Raises:
        UsageError: no such grade, or official rules that are to be exact.
    """
    with opened(grade, exact=exact) as compare:
        return compare(answer, expected)


def check_many(
    pairs: Iterable[tuple[str, str]], grade: Grade | str = Grade.STRICT, *, exact: bool = False
) -> Iterator[Verdict]:
    """Compare many pairs of answers with one grader, several hundred a second.

    Args:
        pairs: pairs of an answer and what it should be; each is taken when its verdict is asked for.
        grade: as in `check`.
        exact: as in `check`.

    Yields:
        The verdicts, in the order of the pairs. A pair that cannot be compared is undecided and costs the others
        nothing.

    Raises:
        UsageError: as in `check`, with the first verdict.
    """
    with opened(grade, exact=exact) as compare:
        for answer, expected in pairs:
            yield compare(answer, expected)


@contextmanager
def opened(
    grade: Grade | str, *, exact: bool = False, open_grader: Callable[..., Grader] = Grader
) -> Iterator[Comparison]:
    """A comparison for the length of a block. The official rules get both answers in their normal form.

    Args:
        grade: as in `check`.
        exact: as in `check`.
        open_grader: makes the grader from a `Grade` and `exact`.

    Raises:
        UsageError: as in `check`.
    """
    if grade not in list(Grade):
        raise UsageError(f"unknown grade {grade!r}", f"one of {', '.join(Grade)}")
    if exact and grade == Grade.OFFICIAL:
        raise UsageError("the official rules accept rounded values", "exact comparison needs the strict grade")
    with open_grader(Grade(grade), exact=exact) as grader:
        yield grader if grade == Grade.STRICT else lambda a, b: grader(_normal(a), _normal(b))


def _normal(text: str) -> str:
    """The official normal form; the grader refuses what is too long for it."""
    return text if len(text) > MAX_LENGTH else reference_of_answer(text)

"""The problems that a run did not solve: their ids, and a bounded list for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qmath_cli.evaluation.datasets import Dataset, Item
from qmath_cli.evaluation.records import GradedSample
from qmath_cli.evaluation.score import Score, ScoredRun
from qmath_cli.records import Mark
from qmath_cli.settings import Grade
from qmath_cli.terminal import tables
from qmath_cli.terminal.maths import Alphabet
from qmath_cli.terminal.one_line import cut, formula, one_line
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.text_width import columns

_LONGEST_LIST = 10  # of one run; the page has them all
_LABEL = 12  # columns
_ANSWER_SHARE = 0.22  # of the width, for each of the two answers
_GAPS = 6  # columns between the cells
_LEAST = 8  # columns of the problem


def failed(data: Dataset, one: Score) -> list[Item]:
    """The scored problems whose picked answer is not correct, in the order of the data."""
    return [item for item in data.items if one.verdicts.get(item.id) is False]


def listed(data: Dataset, run: ScoredRun, width: int, alphabet: Alphabet | None, several: int) -> Iterator[str]:
    """The first of them as a table; nothing where all are solved.

    Args:
        data: The problems.
        run: A scored run.
        width: Columns of a line.
        alphabet: The characters to draw formulas with; None: they stay LaTeX.
        several: The number of runs in the report, which share its length.
    """
    items = failed(data, run.score)
    if not items:
        return
    shown = items[: max(_LONGEST_LIST // several, 3)]
    yield f"not solved: {len(items)} of {run.score.items}"
    samples: dict[str, list[GradedSample]] = {}
    for one in run.samples:
        samples.setdefault(one.item, []).append(one)
    widest = int(width * _ANSWER_SHARE)
    narrow = min(_LABEL, width // 6)
    labels = [cut(" ".join(clean(item.label or item.id).split()), narrow, alphabet) for item in shown]
    found = [_found(samples.get(item.id, []), run.score, widest, alphabet) for item in shown]
    expected = [formula(item.reference, widest, alphabet) for item in shown]
    answer = "answer" if run.score.k == 1 else "correct"
    taken = sum(max(map(columns, column)) for column in (labels, [answer, *found], ["expected", *expected]))
    room = max(width - taken - _GAPS, _LEAST)
    problems = [one_line(item.problem, room, alphabet) for item in shown]
    yield from tables.columns(
        [("", "problem", answer, "expected"), *zip(labels, problems, found, expected, strict=True)]
    )
    if len(items) > len(shown):
        yield f"... and {len(items) - len(shown)} more; --html FILE has all"


def _found(samples: Sequence[GradedSample], score: Score, width: int, alphabet: Alphabet | None) -> str:
    """What was answered instead; of several samples, how many are correct."""
    official = score.grade is Grade.OFFICIAL
    if score.k > 1:
        grades = [one.grades.official if official else one.grades.strict for one in samples[: score.k]]
        return f"{sum(grade.mark is Mark.CORRECT for grade in grades)} of {score.k}"
    if not samples or (samples[0].sample.answer is None and not (official and samples[0].grades.prediction)):
        return "no answer"
    answer = samples[0].sample.answer
    if answer is not None:
        return formula(answer, width, alphabet)
    return cut(f"no box: {formula(samples[0].grades.prediction, width, alphabet)}", width, alphabet)

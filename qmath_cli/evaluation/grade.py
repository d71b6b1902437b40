"""Grades the samples of an evaluation with both graders; an equal pair of answers is graded once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qmath_cli.evaluation.datasets import Item
from qmath_cli.evaluation.records import GradedSample, Grades, ItemSample
from qmath_cli.grading.official import answers
from qmath_cli.records import Equivalence, Mark, Verdict
from qmath_cli.settings import Grade

_NO_ANSWER = Verdict(Mark.WRONG, "no answer")


@dataclass(slots=True)
class SampleGrader:
    """Grades samples and remembers the verdicts. Used from one thread at a time.

    Attributes:
        layout: The data set's name, on which the official rules depend.
        equal: Returns the comparison of one of the two graders.
    """

    layout: str
    equal: Callable[[Grade], Equivalence]
    _known: dict[tuple[Grade, str, str], Verdict] = field(default_factory=dict)

    def grade(self, sample: ItemSample, item: Item) -> GradedSample:
        """Grade one sample.

        Args:
            sample: A finished sample.
            item: Its problem.

        Returns:
            The sample with both verdicts and the answer that the official rules extract from its text.
        """
        text, answer = sample.sample.text, sample.sample.answer
        prediction = answers.extract(text, self.layout, item.official) if text else ""
        official = self.compare(Grade.OFFICIAL, prediction, item.official)
        if answer is None:
            answer = _letter(prediction, item)
        strict = self.compare(Grade.STRICT, answer, item.reference) if answer else _NO_ANSWER
        return GradedSample(sample, Grades(prediction, official, strict))

    def compare(self, grade: Grade, answer: str, reference: str) -> Verdict:
        """Compare an answer with a reference.

        Args:
            grade: Which grader compares.
            answer: LaTeX for the strict grader, the official normal form for the official one.
            reference: The expected answer in the same form.

        Returns:
            The verdict; taken from memory if this pair was graded before.
        """
        pair = (grade, answer, reference)
        if pair not in self._known:
            self._known[pair] = self.equal(grade)(answer, reference)
        return self._known[pair]


def _letter(prediction: str, item: Item) -> str:
    """The letters that answer a choice question without a box, as base models and few-shot formats state them."""
    both = prediction and item.official and answers.is_letters(prediction) and answers.is_letters(item.official)
    return prediction if both else ""

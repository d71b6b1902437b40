"""Both graders over the samples of an evaluation, each pair of answers once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qmath_cli.evaluation.datasets import Item
from qmath_cli.evaluation.records import Done, Grades
from qmath_cli.grading.official import answers
from qmath_cli.records import Equivalence, Mark, Verdict
from qmath_cli.settings import Grade

NO_ANSWER = Verdict(Mark.WRONG, "no answer")


@dataclass(slots=True)
class SampleGrader:
    """Grades samples; `layout` is the data set's name, which the official rules want to know."""

    layout: str
    equal: Callable[[Grade], Equivalence]
    _known: dict[tuple[Grade, str, str], Verdict] = field(default_factory=dict)

    def grade(self, one: Done, item: Item) -> Done:
        """The sample with both verdicts."""
        prediction = answers.extract(one.sample.text, self.layout, item.official) if one.sample.text else ""
        by_rules = self.compare(Grade.OFFICIAL, prediction, item.official)
        answer = one.sample.answer if one.sample.answer is not None else _letter(prediction, item)
        by_sense = self.compare(Grade.STRICT, answer, item.reference) if answer else NO_ANSWER
        return one.graded(Grades(prediction, by_rules, by_sense))

    def compare(self, grade: Grade, answer: str, reference: str) -> Verdict:
        """One pair, asked of the grader only the first time."""
        pair = (grade, answer, reference)
        if pair not in self._known:
            self._known[pair] = self.equal(grade)(answer, reference)
        return self._known[pair]


def _letter(prediction: str, item: Item) -> str:
    """Base models and few-shot answers to choice questions box nothing; the letter they state counts."""
    both = prediction and item.official and answers.is_letters(prediction) and answers.is_letters(item.official)
    return prediction if both else ""

"""What a quantization changes in the answers: one greedy sample per problem by the base, and one by another model.

Two answers are the same if the strict grader finds them equal, or if neither model has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qmath_cli.benchmark.divergence.statistics import Divergence, Estimate
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.records import GradedSample
from qmath_cli.evaluation.statistics import mcnemar, wilson
from qmath_cli.records import Mark
from qmath_cli.settings import Grade


@dataclass(frozen=True, slots=True)
class ChangedAnswers:
    """The greedy answers of a model beside those of the base.

    Attributes:
        problems: that both have answered, or tried to.
        changed: of these, how many have another answer.
        share: `changed` of `problems`.
        ci95: the Wilson interval of the share.
        right_base: how many answers of the base are right.
        right: how many of the model's are.
        lost: problems that only the base has right.
        gained: problems that only the model has right.
        p: McNemar's exact two-sided p-value of a difference like that between `lost` and `gained`.
    """

    problems: int
    changed: int
    share: float
    ci95: tuple[float, float]
    right_base: int
    right: int
    lost: int
    gained: int
    p: float


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """A model beside the base.

    Attributes:
        model: its name.
        divergence: the statistics over positions.
        clustered: Mean KLD with the error between passages; None for a single passage.
        nearer: Mean KLD less that of the first model, likewise; None for the first model.
        answers: what became of the greedy answers; None if nothing was asked.
    """

    model: str
    divergence: Divergence
    clustered: Estimate | None = None
    nearer: Estimate | None = None
    answers: ChangedAnswers | None = None


def changed_answers(
    base: Sequence[GradedSample], other: Sequence[GradedSample], grader: SampleGrader
) -> ChangedAnswers:
    """Compare the samples of two runs over the same problems; problems that one of them lacks are left out."""
    mine = {one.item: one for one in other}
    pairs = [(one, mine[one.item]) for one in base if one.item in mine]
    changed = sum(not _same(a.sample.answer, b.sample.answer, grader) for a, b in pairs)
    right = [[_right(pair[i]) for pair in pairs] for i in (0, 1)]
    paired = mcnemar(*right)
    return ChangedAnswers(
        problems=len(pairs),
        changed=changed,
        share=changed / len(pairs) if pairs else 0.0,
        ci95=wilson(changed, len(pairs)),
        right_base=sum(right[0]),
        right=sum(right[1]),
        lost=paired.first_only,
        gained=paired.second_only,
        p=paired.p,
    )


def _same(first: str | None, second: str | None, grader: SampleGrader) -> bool:
    if first is None or second is None or first == second:
        return first == second
    return grader.compare(Grade.STRICT, second, first).mark is Mark.CORRECT


def _right(one: GradedSample) -> bool:
    return one.grades.strict.mark is Mark.CORRECT

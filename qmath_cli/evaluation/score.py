"""The score of an evaluation: accuracy with its interval, Maj@k and RM@k, subjects and levels, kinds of failure.

Pure functions over graded samples. Definitions:

    accuracy   the mean over problems of the share of their samples that are correct (mean@k)
    pass@n     the share of problems of which one of n samples is correct, estimated from all k (`statistics.pass_at`)
    Maj@k      the share of problems whose largest group of equal answers, among the first k samples, is correct
    RM@k       the share of problems whose sample with the highest reward, among the first k, is correct
    RM-vote@k  as Maj@k, with the weight of a group computed from its rewards (`solving.vote.weight`)
    PRM@k      as RM@k and RM-vote@k, where the reward is an aggregate of the scores of a solution's steps

Under the official grade, Maj@k and RM@k are those of the Qwen2.5-Math evaluation: answers are equal if their strings
are, and the first of equals wins. Its evaluation has no weighted vote. An undecided sample counts as not correct.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from qmath_cli.evaluation.datasets import Dataset, Item
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.published import Published
from qmath_cli.evaluation.rates import SampleRates, is_correct, mean, rates_of
from qmath_cli.evaluation.records import GradedSample, Setup
from qmath_cli.evaluation.statistics import pass_at, wilson
from qmath_cli.records import Equivalence, Pick, ShapeDecision
from qmath_cli.settings import Grade
from qmath_cli.solving import vote

_ByCount = Mapping[int, Mapping[str, bool]]
"""For each number of samples and problem id, whether the answer picked from so many samples is correct."""


@dataclass(frozen=True, slots=True)
class Subset:
    """The score of the problems of one subject or level.

    Attributes:
        name: The subject or level.
        items: The number of its problems.
        accuracy: Between 0 and 1.
        ci95: The 95 % interval of the accuracy.
    """

    name: str
    items: int
    accuracy: float
    ci95: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one run. All shares are between 0 and 1.

    Attributes:
        data: The data set's name.
        items: The number of problems of which all samples exist; only these are scored.
        k: Samples per problem.
        grade: Whose verdicts count.
        accuracy: The mean over problems of the share of correct samples.
        ci95: The 95 % interval of the accuracy.
        passed: pass@n for n = 1, 2, 4, ... and k.
        maj: Maj@n for the same n.
        rm: RM@n; empty unless every sample has the reward of a model that scores solutions, or was too long for it.
        rates: Kinds of failure, and sums.
        subjects: The score of each subject; empty if the data set has none.
        levels: The score of each level; empty if the data set has none.
        verdicts: For each problem id, whether the answer picked from all k samples is correct.
        rm_vote: RM-vote@n, likewise.
        prm: PRM@n; empty unless every sample has the scores of its steps.
        prm_vote: PRM-vote@n, likewise.
        setup: What was run; None for recorded responses.
        published: The published figures for this model and data set.
        remarks: Sentences about the comparison with the published figures.
    """

    data: str
    items: int
    k: int
    grade: Grade
    accuracy: float
    ci95: tuple[float, float]
    passed: Mapping[int, float]
    maj: Mapping[int, float]
    rm: Mapping[int, float]
    rates: SampleRates
    subjects: tuple[Subset, ...] = ()
    levels: tuple[Subset, ...] = ()
    verdicts: Mapping[str, bool] = field(default_factory=dict)
    rm_vote: Mapping[int, float] = field(default_factory=dict)
    prm: Mapping[int, float] = field(default_factory=dict)
    prm_vote: Mapping[int, float] = field(default_factory=dict)
    setup: Setup | None = None
    published: tuple[Published, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def ranked(self) -> tuple[str, Mapping[int, float], Mapping[int, float]]:
        """What a reward model chooses: the name of its kind, the shares of the best samples and of weighted votes."""
        return ("prm", self.prm, self.prm_vote) if self.prm else ("rm", self.rm, self.rm_vote)

    @property
    def headline(self) -> float:
        """The share of problems whose picked answer is correct; compared with `--min-accuracy`."""
        return _share(self.verdicts)


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A score, the samples it was computed from, and the file that has them; None for samples of another program.

    `shape` is that in which samples were computed now; None where none was, or servers computed them.
    """

    score: Score
    samples: Sequence[GradedSample]
    records: Path | None = None
    shape: ShapeDecision | None = None


def score(
    data: Dataset, samples: Sequence[GradedSample], k: int, grade: Grade, grader: SampleGrader, pick: Pick = Pick.MAJ
) -> Score:
    """Score the problems of which all k samples exist.

    Args:
        data: The problems.
        samples: Graded samples in any order; those of other problems and with an index of k or more are left out.
        k: Samples per problem.
        grade: Whose verdicts count.
        grader: Compares answers in a vote under the strict grade.
        pick: How one of k answers is picked for `verdicts`; by majority if it needs rewards and there are none.

    Returns:
        The score, without setup, published figures and remarks.
    """
    by_item = _by_item(data, samples, k)
    complete = [sample for group in by_item.values() for sample in group]
    means = {name: mean([is_correct(sample, grade) for sample in group]) for name, group in by_item.items()}
    sizes = _sizes(k)
    rewarded = sizes if _rewarded(complete) else []
    majority_correct = partial(_majority_correct, grade=grade, grader=grader)
    majority = _verdicts(by_item, sizes, majority_correct)
    ranked = _verdicts(by_item, rewarded, partial(_best_correct, grade=grade))
    weighted = _verdicts(by_item, rewarded, partial(majority_correct, weighted=True))
    chosen = {Pick.RM: ranked, Pick.PRM: ranked, Pick.RM_VOTE: weighted, Pick.PRM_VOTE: weighted}
    accuracy = mean(list(means.values()))
    shares, weighted_shares = _shares(ranked), _shares(weighted)
    by_steps = any(sample.sample.steps is not None for sample in complete)
    return Score(
        data=data.name,
        items=len(means),
        k=k,
        grade=grade,
        accuracy=accuracy,
        ci95=wilson(accuracy * len(means), len(means)),
        passed={n: _passed(by_item, n, grade) for n in sizes},
        maj={n: _share(verdicts) for n, verdicts in majority.items()},
        rm={} if by_steps else shares,
        rm_vote={} if by_steps else weighted_shares,
        prm=shares if by_steps else {},
        prm_vote=weighted_shares if by_steps else {},
        rates=rates_of(complete, grade),
        subjects=_subsets(data.items, means, lambda item: item.subject),
        levels=_subsets(data.items, means, lambda item: item.level),
        verdicts=chosen.get(pick, majority).get(k, majority[k]),
    )


def _rewarded(samples: Sequence[GradedSample]) -> bool:
    """Whether a reward model has scored these samples, but for some that were too long for it."""
    known = all(one.sample.reward is not None or one.unrated for one in samples)
    return known and (not samples or any(one.sample.reward is not None for one in samples))


def _passed(by_item: Mapping[str, Sequence[GradedSample]], n: int, grade: Grade) -> float:
    """pass@n over all problems."""
    counts = [(len(group), sum(is_correct(sample, grade) for sample in group)) for group in by_item.values()]
    return mean([pass_at(n, samples, correct) for samples, correct in counts])


def _by_item(data: Dataset, samples: Sequence[GradedSample], k: int) -> dict[str, list[GradedSample]]:
    """The first k samples of each problem that has so many, in the data's order."""
    groups: dict[str, list[GradedSample]] = {item.id: [] for item in data.items}
    for sample in sorted(samples, key=lambda sample: sample.sample.index):
        if sample.item in groups and sample.sample.index < k:
            groups[sample.item].append(sample)
    return {name: group for name, group in groups.items() if len(group) == k}


def _verdicts(
    by_item: Mapping[str, Sequence[GradedSample]],
    sizes: Sequence[int],
    correct: Callable[[Sequence[GradedSample]], bool],
) -> dict[int, dict[str, bool]]:
    """For each size n and problem, whether the answer picked from the first n samples is correct."""
    return {n: {name: correct(group[:n]) for name, group in by_item.items()} for n in sizes}


def _majority_correct(
    samples: Sequence[GradedSample], *, grade: Grade, grader: SampleGrader, weighted: bool = False
) -> bool:
    """Whether the first sample of the winning group is correct. The official vote counts a missing answer as one."""
    strict: Equivalence = partial(grader.compare, Grade.STRICT)
    if grade is Grade.OFFICIAL:
        groups = vote.group([sample.grades.prediction for sample in samples], vote.same_text)
    else:
        groups = vote.group([sample.sample.answer for sample in samples], strict)
    if weighted:
        groups = sorted(groups, key=lambda members: vote.weight([samples[i].sample for i in members]), reverse=True)
    return bool(groups) and is_correct(samples[groups[0][0]], grade)


def _best_correct(samples: Sequence[GradedSample], grade: Grade) -> bool:
    """Whether the sample with the highest reward, the first of equals, is correct."""
    return is_correct(max(samples, key=_reward), grade)


def _shares(verdicts: _ByCount) -> dict[int, float]:
    return {n: _share(found) for n, found in verdicts.items() if found}


def _share(verdicts: Mapping[str, bool]) -> float:
    return mean(list(verdicts.values()))


def _reward(sample: GradedSample) -> float:
    return sample.sample.reward if sample.sample.reward is not None else float("-inf")


def _sizes(k: int) -> list[int]:
    """1, 2, 4, ... and k."""
    return sorted({k, *(1 << bit for bit in range(k.bit_length()) if 1 << bit <= k)})


def _subsets(items: Sequence[Item], means: Mapping[str, float], name: Callable[[Item], str]) -> tuple[Subset, ...]:
    """The score of each subset of the scored problems, in the order of their names; `name` is empty for no subset."""
    groups: dict[str, list[float]] = {}
    for item in items:
        if item.id in means and name(item):
            groups.setdefault(name(item), []).append(means[item.id])
    return tuple(
        Subset(title, len(values), mean(values), wilson(sum(values), len(values)))
        for title, values in sorted(groups.items())
    )

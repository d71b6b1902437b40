"""What stored samples come to: accuracy, Maj@k and RM@k, where and how it failed, and how sure all that is.

Pure functions over graded samples. Definitions: `accuracy` is the mean over problems of the share of their samples that
is correct (for one sample: plain accuracy); Maj@k and RM@k look at the first k samples and are, under the official
grade, those of the Qwen2.5-Math evaluation (exact strings, ties to the first); the reward-weighted vote, which that
evaluation does not have, weighs the groups of Maj@k. Undecided is not correct, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from qmath_cli.evaluation.datasets import LAYOUTS, Dataset, Item
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.published import How, Published
from qmath_cli.evaluation.records import Done, Setup
from qmath_cli.evaluation.statistics import wilson
from qmath_cli.records import Equivalence, Finish, Mark, Pick, RunStatus
from qmath_cli.settings import Grade
from qmath_cli.solving import vote


@dataclass(frozen=True, slots=True)
class Subset:
    """The problems of one subject or level."""

    name: str
    items: int
    accuracy: float
    ci95: tuple[float, float]


@dataclass(frozen=True, slots=True)
class SampleRates:
    """Shares of all samples, 0 to 1, and sums over them; `joules` is None unless every sample was measured."""

    no_answer: float = 0.0
    out_of_tokens: float = 0.0
    degenerate: float = 0.0
    undecided: float = 0.0
    programs: int = 0
    programs_failed: int = 0
    tokens: int = 0
    seconds: float = 0.0
    joules: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One run's result. `verdicts` is the headline outcome per problem (as `pick` says), in order, by problem id."""

    data: str
    items: int
    k: int
    grade: Grade
    accuracy: float
    ci95: tuple[float, float]
    maj: Mapping[int, float]
    rm: Mapping[int, float]
    rates: SampleRates
    subjects: tuple[Subset, ...] = ()
    levels: tuple[Subset, ...] = ()
    verdicts: Mapping[str, bool] = field(default_factory=dict)
    rm_vote: Mapping[int, float] = field(default_factory=dict)
    setup: Setup | None = None
    published: tuple[Published, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def headline(self) -> float:
        """What `--min-accuracy` asks about: the vote or ranking over all k; for one sample the accuracy."""
        return _share(self.verdicts)


def score(
    data: Dataset, stored: Sequence[Done], k: int, grade: Grade, marker: SampleGrader, pick: Pick = Pick.MAJ
) -> Score:
    """Score the problems of which all k samples are there; `pick` decides what the headline is."""
    by_item = _by_item(data, stored, k)
    tests = {item.id: [_correct(one, grade) for one in by_item[item.id]] for item in data.items if item.id in by_item}
    means = {name: sum(marks) / len(marks) for name, marks in tests.items()}
    picked = partial(_picked, grade=grade, marker=marker)
    sizes = _sizes(k)
    majority = {size: {name: picked(ones[:size]) for name, ones in by_item.items()} for size in sizes}
    rewarded = all(one.sample.reward is not None for ones in by_item.values() for one in ones)
    ranked = {size: _reward_ranked(by_item, size, grade) for size in sizes} if rewarded else {}
    weighed = {size: {name: picked(ones[:size], weighted=True) for name, ones in by_item.items()} for size in sizes}
    weighed = weighed if rewarded else {}
    count = len(means)
    accuracy = _mean(list(means.values()))
    return Score(
        data=data.name,
        items=count,
        k=k,
        grade=grade,
        accuracy=accuracy,
        ci95=wilson(accuracy * count, count),
        maj={size: _share(marks) for size, marks in majority.items()},
        rm={size: _share(marks) for size, marks in ranked.items() if marks},
        rm_vote={size: _share(marks) for size, marks in weighed.items() if marks},
        rates=_rates([one for ones in by_item.values() for one in ones], grade),
        subjects=_parts(data.items, means, lambda item: item.subject),
        levels=_parts(data.items, means, lambda item: item.level),
        verdicts={Pick.RM: ranked, Pick.RM_VOTE: weighed}.get(pick, majority).get(k, majority[k]),
    )


def remarks(found: Score, data: Dataset, quantization: str) -> tuple[str, ...]:
    """Plain sentences about what keeps a score from being compared with the published one."""
    said = []
    size = LAYOUTS[data.name].size if data.name in LAYOUTS else None
    if not found.published:
        return ("No published figure exists for this model and data set.",)
    if size is not None and found.items != size:
        said.append(f"Not comparable as it stands: {found.items} of the set's {size} problems were run.")
    if found.k not in {1, 8}:
        said.append(f"Published figures are greedy or Maj@8; this run drew {found.k} samples per problem.")
    if found.grade is not Grade.OFFICIAL:
        said.append("Published figures use the official grade; this is the strict one.")
    if data.name in LAYOUTS and LAYOUTS[data.name].choice:
        said.append("Choice questions are asked with examples of our own, not Qwen's.")
    if quantization:
        said.append(f"The published model is bf16; this one is {quantization}.")
    return tuple(said)


def beside(found: Score) -> tuple[tuple[How, float, float], ...]:
    """Published setting, its figure, and ours, where ours was run in that setting."""
    ours = {How.GREEDY: found.accuracy if found.k == 1 else None, How.MAJ8: found.maj.get(8), How.RM8: found.rm.get(8)}
    return tuple((one.how, one.accuracy, mine) for one in found.published if (mine := ours[one.how]) is not None)


def _by_item(data: Dataset, stored: Sequence[Done], k: int) -> dict[str, list[Done]]:
    found: dict[str, list[Done]] = {item.id: [] for item in data.items}
    for one in sorted(stored, key=lambda one: one.sample.index):
        if one.item in found and one.sample.index < k:
            found[one.item].append(one)
    return {name: ones for name, ones in found.items() if len(ones) == k}


def _mark(one: Done, grade: Grade) -> Mark:
    assert one.grades is not None
    return one.grades.official.mark if grade is Grade.OFFICIAL else one.grades.strict.mark


def _correct(one: Done, grade: Grade) -> bool:
    return _mark(one, grade) is Mark.CORRECT


def _picked(ones: Sequence[Done], *, grade: Grade, marker: SampleGrader, weighted: bool = False) -> bool:
    """Whether the majority's first member is correct; the official vote counts a missing answer as an answer."""
    strict: Equivalence = partial(marker.compare, Grade.STRICT)
    if grade is Grade.OFFICIAL:
        groups = vote.group([one.grades.prediction if one.grades else "" for one in ones], vote.same_text)
    else:
        groups = vote.group([one.sample.answer for one in ones], strict)
    if weighted:
        groups = sorted(groups, key=lambda members: vote.weight([_reward(ones[i]) for i in members]), reverse=True)
    return bool(groups) and _correct(ones[groups[0][0]], grade)


def _reward_ranked(by_item: Mapping[str, Sequence[Done]], size: int, grade: Grade) -> dict[str, bool]:
    """Whether the sample with the highest reward, the first of equals, is correct."""
    return {name: _correct(max(ones[:size], key=_reward), grade) for name, ones in by_item.items()}


def _share(marks: Mapping[str, bool]) -> float:
    return _mean([float(mark) for mark in marks.values()])


def _reward(one: Done) -> float:
    return one.sample.reward if one.sample.reward is not None else float("-inf")


def _sizes(k: int) -> list[int]:
    """1, 2, 4, ... and k."""
    return sorted({k, *(1 << bit for bit in range(k.bit_length()) if 1 << bit <= k)})


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _rates(ones: Sequence[Done], grade: Grade) -> SampleRates:
    if not ones:
        return SampleRates()
    ends = [one.sample.finish for one in ones]
    runs = [run for one in ones for run in one.sample.runs]
    return SampleRates(
        no_answer=sum(one.sample.answer is None for one in ones) / len(ones),
        out_of_tokens=sum(end in {Finish.OUT_OF_TOKENS, Finish.OUT_OF_CONTEXT} for end in ends) / len(ones),
        degenerate=ends.count(Finish.DEGENERATE) / len(ones),
        undecided=sum(_mark(one, grade) is Mark.UNDECIDED for one in ones) / len(ones),
        programs=len(runs),
        programs_failed=sum(run.output.status is not RunStatus.OK for run in runs),
        tokens=sum(one.sample.usage.completion_tokens for one in ones),
        seconds=sum(one.seconds for one in ones),
        joules=None if None in (spent := [one.joules for one in ones]) else sum(filter(None, spent)),
    )


def _parts(items: Sequence[Item], means: Mapping[str, float], name: Callable[[Item], str]) -> tuple[Subset, ...]:
    groups: dict[str, list[float]] = {}
    for item in items:
        if item.id in means and name(item):
            groups.setdefault(name(item), []).append(means[item.id])
    return tuple(
        Subset(title, len(values), _mean(values), wilson(sum(values), len(values)))
        for title, values in sorted(groups.items())
    )

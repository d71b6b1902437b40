"""How samples ended, how their programs went, and how fast they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qmath_cli.evaluation.records import GradedSample
from qmath_cli.records import Finish, Mark, RunStatus
from qmath_cli.settings import Grade


@dataclass(frozen=True, slots=True)
class SampleRates:
    """Kinds of failure, and sums, over all samples.

    Attributes:
        no_answer: Share of the samples without an answer, between 0 and 1.
        out_of_tokens: Share that reached the token limit or the end of the context.
        degenerate: Share that was stopped because its text repeated itself or was token soup.
        undecided: Share that the grader could not decide.
        unboxed_correct: Share without an answer that counts as correct all the same: the official rules take the last
            number of a text without a box.
        programs: Programs that were run.
        programs_failed: Programs that did not end with status `ok`.
        tokens: Generated tokens.
        seconds: Wall clock of decoding.
        joules: Energy; None unless it was measured for every sample.
    """

    no_answer: float = 0.0
    out_of_tokens: float = 0.0
    degenerate: float = 0.0
    undecided: float = 0.0
    unboxed_correct: float = 0.0
    programs: int = 0
    programs_failed: int = 0
    tokens: int = 0
    seconds: float = 0.0
    joules: float | None = None


def rates_of(samples: Sequence[GradedSample], grade: Grade) -> SampleRates:
    """The rates of samples under a grader's verdicts; all 0 for none."""
    if not samples:
        return SampleRates()
    ends = [sample.sample.finish for sample in samples]
    runs = [run for sample in samples for run in sample.sample.runs]
    joules = [sample.made.joules for sample in samples]
    measured = [energy for energy in joules if energy is not None]
    return SampleRates(
        no_answer=mean([sample.sample.answer is None for sample in samples]),
        out_of_tokens=mean([end in {Finish.OUT_OF_TOKENS, Finish.OUT_OF_CONTEXT} for end in ends]),
        degenerate=mean([end is Finish.DEGENERATE for end in ends]),
        undecided=mean([mark_of(sample, grade) is Mark.UNDECIDED for sample in samples]),
        unboxed_correct=mean([sample.sample.answer is None and is_correct(sample, grade) for sample in samples]),
        programs=len(runs),
        programs_failed=sum(run.output.status is not RunStatus.OK for run in runs),
        tokens=sum(sample.sample.usage.completion_tokens for sample in samples),
        seconds=sum(sample.made.seconds for sample in samples),
        joules=sum(measured) if len(measured) == len(joules) else None,
    )


def mark_of(sample: GradedSample, grade: Grade) -> Mark:
    """The verdict that counts."""
    return sample.grades.official.mark if grade is Grade.OFFICIAL else sample.grades.strict.mark


def is_correct(sample: GradedSample, grade: Grade) -> bool:
    """Whether a sample counts as correct."""
    return mark_of(sample, grade) is Mark.CORRECT


def mean(values: Sequence[float]) -> float:
    """The mean; 0 for no values."""
    return sum(values) / len(values) if values else 0.0

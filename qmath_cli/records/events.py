"""What happens during a solve, in order; the `Solution` comes last."""

from __future__ import annotations

from dataclasses import dataclass, field

from qmath_cli.records.results import ProgramRun, Sample, Solution, Votes


@dataclass(frozen=True, slots=True)
class TextDelta:
    """New text of the sample with index `sample`, and how many tokens it is: about one, or many from a server."""

    sample: int
    text: str
    tokens: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class ProgramStarted:
    """A program of sample `sample` was submitted to the executor."""

    sample: int
    code: str


@dataclass(frozen=True, slots=True)
class ProgramFinished:
    """A program of sample `sample` ended."""

    sample: int
    run: ProgramRun


@dataclass(frozen=True, slots=True)
class SampleFinished:
    """A sample is finished; `votes` are those of its problem's samples so far, where they are counted."""

    sample: Sample
    votes: Votes | None = None


Event = TextDelta | ProgramStarted | ProgramFinished | SampleFinished | Solution

"""What a solve gives: pieces of text, program runs, samples, verdicts, votes, and the solution."""

from __future__ import annotations

from dataclasses import dataclass, field

from qmath_cli.records.enums import Finish, Mark, Mode, RunStatus, Stop
from qmath_cli.records.inputs import Problem, Sampling


@dataclass(frozen=True, slots=True)
class Chunk:
    """New text of one sequence.

    Attributes:
        sequence: The sequence's id.
        text: May be empty.
        tokens: The number of tokens that were decoded for it.
        stop: Why the sequence stopped with this chunk; None if it continues.
    """

    sequence: int
    text: str
    tokens: int = 1
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """The result of a program.

    Attributes:
        text: What is fed back to the model: the output, and the error if there is one, both sanitized and shortened.
        status: How it ended.
        seconds: Wall clock.
        error: The last line of the traceback; empty if there is none.
    """

    text: str
    status: RunStatus
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """A program of the model, and its result."""

    code: str
    output: Output


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one sequence, or their sum over several.

    Attributes:
        prompt_tokens: Tokens of the prompt.
        completion_tokens: Tokens that were sampled.
        prefilled_tokens: Tokens that were prefilled; those that the KV cache already has are not.
        output_tokens: Tokens of program outputs.
        cached_tokens: Prompt tokens that a server had in its cache, summed over its requests, as far as it tells.
        drafted_tokens: Drafted tokens that were verified.
        accepted_tokens: Those of them that were the sampled ones; `completion_tokens` has them too.
        gained_tokens: Tokens that would have been decoded in the time that drafts saved, by the measured cost of steps;
            negative where they lost.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prefilled_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    gained_tokens: int = 0

    @property
    def draft_gain(self) -> float:
        """How many times as long decoding would have taken without drafts; 1 where there were none."""
        spent = self.completion_tokens - self.gained_tokens
        return self.completion_tokens / spent if self.completion_tokens and spent > 0 else 1.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.prefilled_tokens + other.prefilled_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.drafted_tokens + other.drafted_tokens,
            self.accepted_tokens + other.accepted_tokens,
            self.gained_tokens + other.gained_tokens,
        )


@dataclass(frozen=True, slots=True)
class StepScore:
    """A step of a solution, and the probability that it is right, as a process reward model sees it."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Rating:
    """What a reward model says of a solution.

    Attributes:
        value: One number, higher is better; from 0 to 1 where it comes from the scores of steps.
        steps: The scores of the steps; None from a model that scores the whole.
    """

    value: float
    steps: tuple[StepScore, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A finished attempt at a problem.

    Attributes:
        text: Everything after the prompt, including the output blocks of programs.
        answer: LaTeX; None if there is none.
        finish: Why it ended.
        runs: The programs that were run.
        usage: Its token counts.
        reward: The score of a reward model; None if it was not scored.
        steps: The scores of its steps, if a process reward model scored it: `reward` is their aggregate.
        index: Its number among the samples of the problem, from 0.
        unrun_programs: Programs in the text that were not run; in CoT, all of them.
    """

    text: str
    answer: str | None
    finish: Finish
    runs: tuple[ProgramRun, ...] = ()
    usage: Usage = field(default_factory=Usage)
    reward: float | None = None
    index: int = 0
    unrun_programs: int = 0
    steps: tuple[StepScore, ...] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A grader's verdict on a pair of answers. True if they are equal.

    Attributes:
        mark: The outcome.
        rule: The rule that decided.
        why: Why no rule could decide; empty if one did.
    """

    mark: Mark
    rule: str = ""
    why: str = ""

    def __bool__(self) -> bool:
        """Whether the answers are equal; false if they are different or if the grader could not decide."""
        return self.mark is Mark.CORRECT


@dataclass(frozen=True, slots=True)
class VoteGroup:
    """Samples with equal answers.

    Attributes:
        answer: The answer of the first of them.
        count: How many they are.
        reward: The mean of their rewards; None unless all of them have one.
        members: The indices of the samples.
    """

    answer: str
    count: int
    reward: float | None = None
    members: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Votes:
    """The votes of several samples.

    Attributes:
        k: The requested number of samples.
        sampled: The number of finished samples, with or without an answer.
        groups: Equal answers, the largest group first.
    """

    k: int
    sampled: int
    groups: tuple[VoteGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """Times in seconds, and rates in tokens per second over all sequences."""

    load_s: float = 0.0
    first_token_s: float = 0.0
    prefill_tps: float = 0.0
    decode_tps: float = 0.0
    total_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected answer, and whether the solution's answer is equal to it; None if the grader could not decide."""

    answer: str
    equal: bool | None


@dataclass(frozen=True, slots=True)
class Solution:
    """The solution of a problem. It is the last event of every solve.

    Attributes:
        problem: The problem.
        mode: CoT or TIR.
        answer: The picked answer in LaTeX; None if there is none.
        finish: Why it ended.
        samples: All samples, in the order of their indices.
        sampling: How the first sample was sampled.
        votes: The groups of equal answers.
        usage: The tokens of all samples; the prompt, which they share, counts once.
        timing: Times and rates.
        expected: The comparison with the expected answer, if one was given.
    """

    problem: Problem
    mode: Mode
    answer: str | None
    finish: Finish
    samples: tuple[Sample, ...]
    sampling: Sampling
    votes: Votes
    usage: Usage = field(default_factory=Usage)
    timing: Timing = field(default_factory=Timing)
    expected: Expected | None = None

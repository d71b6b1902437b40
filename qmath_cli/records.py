"""The records that the rooms of qmath exchange, and the protocols of the components that they use from one another.

Frozen dataclasses, enums and protocols without behaviour; the standard library only. Token counts are `int`, times are
seconds as `float`, sizes are bytes.

house: long because all shared records are on one page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

# ---------------------------------------------------------------- enums


class Mode(StrEnum):
    """How a problem is solved."""

    COT = "cot"  # chain of thought: text only
    TIR = "tir"  # tool-integrated reasoning: the model writes programs, which are run


class Language(StrEnum):
    """The language of a problem and of its solution."""

    EN = "en"
    ZH = "zh"


class Stop(StrEnum):
    """Why a sequence stopped decoding."""

    END = "end"  # an end token was sampled
    STRING = "string"  # a stop string was generated; the text ends before it
    MAX_TOKENS = "max_tokens"  # the token limit of the sampling
    CONTEXT = "context"  # the context is full
    DEGENERATE = "degenerate"  # the text repeats itself or is token soup
    CANCELLED = "cancelled"


class Finish(StrEnum):
    """Why a sample or a solution ended: `finish_reason` of `solve --json`."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"  # the model ended its text without an answer
    OUT_OF_TOKENS = "out_of_tokens"  # the token limit of the sampling
    OUT_OF_CONTEXT = "out_of_context"  # the context is full, or the problem does not fit into it
    OUT_OF_PROGRAMS = "out_of_programs"  # one program more than the limit
    DEGENERATE = "degenerate"  # the text repeats itself or is token soup
    INTERRUPTED = "interrupted"  # Ctrl-C
    TIMEOUT = "timeout"  # the user's time limit


class RunStatus(StrEnum):
    """How a program ended in the executor."""

    OK = "ok"
    ERROR = "error"  # it raised an exception or crashed
    BLOCKED = "blocked"  # it did something that is not allowed, or was not run
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"


class Mark(StrEnum):
    """The outcome of a comparison of two answers."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNDECIDED = "undecided"  # the grader could not decide; counted separately from WRONG


class Pick(StrEnum):
    """How one answer is picked from several samples."""

    MAJ = "maj"  # the answer of most samples
    RM = "rm"  # the answer of the sample with the highest reward
    RM_VOTE = "rm-vote"  # the answer of most samples, weighted by sigmoid(reward)
    FIRST = "first"  # the answer of the first sample

    @property
    def ranks(self) -> bool:
        """Whether it needs rewards."""
        return self in {Pick.RM, Pick.RM_VOTE}


class ModelKind(StrEnum):
    """What a model was trained for. The converter writes it into the GGUF as `qmath.kind`."""

    BASE = "base"  # continues text; gets worked examples
    INSTRUCT = "instruct"  # answers in a chat
    REWARD = "reward"  # scores a solution


class ModelFamily(StrEnum):
    """The model family, which determines the prompts."""

    QWEN2 = "qwen2-math"
    QWEN2_5 = "qwen2.5-math"
    OTHER = "other"  # another model of the qwen2 architecture; gets the prompts of Qwen2.5-Math


class Protection(StrEnum):
    """How strongly programs are restricted; `sandbox.levels` has the definitions."""

    FULL = "full"
    PARTIAL = "partial"
    BASIC = "basic"


# ---------------------------------------------------------------- inputs


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem.

    Attributes:
        text: As the user wrote it.
        language: Its language.
        id: Its id in a batch or data set; may be empty.
        reference: The expected answer, if known.
    """

    text: str
    language: Language = Language.EN
    id: str = ""
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a prompt. Texts such as `<|im_start|>` become control tokens only if `special` is true."""

    text: str
    special: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt.

    Attributes:
        segments: Its text, in parts.
        stops: Strings that end the generated text.
        stated: Whether the answer may follow a phrase such as `The answer is` instead of being boxed, as in the
            few-shot formats.
    """

    segments: tuple[Segment, ...]
    stops: tuple[str, ...] = ()
    stated: bool = False

    @property
    def text(self) -> str:
        """The whole text, in which control tokens cannot be distinguished from other text."""
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the tokens of a sequence are sampled.

    Attributes:
        temperature: 0 is greedy.
        top_p: 1 is off.
        top_k: 0 is off.
        min_p: 0 is off.
        seed: Of the random number generator.
        max_tokens: The largest number of generated tokens.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0
    max_tokens: int = 2048


# ---------------------------------------------------------------- results


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
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prefilled_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.prefilled_tokens + other.prefilled_tokens,
            self.output_tokens + other.output_tokens,
        )


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
class ModelInfo:
    """What is known about a model file before it is loaded. `models.describe` creates it.

    Attributes:
        name: The full name, such as `7b-instruct:q4_k_m`, or a path.
        path: The GGUF.
        quantization: In lower case; empty if it is not known.
        sha256: Empty if the file was never hashed.
        base_name: The name in models.lock; empty for any other file.
        kind: What it was trained for.
        family: Which prompts it gets.
        embedded: Whether it is part of the package.
        size: Bytes of the GGUF.
        context: Tokens of the context it was trained on; 0 if it is not known.
        chatml: Whether its vocabulary has the control tokens of ChatML.
    """

    name: str
    path: Path
    quantization: str = ""
    sha256: str = ""
    base_name: str = ""
    kind: ModelKind = ModelKind.INSTRUCT
    family: ModelFamily = ModelFamily.QWEN2_5
    embedded: bool = False
    size: int = 0
    context: int = 0
    chatml: bool = True


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


# ---------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class TextDelta:
    """New text of the sample with index `sample`."""

    sample: int
    text: str


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
    """A sample is finished."""

    sample: Sample


Event = TextDelta | ProgramStarted | ProgramFinished | SampleFinished | Solution


# ---------------------------------------------------------------- protocols


class Engine(Protocol):
    """Decodes many sequences at the same time. It handles tokens only; programs and answers belong to `solving`."""

    @property
    def context_length(self) -> int:
        """Tokens that one sequence can hold, prompt included."""
        ...

    @property
    def steps_per_round(self) -> int:
        """Steps in which a sequence that can run gets one token, on average."""
        ...

    def start(self, prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        """Queue one sequence per sampling, all on the same prompt.

        Args:
            prompt: The prompt; it is prefilled once, and the sequences share its KV cells.
            samplings: How the tokens of each sequence are sampled.

        Returns:
            The sequences' ids, in the order of `samplings`.

        Raises:
            PromptTooLong: The prompt leaves no room for an answer in the context.
            ValueError: The prompt is empty.
        """
        ...

    def extend(self, sequence: int, text: str) -> None:
        """Append text to a sequence that has stopped, and let it decode again.

        Args:
            sequence: Its id.
            text: Plain text; it never becomes control tokens.

        Raises:
            ValueError: The sequence has not stopped.
        """
        ...

    def step(self) -> tuple[Chunk, ...]:
        """Compute the next tokens.

        Returns:
            New text of at least one sequence; empty if no sequence can run.
        """
        ...

    def release(self, sequence: int) -> None:
        """Remove a sequence, running or not. Its id is invalid afterwards."""
        ...

    def usage(self, sequence: int) -> Usage:
        """Token counts of a sequence that has not been released."""
        ...

    def clear_prefix_cache(self) -> None:
        """Free the KV cells of released sequences: later texts do not depend on earlier ones, not even by rounding."""
        ...


class Worker(Protocol):
    """A process with one namespace, in which the programs of one sample run in order."""

    def run(self, code: str) -> Output:
        """Run a program until it ends or exceeds a limit.

        Args:
            code: Python source.

        Returns:
            Its result. A failure of the program is a result, never an exception.
        """
        ...

    def close(self) -> None:
        """End the process and wait for it. Can be called twice, and from another thread."""
        ...


class Executor(Protocol):
    """Runs programs, each in the worker of its sample."""

    @property
    def protection(self) -> Protection:
        """How strongly programs are restricted, from the probes of a real worker."""
        ...

    def open(self) -> Worker:
        """Start a worker with an empty namespace, or return a spare one that was started before."""
        ...

    def close(self) -> None:
        """Close all workers."""
        ...


class Reward(Protocol):
    """A reward model: it scores solutions."""

    def score(self, prompt: Prompt) -> float:
        """Score a conversation that ends with a solution.

        Returns:
            An unbounded number; higher is better.

        Raises:
            PromptTooLong: The conversation exceeds the context.
        """
        ...


class Equivalence(Protocol):
    """A comparison of two answers."""

    def __call__(self, answer: str, reference: str) -> Verdict:
        """Compare two answers.

        Args:
            answer: LaTeX.
            reference: The expected answer, LaTeX.

        Returns:
            The verdict. No text raises an exception.
        """
        ...

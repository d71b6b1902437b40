"""The nouns of qmath, and the ports through which its rooms meet.

Frozen dataclasses, enums and protocols; the standard library only. Nothing here does anything: the verbs live in the
rooms. Texts are `str`, token counts are `int`, times are seconds as `float`, sizes are bytes.

house: long because the vocabulary is read best on one page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

# ---------------------------------------------------------------- closed sets


class Mode(StrEnum):
    """How a problem is solved: in words only, or with programs that run."""

    COT = "cot"
    TIR = "tir"


class Language(StrEnum):
    """The language of a problem; the answer follows it."""

    EN = "en"
    ZH = "zh"


class Stop(StrEnum):
    """Why one stretch of decoding ended."""

    END = "end"  # an end token was sampled
    STRING = "string"  # a stop string appeared; the text ends before it
    MAX_TOKENS = "max_tokens"
    CONTEXT = "context"  # no room left in the model's context
    DEGENERATE = "degenerate"  # token soup or a short cycle
    CANCELLED = "cancelled"


class Finish(StrEnum):
    """Why a solution ended: `finish_reason` of `solve --json`."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    OUT_OF_TOKENS = "out_of_tokens"
    OUT_OF_CONTEXT = "out_of_context"
    OUT_OF_PROGRAMS = "out_of_programs"
    DEGENERATE = "degenerate"
    INTERRUPTED = "interrupted"
    TIMEOUT = "timeout"


class RunStatus(StrEnum):
    """How a program ended in the executor."""

    OK = "ok"
    ERROR = "error"
    BLOCKED = "blocked"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"


class Mark(StrEnum):
    """A grader's verdict; UNDECIDED is a fact about the grader and is never folded into WRONG."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNDECIDED = "undecided"


class Pick(StrEnum):
    """How one answer is chosen among several samples."""

    MAJ = "maj"
    RM = "rm"
    RM_VOTE = "rm-vote"  # votes weighted by sigmoid(reward)
    FIRST = "first"


class Protection(StrEnum):
    """What holds a program back: see `sandbox`."""

    FULL = "full"
    PARTIAL = "partial"
    BASIC = "basic"


# ---------------------------------------------------------------- what goes in


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem as the user gave it; `reference` is the expected answer, where one is known."""

    text: str
    language: Language = Language.EN
    id: str = ""
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of prompt text; only where `special` is true may `<|im_start|>` and its like become control tokens."""

    text: str
    special: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given before it speaks: segments in order, and the strings at which it must stop.

    `stated` says that the answer may follow a phrase (`The answer is`) and need not be boxed: the few-shot formats.
    """

    segments: tuple[Segment, ...]
    stops: tuple[str, ...] = ()
    stated: bool = False

    @property
    def text(self) -> str:
        """The prompt as one string, for people."""
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. `temperature` 0 is greedy; `top_k` 0 and `min_p` 0 switch those filters off."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0
    max_tokens: int = 2048


# ---------------------------------------------------------------- what comes out


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one sequence's text as it is decoded; only a stretch's last chunk has a `stop`."""

    sequence: int
    text: str
    tokens: int = 1
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """What a program gave back: `text` is what the model reads, `error` the last traceback line (empty if none)."""

    text: str
    status: RunStatus
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """A program the model wrote, and what running it gave."""

    code: str
    output: Output


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one sequence: of the prompt, written by the model, put through prefill, and of program outputs.

    What the KV cache already had is not prefilled.
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
    """One finished attempt. `text` is everything after the prompt, output blocks included; `answer` is LaTeX."""

    text: str
    answer: str | None
    finish: Finish
    runs: tuple[ProgramRun, ...] = ()
    usage: Usage = field(default_factory=Usage)
    reward: float | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """A grader's word on a pair of answers: the mark, the rule that decided, and why none could."""

    mark: Mark
    rule: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class VoteGroup:
    """Samples whose answers count as the same; `answer` is the first seen, `members` are sample indices."""

    answer: str
    count: int
    reward: float | None = None
    members: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Votes:
    """The count of a Maj@k: `k` asked for, `sampled` finished with an answer or without, groups by size."""

    k: int
    sampled: int
    groups: tuple[VoteGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on this disk. `name` is what the user says, `sha256` is empty where nobody has hashed it yet."""

    name: str
    path: Path
    quantization: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds and rates of one run; rates are tokens per second over all sequences."""

    load_s: float = 0.0
    first_token_s: float = 0.0
    prefill_tps: float = 0.0
    decode_tps: float = 0.0
    total_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer the user expected, and whether ours is equal to it (None: undecided)."""

    answer: str
    equal: bool | None


@dataclass(frozen=True, slots=True)
class Solution:
    """A problem and all that was found out about it: the last event of every solve, exactly once."""

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


# ---------------------------------------------------------------- what happens on the way


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Sample `sample` said `text`."""

    sample: int
    text: str


@dataclass(frozen=True, slots=True)
class ProgramStarted:
    """Sample `sample` handed `code` to the executor."""

    sample: int
    code: str


@dataclass(frozen=True, slots=True)
class ProgramFinished:
    """The executor answered sample `sample`."""

    sample: int
    run: ProgramRun


@dataclass(frozen=True, slots=True)
class SampleFinished:
    """One attempt is complete."""

    sample: Sample


Event = TextDelta | ProgramStarted | ProgramFinished | SampleFinished | Solution


# ---------------------------------------------------------------- ports


class Engine(Protocol):
    """Tokens in, tokens out: many sequences in one context. Knows nothing of mathematics, programs or answers."""

    @property
    def context_length(self) -> int:
        """Tokens that one sequence may hold, prompt included."""
        ...

    @property
    def turns(self) -> int:
        """Steps in which a sequence that can run moves once, on the average."""
        ...

    def start(self, prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        """Queue one sequence per sampling, all on the same prompt, which is prefilled once and shared.

        Raises `PromptTooLong`. Returns the sequences' ids in the order of `samplings`.
        """
        ...

    def extend(self, sequence: int, text: str) -> None:
        """Append plain text (never control tokens) to a sequence that has stopped, and let it decode on."""
        ...

    def step(self) -> tuple[Chunk, ...]:
        """One decode step for those sequences that can run and whose turn it is; empty when none can run."""
        ...

    def release(self, sequence: int) -> None:
        """Forget a sequence, running or not, and free its KV cells."""
        ...

    def usage(self, sequence: int) -> Usage:
        """Token counts of a sequence that has not been released."""
        ...

    def forget(self) -> None:
        """Let go of released sequences' KV cells, where they were kept: what follows comes out as if it came first."""
        ...


class Worker(Protocol):
    """One live namespace: the programs of one solution run in it in order."""

    def run(self, code: str) -> Output:
        """Run a program to its end or its limits. Never raises for what the program did."""
        ...

    def close(self) -> None:
        """End the process and reap it. Safe to call twice, and from another thread."""
        ...


class Executor(Protocol):
    """Where programs run. Knows nothing of models."""

    @property
    def protection(self) -> Protection:
        """What the self-tests of a real worker showed to hold."""
        ...

    def open(self) -> Worker:
        """A fresh namespace; the spare worker is handed out and a new spare is started."""
        ...

    def close(self) -> None:
        """End every worker."""
        ...


class Reward(Protocol):
    """A reward model: it says how good a solution of a problem is."""

    def score(self, prompt: Prompt) -> float:
        """The scalar at the last token of a whole conversation; unbounded."""
        ...


class Equivalence(Protocol):
    """Whether two answers say the same."""

    def __call__(self, answer: str, reference: str) -> Verdict:
        """Compare two LaTeX answers. Never raises for what they contain."""
        ...

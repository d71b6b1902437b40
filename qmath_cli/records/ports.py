"""The protocols through which rooms use one another: engine, executor, reward models, grader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qmath_cli.records.enums import Mode, Protection
from qmath_cli.records.inputs import Prompt, Sampling
from qmath_cli.records.results import Chunk, Output, Rating, Usage, Verdict


class Engine(Protocol):
    """Decodes many sequences at the same time. It handles tokens only; programs and answers belong to `solving`."""

    @property
    def context_length(self) -> int:
        """Tokens that one sequence can hold, prompt included."""
        ...

    @property
    def steps_per_round(self) -> int:
        """Steps in which a sequence that can run gets one token, on average.

        0 where sequences do not decode in rounds, as on servers: a program's output goes back as soon as it is there.
        """
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
            New text of at least one sequence; empty if no sequence can run, or on servers if none came in a moment.
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
    """A reward model with the prompts that it was trained on: it rates solutions."""

    def rate(self, problem: str, mode: Mode, solutions: Sequence[str]) -> tuple[Rating, ...]:
        """Rate solutions of one problem.

        Args:
            problem: The problem.
            mode: How they were written.
            solutions: Their texts.

        Returns:
            A rating for each.

        Raises:
            PromptTooLong: The problem, or a solution where the whole is rated at once, exceeds the context.
        """
        ...


class ConversationScorer(Protocol):
    """A model that scores a whole conversation with one number."""

    def score(self, prompt: Prompt) -> float:
        """Score a conversation that ends with a solution.

        Returns:
            An unbounded number; higher is better.

        Raises:
            PromptTooLong: The conversation exceeds the context.
        """
        ...


class StepScorer(Protocol):
    """A model that scores every step of a solution."""

    def score_steps(
        self, opening: Prompt, solutions: Sequence[Sequence[Prompt]]
    ) -> tuple[tuple[float, ...] | None, ...]:
        """Score the steps of several solutions.

        Args:
            opening: What all of them begin with.
            solutions: The steps of each.

        Returns:
            For each solution one number from 0 to 1 per step; None for one that exceeds the context.

        Raises:
            PromptTooLong: The opening alone exceeds the context.
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

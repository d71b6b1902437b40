"""A problem with a written solution, and how a model sees it: the chat of Qwen2.5-Math with its control tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qmath_cli.prompting import chat
from qmath_cli.records import Language, Mode, Prompt, Segment


@dataclass(frozen=True, slots=True)
class Written:
    """A stretch of an assistant's turn.

    Attributes:
        text: what the model writes; it ends with a program where an output follows.
        output: what the executor printed, without the last newline; None where the turn ends.
    """

    text: str
    output: str | None = None


@dataclass(frozen=True, slots=True)
class WorkedSolution:
    """A problem with a solution.

    Attributes:
        language: of both.
        mode: whether it has programs.
        kind: what kind of problem it is.
        problem: the problem's text.
        answer: the right answer, in LaTeX; empty for a proof.
        turns: the assistant's turn, divided where the executor's outputs stand.
    """

    language: Language
    mode: Mode
    kind: str
    problem: str
    answer: str
    turns: tuple[Written, ...]

    @property
    def response(self) -> str:
        """The assistant's turn as one text, outputs included."""
        return "".join(one.text + ("" if one.output is None else chat.output_block(one.output)) for one in self.turns)


def prompt_of(solution: WorkedSolution) -> Prompt:
    """The whole conversation, up to the newline behind its last `<|im_end|>`."""
    return chat.conversation(solution.problem, solution.mode, solution.response)


def as_prompt(solutions: Iterable[WorkedSolution]) -> Prompt:
    """Conversations one after the other, as segments: control tokens are those of the chat only."""
    segments: list[Segment] = []
    for one in solutions:
        segments += prompt_of(one).segments
    return Prompt(tuple(segments))


def as_text(solutions: Iterable[WorkedSolution]) -> str:
    """The same as one text, for tools that read control tokens from it (`--parse-special` of llama-imatrix)."""
    return as_prompt(solutions).text

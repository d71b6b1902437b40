"""The state of a session: its settings, and all problems with their solutions.

Every problem has a solution, an interrupted one with the text so far: the chat format requires that user and assistant
alternate. `session_file` saves and loads sessions, and `history` keeps every problem as soon as it is solved.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from qmath_cli.errors import UsageError
from qmath_cli.history.entry import Solved
from qmath_cli.prompting.prompt_format import Turn
from qmath_cli.records import Sample, Solution, VoteGroup, Votes
from qmath_cli.settings import Settings
from qmath_cli.solving import vote
from qmath_cli.terminal.repl.reveal import Hidden


@dataclass(slots=True)
class Session:
    """The mutable state of a session.

    Attributes:
        settings: The current settings.
        solved: All problems with their solutions, the latest last.
        follow: Whether the prompt of the next problem contains the earlier problems and solutions.
        reveal: Whether solutions are hidden until they are uncovered step by step.
        hidden: The latest solution while a part of it is hidden.
        name: Under which it was saved or loaded; empty if it was not.
    """

    settings: Settings
    solved: list[Solved] = field(default_factory=list)
    follow: bool = False
    reveal: bool = False
    hidden: Hidden | None = None
    name: str = ""

    @property
    def solutions(self) -> list[Solution]:
        """All solutions, the latest last."""
        return [one.solution for one in self.solved]

    @property
    def latest(self) -> Solved:
        """The latest problem. Raises `UsageError` if there is none yet."""
        if not self.solved:
            raise UsageError("there is no solution yet", "type a problem first")
        return self.solved[-1]

    @property
    def last(self) -> Solution:
        """The latest solution. Raises `UsageError` if there is none yet."""
        return self.latest.solution

    def picked(self) -> Sample:
        """The sample of the latest solution that was shown."""
        return shown(self.last, self.settings)

    def numbers(self) -> tuple[int, ...]:
        """The numbers in the history of all problems that have one."""
        return tuple(one.number for one in self.solved if one.number is not None)

    def turns(self) -> tuple[Turn, ...]:
        """All problems with their responses."""
        return tuple((solution.problem.text, shown(solution, self.settings).text) for solution in self.solutions)


def shown(solution: Solution, settings: Settings) -> Sample:
    """The sample of a solution whose text is shown; an empty one if the solution has no sample."""
    return vote.shown(solution, settings.pick) or Sample("", None, solution.finish)


def extended(solution: Solution, partial: Sample, more: Solution) -> Solution:
    """Join a solution and its continuation.

    Args:
        solution: The solution that was continued.
        partial: Its sample that was continued.
        more: The continuation; its first sample has the text after `partial`.

    Returns:
        A solution with one sample.
    """
    tail = more.samples[0]
    whole = replace(
        tail,
        text=partial.text + tail.text,
        answer=tail.answer if tail.answer is not None else partial.answer,
        runs=partial.runs + tail.runs,
        unrun_programs=partial.unrun_programs + tail.unrun_programs,
        usage=replace(partial.usage + tail.usage, prompt_tokens=partial.usage.prompt_tokens),
    )
    answer = whole.answer
    groups = (VoteGroup(answer, 1, None, (whole.index,)),) if answer is not None else ()
    return replace(
        more,
        problem=solution.problem,
        answer=answer,
        samples=(whole,),
        votes=Votes(1, 1, groups),
        usage=solution.usage + more.usage,
    )

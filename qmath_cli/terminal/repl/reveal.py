"""A solution that is uncovered step by step, so that a student can try first: /reveal, /hint, and Enter for the next.

A hidden solution shows nothing while it is made, neither text nor votes. `/check` compares a student's answer with it
without showing its own. The last step comes with everything that ends a shown solution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qmath_cli.errors import UsageError
from qmath_cli.records import Finish, Pick, Protection, Solution
from qmath_cli.solving import vote
from qmath_cli.terminal.output import Terminal, clean
from qmath_cli.terminal.panel import WHY_NO_ANSWER
from qmath_cli.terminal.render import Renderer, RenderOptions
from qmath_cli.terminal.steps import gives_answer_away, steps
from qmath_cli.terminal.style import Style
from qmath_cli.terminal.transcript import Transcript


@dataclass(slots=True)
class Hidden:
    """A solution, its steps, and how many of them have been shown."""

    solution: Solution
    pick: Pick
    protection: Callable[[], Protection | None]
    steps: tuple[str, ...]
    shown: int = 0

    @property
    def done(self) -> bool:
        """Whether everything has been shown."""
        return self.shown >= len(self.steps)


def hidden(solution: Solution, pick: Pick, protection: Callable[[], Protection | None] = lambda: None) -> Hidden:
    """A solution of which nothing has been shown; a text without steps counts as one."""
    sample = vote.shown(solution, pick)
    text = sample.text if sample is not None else ""
    return Hidden(solution, pick, protection, tuple(steps(text)) or (text,))


def announce(one: Hidden, terminal: Terminal) -> None:
    """Say that a solution is there, and how to go on."""
    count = "1 step" if len(one.steps) == 1 else f"{len(one.steps)} steps"
    if one.solution.finish is Finish.ANSWERED:
        terminal.note(f"solved in {count}. Try it: /check ANSWER compares yours, /hint or Enter shows the first step")
    else:
        terminal.note(f"{WHY_NO_ANSWER[one.solution.finish]}; Enter shows the first of {count}")


def show_next(one: Hidden, terminal: Terminal, style: Style) -> None:
    """Show the next step, and after the last one the answer."""
    _write(one.steps[one.shown], terminal, style)
    one.shown += 1
    if one.done:
        Renderer(terminal, style, RenderOptions(pick=one.pick), one.protection).solution(one.solution)
    else:
        terminal.note(f"step {one.shown} of {len(one.steps)}; Enter shows the next")


def hint(one: Hidden, terminal: Terminal, style: Style) -> None:
    """Show the first step, unless it is not yet shown and gives the answer away.

    Raises:
        UsageError: There is no text, or the first step has the answer.
    """
    first = one.steps[0]
    if not first.strip():
        raise UsageError("the solution has no text", "/retry solves the problem again")
    if one.shown:
        _write(first, terminal, style)
    elif len(one.steps) == 1 or gives_answer_away(first, one.solution.problem.text, one.solution.answer):
        raise UsageError("the first step has the answer already", "Enter shows it")
    else:
        show_next(one, terminal, style)


def _write(step: str, terminal: Terminal, style: Style) -> None:
    transcript = Transcript(style)
    text = step.strip("\n") + "\n"
    terminal.write(transcript.text(text) + transcript.end() if style.drawn else clean(text))

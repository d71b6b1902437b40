"""A solution with the scores of its steps: a narrow column of numbers beside the text, the first doubtful one marked.

A score is the probability that the step is right, as the reward model sees it. A step under the threshold is doubtful.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qmath_cli.records import Aggregate, Rating, StepScore
from qmath_cli.solving.raters import aggregate
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.style import Paint, Style
from qmath_cli.terminal.transcript import Transcript

THRESHOLD = 0.5
_COLUMN = 8  # columns of a mark, a score and a gap


def first_doubtful(steps: Sequence[StepScore], threshold: float = THRESHOLD) -> int | None:
    """The index of the first step under the threshold."""
    return next((index for index, step in enumerate(steps) if step.score < threshold), None)


def scored_lines(steps: Sequence[StepScore], style: Style, threshold: float = THRESHOLD) -> Iterator[str]:
    """The lines of a solution, with the score of a step before its first line and `>` before the first doubtful one."""
    doubtful = first_doubtful(steps, threshold)
    narrow = _Narrow(**{name: getattr(style, name) for name in Style.__dataclass_fields__})
    for index, step in enumerate(steps):
        first = ("> " if index == doubtful else "  ") + f"{step.score:.2f}"
        roles = (Paint.BAD,) if step.score < threshold else (Paint.DIM,)
        column = style.paint(first, *roles) + " " * (_COLUMN - len(first))
        for line in _drawn(step.text, narrow):
            yield (column + line).rstrip()
            column = " " * _COLUMN


def summary(rating: Rating, threshold: float = THRESHOLD) -> str:
    """One line: which step is the first doubtful one, and the aggregates; or the one number of an outcome model."""
    if rating.steps is None:
        return f"score {rating.value:.3f}"
    if not rating.steps:
        return "there is no step to score"
    doubtful = first_doubtful(rating.steps, threshold)
    count = f"{len(rating.steps)} {'step' if len(rating.steps) == 1 else 'steps'}"
    verdict = (
        f"none under {threshold:g}" if doubtful is None else f"step {doubtful + 1} is the first under {threshold:g}"
    )
    scores = [step.score for step in rating.steps]
    numbers = ", ".join(f"{how} {aggregate(scores, how):.2f}" for how in Aggregate)
    return f"{count}, {verdict} ({numbers})"


class _Narrow(Style):
    """The style beside the column of scores."""

    def text_width(self) -> int:
        return max(20, super().text_width() - _COLUMN)

    def width(self) -> int:
        return max(20, super().width() - _COLUMN)


def _drawn(text: str, style: Style) -> list[str]:
    """A step as the terminal shows it; as its source on a pipe."""
    if not style.drawn:
        return clean(text).split("\n")
    transcript = Transcript(style)
    return (transcript.text(text + "\n") + transcript.end()).strip("\n").split("\n")

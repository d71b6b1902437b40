"""What a model is asked: a problem's text, and whether the model was trained for such a problem.

A real model is asked what the user wrote. The demo knows few kinds of problem: those it is asked in the words that it
was trained on, and no others, unless the settings say that it should try.
"""

from __future__ import annotations

from dataclasses import dataclass

from qmath_cli.prompting.typography import in_plain_signs
from qmath_cli.records import ModelInfo
from qmath_cli.settings import Settings


@dataclass(frozen=True, slots=True)
class Question:
    """What the prompt holds of a problem; `known`: whether the model was trained for it."""

    text: str
    known: bool = True


def question(info: ModelInfo, problem: str, settings: Settings) -> Question:
    """What a model is asked.

    Args:
        info: the model.
        problem: the problem's text, as the user wrote it.
        settings: whether the demo tries problems of unknown kinds.
    """
    if not info.embedded:
        return Question(problem)
    from qmath_cli.demo import kinds  # read for the demo alone

    found = kinds.load().recognise(in_plain_signs(problem))
    return Question(problem, known=settings.try_unknown) if found is None else Question(found.text)

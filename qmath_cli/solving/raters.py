"""Reward models with the prompts that they were trained on: text in, `Rating`s out. Both implement `records.Reward`.

Equal texts are scored once. A solution that exceeds a process reward model's context is rated 0, so that it is never
chosen; a blank one has no steps, and is rated 0 too. `rate_each` keeps a solution that is too long for a model of whole
solutions from costing the others their scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qmath_cli.errors import PromptTooLong
from qmath_cli.prompting import chat, solution_steps
from qmath_cli.records import Aggregate, ConversationScorer, Mode, Rating, Reward, StepScore, StepScorer


@dataclass(frozen=True, slots=True)
class OutcomeRater:
    """Rates a whole solution with one unbounded number; `sentence` is the system sentence of models with their own."""

    model: ConversationScorer
    sentence: str = ""

    def rate(self, problem: str, mode: Mode, solutions: Sequence[str]) -> tuple[Rating, ...]:
        """See `records.Reward`."""
        scores = {
            text: self.model.score(chat.conversation(problem, mode, text, self.sentence))
            for text in dict.fromkeys(solutions)
        }
        return tuple(Rating(scores[text]) for text in solutions)


@dataclass(frozen=True, slots=True)
class StepRater:
    """Rates a solution by its steps."""

    model: StepScorer
    how: Aggregate = Aggregate.PRODUCT

    def rate(self, problem: str, mode: Mode, solutions: Sequence[str]) -> tuple[Rating, ...]:
        """See `records.Reward`."""
        texts = list(dict.fromkeys(solutions))
        steps = [solution_steps.steps_of(text) for text in texts]
        prompts = [solution_steps.prompts(one) for one in steps]
        found = self.model.score_steps(solution_steps.opening(problem, mode), prompts)
        pairs = zip(steps, found, strict=True)
        ratings = {text: self._rating(*pair) for text, pair in zip(texts, pairs, strict=True)}
        return tuple(ratings[text] for text in solutions)

    def _rating(self, steps: Sequence[str], scores: Sequence[float] | None) -> Rating:
        if scores is None:
            return Rating(0.0, ())
        scored = tuple(StepScore(text, score) for text, score in zip(steps, scores, strict=True))
        return Rating(aggregate(scores, self.how), scored)


def aggregate(scores: Sequence[float], how: Aggregate) -> float:
    """One number for the scores of a solution's steps; 0 where there are none."""
    if not scores:
        return 0.0
    return {Aggregate.PRODUCT: math.prod(scores), Aggregate.MIN: min(scores), Aggregate.LAST: scores[-1]}[how]


def rate_each(model: Reward, problem: str, mode: Mode, solutions: Sequence[str]) -> tuple[Rating | PromptTooLong, ...]:
    """Rate solutions of one problem, those that can be rated.

    Returns:
        For each its rating, or why it exceeds the model's context.
    """
    try:
        return model.rate(problem, mode, solutions)
    except PromptTooLong:  # one of them does; which one, each tells for itself
        return tuple(_rated_alone(model, problem, mode, text) for text in solutions)


def _rated_alone(model: Reward, problem: str, mode: Mode, text: str) -> Rating | PromptTooLong:
    try:
        return model.rate(problem, mode, (text,))[0]
    except PromptTooLong as exc:
        return exc

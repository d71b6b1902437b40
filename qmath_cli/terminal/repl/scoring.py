"""`/score`: the latest solution with the scores of its steps.

The reward model is opened for this one solution and closed again, so that memory is free for the next problem. The
scores go with the solution into `/export` and the history.
"""

from __future__ import annotations

from dataclasses import replace

from qmath_cli.errors import UsageError
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.models.reward_choice import best_reward
from qmath_cli.prompting.select import require_reward
from qmath_cli.runtime.rewards import open_reward
from qmath_cli.terminal import step_scores
from qmath_cli.terminal.repl.conversation import Conversation


def score(conversation: Conversation, argument: str) -> None:
    """Score the latest solution with the reward model that is named, the setting's, or the best one installed."""
    session, paths, lock = conversation.session, conversation.paths, lockfile.load()
    latest, sample = session.latest, session.picked()
    if session.hidden is not None:
        raise UsageError("the solution is still hidden", "Enter shows its next step")
    if not sample.text.strip():
        raise UsageError("the latest solution has no text")
    info = describe(argument or session.settings.reward_model or best_reward(paths, lock).name, paths, lock)
    require_reward(info)
    for warning in info.warnings:
        conversation.terminal.note(f"warning: {warning}")
    conversation.terminal.note(f"scoring with {info.name} ...")
    solution = latest.solution
    with open_reward(info, session.settings, paths, lock) as reward:
        (rating,) = reward.rate(solution.problem.text, solution.mode, (sample.text,))
    scored = replace(sample, reward=rating.value, steps=rating.steps)
    samples = tuple(scored if one.index == sample.index else one for one in solution.samples)
    conversation.scored(replace(latest, solution=replace(solution, samples=samples)))
    for line in step_scores.scored_lines(rating.steps or (), conversation.style):
        conversation.terminal.write(line + "\n")
    conversation.terminal.line(step_scores.summary(rating))

"""`/score`: the latest solution with the scores of its steps.

The reward model is opened for this one solution and closed again, so that memory is free for the next problem. The
scores go with the solution into `/export` and the history.
"""

from __future__ import annotations

from dataclasses import replace

from qmath_cli.errors import UsageError
from qmath_cli.models import lockfile
from qmath_cli.runtime.rewards import chosen_reward
from qmath_cli.terminal import step_scores
from qmath_cli.terminal.repl.conversation import Conversation


def score(conversation: Conversation, argument: str) -> None:
    """Score the latest solution with the reward model that is named, the setting's, or the best one installed.

    Where the setting `reward_server` names a server, the model is one of that server's.
    """
    session, paths, lock = conversation.session, conversation.paths, lockfile.load()
    latest, sample = session.latest, session.picked()
    if session.hidden is not None:
        raise UsageError("the solution is still hidden", "Enter shows its next step")
    if not sample.text.strip():
        raise UsageError("the latest solution has no text")
    chosen = chosen_reward(session.settings, paths, lock, argument)
    for warning in chosen.info.warnings:
        conversation.terminal.note(f"warning: {warning}")
    where = "".join(f" on {server.address}" for server in chosen.info.servers)
    conversation.terminal.note(f"scoring with {chosen.info.name}{where} ...")
    solution = latest.solution
    with chosen.open() as reward:
        (rating,) = reward.rate(solution.problem.text, solution.mode, (sample.text,))
    scored = replace(sample, reward=rating.value, steps=rating.steps)
    samples = tuple(scored if one.index == sample.index else one for one in solution.samples)
    conversation.scored(replace(latest, solution=replace(solution, samples=samples)))
    for line in step_scores.scored_lines(rating.steps or (), conversation.style):
        conversation.terminal.write(line + "\n")
    conversation.terminal.line(step_scores.summary(rating))

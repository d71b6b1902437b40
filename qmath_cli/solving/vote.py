"""How one answer is chosen among several samples: majority vote, reward ranking, and when a vote is decided.

Pure functions over finished samples. Two answers are the same where the given `Equivalence` says so (exact text for the
official Maj@k, algebra otherwise); an answer joins the first group whose first answer it equals. Ties go to the earlier
group, as in the Qwen2.5-Math evaluation (rm_maj_eval.py). A sample without an answer has no vote.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from qmath_cli.records import Equivalence, Mark, Pick, Sample, Solution, Verdict, VoteGroup, Votes

_FEWEST = 2  # samples at once, while a vote is open


def same_text(answer: str, reference: str) -> Verdict:
    """The `Equivalence` of the official Maj@k: two answers are equal if their texts are."""
    return Verdict(Mark.CORRECT if answer == reference else Mark.WRONG, "text")


def group(answers: Sequence[str | None], equal: Equivalence) -> list[list[int]]:
    """Positions of equal answers, largest group first, ties by first appearance; None belongs to no group."""
    groups: list[list[int]] = []
    for position, answer in enumerate(answers):
        if answer is None:
            continue
        found = next((one for one in groups if _joins(answer, answers[one[0]], equal)), None)
        if found is None:
            groups.append([position])
        else:
            found.append(position)
    return sorted(groups, key=len, reverse=True)


def count(samples: Sequence[Sample], k: int, equal: Equivalence) -> Votes:
    """The votes of `samples`, of which `k` were asked for."""
    groups = group([sample.answer for sample in samples], equal)
    return Votes(k, len(samples), tuple(_vote_group([samples[i] for i in members]) for members in groups))


def decided(votes: Votes, stop_at: int) -> bool:
    """Whether sampling may end: `stop_at` equal answers, or a lead that the samples to come cannot close.

    `stop_at` 0 asks for all k samples: only having them all decides. Nothing here looks at rewards: a run that picks
    by reward needs every sample.
    """
    remaining = votes.k - votes.sampled
    if remaining <= 0:
        return True
    if stop_at <= 0 or not votes.groups:
        return False
    first, second = votes.groups[0].count, votes.groups[1].count if len(votes.groups) > 1 else 0
    return first >= stop_at or first > second + remaining


def worthwhile(votes: Votes, stop_at: int) -> int:
    """How many of the remaining samples are worth decoding together: as many as the leading answer lacks, at least two.

    Samples of one problem have about the same length, so that those beyond the deciding ones would be wasted. A second
    sequence beside a single one costs little time: a decode step reads all the weights once.
    """
    remaining = votes.k - votes.sampled
    if stop_at <= 0:
        return remaining
    lead = votes.groups[0].count if votes.groups else 0
    return min(remaining, max(stop_at - lead, _FEWEST))


def pick(samples: Sequence[Sample], votes: Votes, how: Pick) -> Sample | None:
    """The sample whose answer is the solution's.

    Args:
        samples: all samples, by index.
        votes: their votes.
        how: the choice; a ranking falls back to the vote where a sample has no reward.

    Returns:
        The sample, or None if no sample has an answer.
    """
    answered = [sample for sample in samples if sample.answer is not None]
    if not answered or not votes.groups:
        return None
    scored = all(sample.reward is not None for sample in answered)
    if how is Pick.FIRST:
        return answered[0]
    if how in {Pick.RM, Pick.PRM} and scored:
        return max(answered, key=_reward)
    leader = votes.groups[0]
    if how in {Pick.RM_VOTE, Pick.PRM_VOTE} and scored:
        leader = max(
            votes.groups,
            key=lambda one: weight([sample for sample in answered if sample.index in one.members]),
        )
    return next(sample for sample in answered if sample.index == leader.members[0])


def weight(members: Sequence[Sample]) -> float:
    """The weight of a group: the sum of sigmoid(reward), or of the rewards where they come from scores of steps."""
    return sum(_reward(one) if one.steps is not None else _sigmoid(_reward(one)) for one in members)


def shown(solution: Solution, how: Pick) -> Sample | None:
    """The sample whose text is shown for a solution: the picked one, else the first; None where there is none."""
    picked = pick(solution.samples, solution.votes, how)
    return picked if picked is not None or not solution.samples else solution.samples[0]


def _joins(answer: str, first: str | None, equal: Equivalence) -> bool:
    return first is not None and (answer == first or equal(answer, first).mark is Mark.CORRECT)


def _vote_group(members: Sequence[Sample]) -> VoteGroup:
    """One group; its reward is the members' mean, where all of them have one."""
    rewards = [sample.reward for sample in members if sample.reward is not None]
    mean = sum(rewards) / len(rewards) if len(rewards) == len(members) else None
    return VoteGroup(members[0].answer or "", len(members), mean, tuple(sample.index for sample in members))


def _reward(sample: Sample) -> float:
    return -math.inf if sample.reward is None else sample.reward


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))

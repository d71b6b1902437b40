"""Which of several samples speaks for all of them: majority vote, reward ranking, and when a vote is decided.

Pure functions over finished samples. Answers count as the same where the given `Equivalence` says so (exact text for
the official Maj@k, algebra otherwise); an answer joins the first group whose first answer it equals. Ties go to what
was seen first, as in the Qwen2.5-Math evaluation (rm_maj_eval.py). A sample without an answer never votes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from qmath_cli.records import Equivalence, Mark, Pick, Sample, Verdict, VoteGroup, Votes

_AT_LEAST = 2  # samples at once, while a vote is open


def same_text(answer: str, reference: str) -> Verdict:
    """The `Equivalence` of the official Maj@k: equal is what is spelt alike."""
    return Verdict(Mark.CORRECT if answer == reference else Mark.WRONG, "text")


def group(answers: Sequence[str | None], equal: Equivalence) -> list[list[int]]:
    """Positions of equal answers, largest group first, ties by first appearance; None belongs to no group."""
    groups: list[list[int]] = []
    for position, answer in enumerate(answers):
        if answer is None:
            continue
        home = next((one for one in groups if _joins(answer, answers[one[0]], equal)), None)
        if home is None:
            groups.append([position])
        else:
            home.append(position)
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
    """How many of the samples to come should be made at once: as many as the leading answer lacks, and two at least.

    Samples of one problem are of about the same length, so whatever decodes beside the ones that decide is wasted; a
    second one beside a single one costs hardly any time, since a decode step reads all the weights once.
    """
    remaining = votes.k - votes.sampled
    if stop_at <= 0:
        return remaining
    lead = votes.groups[0].count if votes.groups else 0
    return min(remaining, max(stop_at - lead, _AT_LEAST))


def pick(samples: Sequence[Sample], votes: Votes, how: Pick) -> Sample | None:
    """The sample whose answer is given; None if none has an answer. Without rewards, reward ranking is a vote."""
    answered = [sample for sample in samples if sample.answer is not None]
    if not answered or not votes.groups:
        return None
    scored = all(sample.reward is not None for sample in answered)
    if how is Pick.FIRST:
        return answered[0]
    if how is Pick.RM and scored:
        return max(answered, key=_reward)
    leader = votes.groups[0]
    if how is Pick.RM_VOTE and scored:
        leader = max(
            votes.groups,
            key=lambda one: weight([_reward(sample) for sample in answered if sample.index in one.members]),
        )
    return next(sample for sample in answered if sample.index == leader.members[0])


def weight(rewards: Sequence[float]) -> float:
    """What a group's votes come to when each is weighted by sigmoid(reward)."""
    return sum(_sigmoid(reward) for reward in rewards)


def agreement(votes: Votes) -> str:
    """`7 of 8 agree`, and why fewer were sampled than asked for; empty for a single sample."""
    if votes.k < 2 or not votes.sampled:
        return ""
    leading = votes.groups[0].count if votes.groups else 0
    early = f" (decided before all {votes.k})" if votes.sampled < votes.k else ""
    return f"{leading} of {votes.sampled} agree{early}"


def share(votes: Votes) -> float:
    """The leading answer's share of the samples taken, 0 to 1."""
    return votes.groups[0].count / votes.sampled if votes.groups else 0.0


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

"""Majority, reward ranking, and the moment at which a vote is decided."""

from dataclasses import replace

import pytest

from qmath_cli.records import Finish, Mark, Pick, Sample, StepScore, Verdict
from qmath_cli.solving import vote


def samples(*answers: str | None, rewards: tuple[float, ...] = ()) -> list[Sample]:
    """One finished sample per answer."""
    scores = list(rewards) or [None] * len(answers)
    return [
        Sample(f"text {i}", answer, Finish.ANSWERED if answer else Finish.NO_ANSWER, reward=reward, index=i)
        for i, (answer, reward) in enumerate(zip(answers, scores, strict=True))
    ]


def as_numbers(answer: str, reference: str) -> Verdict:
    """Equal as floats."""
    return Verdict(Mark.CORRECT if float(answer) == float(reference) else Mark.WRONG)


def chosen(found: list[Sample], how: Pick) -> str | None:
    """The answer picked with exact-text votes."""
    one = vote.pick(found, vote.count(found, len(found), vote.same_text), how)
    return one.answer if one else None


def test_the_largest_group_wins() -> None:
    """Three equal answers beat two."""
    assert chosen(samples("1", "2", "2", "1", "2"), Pick.MAJ) == "2"


def test_a_tie_goes_to_the_answer_seen_first() -> None:
    """As in the published evaluation, the earlier of two equally frequent answers is taken."""
    assert chosen(samples("7", "8", "8", "7"), Pick.MAJ) == "7"


def test_equivalent_answers_vote_together() -> None:
    """Answers that differ in spelling only form one group, named after its first member."""
    votes = vote.count(samples("3", "0.5", "0.50", ".5"), 4, as_numbers)
    assert [(one.answer, one.count, one.members) for one in votes.groups] == [("0.5", 3, (1, 2, 3)), ("3", 1, (0,))]


def test_samples_without_an_answer_do_not_vote() -> None:
    """They count as sampled, but an answer wins over any number of them."""
    found = samples(None, None, "4", None)
    votes = vote.count(found, 4, vote.same_text)
    assert (votes.sampled, len(votes.groups), chosen(found, Pick.MAJ)) == (4, 1, "4")


@pytest.mark.parametrize("how", list(Pick))
def test_no_answer_at_all_picks_nothing(how: Pick) -> None:
    """Whatever the way of choosing."""
    assert chosen(samples(None, None), how) is None


def test_the_highest_reward_wins_and_ties_go_to_the_first() -> None:
    """RM@k takes the best-scored sample."""
    assert chosen(samples("a", "b", "c", rewards=(0.1, 2.5, 2.5)), Pick.RM) == "b"


def test_weighted_votes_can_overrule_numbers() -> None:
    """One good sample outweighs two that the reward model rejects."""
    found = samples("a", "a", "b", rewards=(-4.0, -4.0, 3.0))
    assert (chosen(found, Pick.MAJ), chosen(found, Pick.RM_VOTE)) == ("a", "b")


def test_reward_ranking_without_rewards_is_a_vote() -> None:
    """An interrupted run has no scores; the majority is still an answer."""
    assert chosen(samples("1", "2", "2"), Pick.RM) == "2"


@pytest.mark.parametrize(
    ("answers", "k", "stop_at", "over"),
    [
        (("1", "1"), 8, 3, False),
        (("1", "1", "1"), 8, 3, True),
        (("1", "2", "1", "3", "1"), 8, 3, True),
        (("1", "1", "1"), 8, 0, False),
        (("1", "1", "1"), 4, 9, True),  # the fourth cannot change it
        (("1", "1", "2"), 4, 9, False),  # the fourth could draw level
        ((None, None, None), 3, 3, True),
        ((None,), 3, 1, False),
    ],
)
def test_a_vote_is_decided_when_nothing_can_change_it(
    answers: tuple[str | None, ...], k: int, stop_at: int, over: bool
) -> None:
    """Enough equal answers, a lead that the remaining samples cannot close, or all samples."""
    assert vote.decided(vote.count(samples(*answers), k, vote.same_text), stop_at) is over


@pytest.mark.parametrize(
    ("answers", "k", "stop_at", "at_once"),
    [
        ((), 8, 3, 3),  # three could agree
        (("1", "1"), 8, 3, 2),  # one would do, but never less than two
        (("1", "2", "3"), 8, 3, 2),
        (("1", "2", "3"), 8, 0, 5),  # all k are wanted
        (("1", "2", "3"), 4, 3, 1),  # no more than there are
        ((), 1, 3, 1),
        ((), 2, 5, 2),
    ],
)
def test_only_samples_that_can_matter_are_made(answers: tuple[str, ...], k: int, stop_at: int, at_once: int) -> None:
    """As many as the leading answer lacks."""
    assert vote.worthwhile(vote.count(samples(*answers), k, vote.same_text), stop_at) == at_once


def test_scores_of_steps_rank_and_weigh_as_they_are() -> None:
    """The aggregate of step scores is a probability; an outcome reward is unbounded."""
    steps = (StepScore("a", 0.9),)
    answers, rewards = ("3", "2", "3", "4", "2", "3"), (0.3, 0.6, 0.25, 0.7, 0.5, 0.2)
    found = [replace(one, steps=steps) for one in samples(*answers, rewards=rewards)]
    picks = (Pick.MAJ, Pick.PRM, Pick.PRM_VOTE)
    assert [chosen(found, how) for how in picks] == ["3", "4", "2"]

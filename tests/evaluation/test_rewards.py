"""The reward stage of an evaluation: what was scored is kept, and a sample that is too long costs no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from qmath_cli.errors import PromptTooLong, ServerUnusable
from qmath_cli.evaluation import rewards
from qmath_cli.evaluation.comparison import unrated_remarks
from qmath_cli.evaluation.datasets import Dataset, Item
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.records import GradedSample, Grades, ItemSample
from qmath_cli.evaluation.schedule import EvaluationPlan
from qmath_cli.evaluation.score import score
from qmath_cli.records import Finish, Language, Mark, Mode, Pick, Prompt, Rating, Sample, Sampling, Verdict
from qmath_cli.settings import Grade
from qmath_cli.solving.vote import same_text

ITEMS = tuple(Item(str(number), f"Problem {number}", "1", "1", Language.EN) for number in range(6))
DATA = Dataset("made up", ITEMS, "0" * 64)
PLAN = EvaluationPlan(DATA, Mode.COT, Sampling(), lambda _item: Prompt(()), k=2)
RIGHT, WRONG = Verdict(Mark.CORRECT, "same text"), Verdict(Mark.WRONG, "same text")


def graded(name: str, index: int) -> GradedSample:
    """Sample 1 is right."""
    answer, verdict = ("1", RIGHT) if index else ("2", WRONG)
    sample = Sample(f"{name} {index}", answer, Finish.ANSWERED, index=index)
    return GradedSample(ItemSample(name, sample), Grades(answer, verdict, verdict))


SAMPLES = [graded(item.id, index) for item in ITEMS for index in range(2)]


@dataclass
class Scripted:
    """A reward model that prefers later samples. `fault` is called with every text before it is scored."""

    fault: Callable[[str], None] = lambda _text: None
    asked: list[str] = field(default_factory=list)

    def rate(self, problem: str, mode: Mode, solutions: Sequence[str]) -> tuple[Rating, ...]:
        for text in solutions:
            self.fault(text)
        self.asked += solutions
        return tuple(Rating(float(text.split()[1])) for text in solutions)


def failing_at(text: str, error: BaseException) -> Callable[[str], None]:
    def fault(found: str) -> None:
        if found == text:
            raise error

    return fault


def rewarded(
    model: Scripted, samples: Sequence[GradedSample] = SAMPLES, at_once: int = 1
) -> tuple[list[GradedSample], BaseException | None]:
    """What the stage yields, and what ends it."""
    found: list[GradedSample] = []
    try:
        found.extend(rewards.reward(PLAN, samples, model, at_once, "rm"))  # what was yielded before an error stays
    except (ServerUnusable, KeyboardInterrupt) as exc:
        return found, exc
    return found, None


@pytest.mark.parametrize("error", [ServerUnusable("it is gone"), KeyboardInterrupt()], ids=repr)
def test_the_scores_before_a_failure_are_kept_and_not_made_again(error: BaseException) -> None:
    """All samples are there, in their order; the next run asks for the others only, in the file's own form."""
    found, failure = rewarded(Scripted(failing_at("3 0", error)))
    assert failure is error
    assert [one.key for one in found] == [one.key for one in SAMPLES]
    assert [one.sample.reward for one in found] == [0.0, 1.0] * 3 + [None] * 6
    stored = [GradedSample.of(json.loads(json.dumps(one.record()))) for one in found]
    again = Scripted()
    whole, failure = rewarded(again, stored)
    assert failure is None
    assert [one.sample.reward for one in whole] == [0.0, 1.0] * 6
    assert again.asked == [one.sample.text for one in SAMPLES[6:]]


def test_what_was_scored_beside_a_failure_is_kept_too() -> None:
    """Problems that are scored at the same time do not wait for one another."""
    found, failure = rewarded(Scripted(failing_at("0 1", ServerUnusable("it is gone"))), at_once=6)
    assert isinstance(failure, ServerUnusable)
    assert [one.key for one in found] == [one.key for one in SAMPLES]
    assert found[0].sample.reward is None
    assert {one.sample.reward for one in found[2:]} <= {0.0, 1.0, None}


def test_another_reward_model_scores_everything_again() -> None:
    """Scores of two models are never mixed."""
    once, _ = rewarded(Scripted())
    other = Scripted()
    assert len(list(rewards.reward(PLAN, once, other, 1, "another"))) == len(SAMPLES)
    assert len(other.asked) == len(SAMPLES)


def test_a_sample_that_is_too_long_says_so_and_costs_no_other_its_score() -> None:
    """It is the model's last choice, stored with the reason, and counted in a remark."""
    found, failure = rewarded(Scripted(failing_at("2 1", PromptTooLong("5000 tokens", ""))))
    assert failure is None
    assert [(one.sample.reward, one.unrated) for one in found[4:6]] == [(0.0, ""), (None, "5000 tokens")]
    assert GradedSample.of(json.loads(json.dumps(found[5].record()))) == found[5]
    made = score(DATA, found, 2, Grade.OFFICIAL, SampleGrader("", lambda _grade: same_text), Pick.RM)
    assert made.rm[2] == pytest.approx(5 / 6)
    assert made.rm_vote[2] == pytest.approx(5 / 6)
    assert unrated_remarks(found) == (
        "1 sample was too long for the reward model: without a score, such a sample is its last choice.",
    )
    assert unrated_remarks(SAMPLES) == ()
    again = Scripted()
    rewarded(again, found)
    assert again.asked == []


def test_where_every_sample_is_too_long_nothing_is_ranked() -> None:
    """There is no figure of a reward model that has scored nothing."""

    def fault(_text: str) -> None:
        raise PromptTooLong("5000 tokens", "")

    found, _ = rewarded(Scripted(fault))
    made = score(DATA, found, 2, Grade.OFFICIAL, SampleGrader("", lambda _grade: same_text), Pick.RM)
    assert (dict(made.rm), dict(made.rm_vote)) == ({}, {})

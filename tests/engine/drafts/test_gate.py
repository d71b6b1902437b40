"""The gate: drafts are used where they gain, as many tokens as gain most."""

from __future__ import annotations

import pytest

from qmath_cli.engine.drafts.acceptance import Acceptance, OwnAcceptance, Prior
from qmath_cli.engine.drafts.gate import best_length, can_gain, choose
from qmath_cli.records import StepCost
from tests.engine.drafts.costs import DEAR, FREE, UNEVEN

PRIOR = Prior((0.5, 0.9), 0.6)


@pytest.mark.parametrize(
    ("decoding", "chances", "cost", "lengths"),
    [
        (1, [[0.9, 0.8, 0.1]], FREE, [3]),  # rows that cost nothing are all worth it
        (1, [[1.0, 1.0, 1.0]], DEAR, [0]),  # rows that cost a step never are
        (1, [[0.9, 0.9, 0.9]], UNEVEN, [3]),  # four rows at a time are the best of this machine
        (1, [[0.9, 0.9, 0.2]], UNEVEN, [3]),  # the third costs hardly anything
        (1, [[0.4, 0.3, 0.2]], UNEVEN, [0]),
        (4, [[0.8] * 4] * 4, UNEVEN, [0] * 4),  # where four decode already, more rows are dear
        (2, [[0.9, 0.8], [0.3, 0.2]], UNEVEN, [2, 0]),  # the surest tokens of all sequences
        (2, [[], [0.9, 0.9]], UNEVEN, [0, 2]),
        (1, [[]], FREE, [0]),
        (1, [[0.01, 0.01]], FREE, [0]),  # a gain within the error of what is known is none
    ],
)
def test_as_many_tokens_are_verified_as_give_the_most_per_second(
    decoding: int, chances: list[list[float]], cost: StepCost, lengths: list[int]
) -> None:
    assert choose(decoding, chances, cost, 12) == lengths


def test_no_more_rows_are_used_than_there_is_room_for() -> None:
    assert sum(choose(3, [[0.9] * 8] * 3, FREE, 5)) == 5


def test_drafts_are_not_even_made_where_the_best_of_them_could_not_gain() -> None:
    assert can_gain(1, FREE, 8)
    assert can_gain(1, UNEVEN, 8)
    assert not can_gain(4, UNEVEN, 4)
    assert not can_gain(1, DEAR, 8)
    assert not can_gain(1, FREE, 0)


@pytest.mark.parametrize(
    ("share", "step", "length"), [(0.9, 0.0, 8), (0.9, 0.003, 4), (0.5, 0.003, 1), (0.2, 0.003, 0), (0.9, 0.02, 0)]
)
def test_a_draft_that_must_be_computed_is_as_long_as_it_pays(share: float, step: float, length: int) -> None:
    found = best_length([share], FREE, lambda each: each * step)
    assert found.tokens == pytest.approx(length, abs=1)
    assert bool(found.tokens) is bool(length)
    assert (found.gain > 1) is bool(length)


def test_what_is_expected_moves_from_the_prior_to_what_was_seen() -> None:
    found = Acceptance(PRIOR)
    assert found.share(0) == 0.5
    for _ in range(400):
        found.observe(0, accepted=False)
    assert found.share(0) < 0.1
    assert found.share(1) == 0.9
    assert found.overall() < 0.1
    for _ in range(400):
        found.observe(0, accepted=True)
    assert found.share(0) > 0.6


def test_a_new_sequence_expects_what_the_others_saw_until_it_saw_more_itself() -> None:
    everyone = Acceptance(PRIOR)
    first = OwnAcceptance(everyone)
    for _ in range(200):
        first.observe(1, accepted=False)
    second = OwnAcceptance(everyone)
    assert second.share(1) == everyone.share(1) < 0.2
    for _ in range(50):
        second.observe(1, accepted=True)
    assert second.share(1) > 0.7


def test_what_is_seen_at_one_level_counts_for_the_others_of_the_same_sequence() -> None:
    """A sequence is soon known for one whose drafts are rejected."""
    own = OwnAcceptance(Acceptance(PRIOR))
    for _ in range(8):
        own.observe(0, accepted=False)
    assert own.share(1) < 0.5
    assert own.overall() < 0.35


def test_the_chance_of_a_token_is_that_of_all_before_it_too() -> None:
    assert OwnAcceptance(Acceptance(PRIOR)).chances([1, 0, 1]) == pytest.approx([0.9, 0.45, 0.405])

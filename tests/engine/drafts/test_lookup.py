"""Lookup of earlier tokens: what followed them is proposed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qmath_cli.engine.drafts.lookup import LONGEST, NOTHING, Lookup, Proposal


def proposal(tokens: Sequence[int], most: int = 4) -> Proposal:
    """What a new index proposes."""
    lookup = Lookup()
    lookup.update(list(tokens))
    return lookup.propose(list(tokens), most)


@pytest.mark.parametrize(
    ("tokens", "proposed", "levels"),
    [
        ((1, 2, 3, 4, 5, 9, 1, 2), (3, 4, 5, 9), (2, 3, 4, 5)),  # a pair that stood before
        ((7, 1, 2, 3, 8, 1, 2, 5, 7, 1, 2), (3, 8, 1, 2), (3, 4, 5, 6)),  # the longer agreement, not the later one
        ((1, 2, 3, 8, 1, 2, 5, 8, 9, 1, 2), (5, 8, 9, 1), (2, 3, 4, 5)),  # of equal ones the later one
        ((4, 6, 6, 6), (6, 6, 6, 6), (2, 3, 4, 5)),  # a row of one token goes on
        ((1, 2, 3, 1, 2, 3, 1, 2), (3, 1, 2, 3), (5, 6, 7, 8)),  # and so does a row of three
    ],
)
def test_what_followed_the_longest_agreement_is_proposed(
    tokens: Sequence[int], proposed: Sequence[int], levels: Sequence[int]
) -> None:
    assert proposal(tokens) == (proposed, levels)


@pytest.mark.parametrize("tokens", [(), (1,), (1, 2), (1, 2, 3, 4), (1, 2, 1)])
def test_a_text_that_does_not_repeat_itself_gives_nothing(tokens: Sequence[int]) -> None:
    assert proposal(tokens) == NOTHING


def test_no_more_is_proposed_than_asked_for_and_no_level_is_above_the_highest() -> None:
    repeated = [*range(20), *range(20)]
    assert len(proposal(repeated, 3).tokens) == 3
    assert set(proposal(repeated, 8).levels) == {LONGEST}
    assert proposal(repeated, 0) == proposal(repeated, -1) == NOTHING


def test_an_index_that_grew_with_its_text_is_that_of_the_whole_text() -> None:
    text = [index * index % 7 for index in range(40)]
    lookup = Lookup()
    for end in range(len(text) + 1):
        lookup.update(text[:end])
        assert lookup.propose(text[:end], 4) == proposal(text[:end])


def test_removed_tokens_are_not_proposed_and_those_in_their_place_are() -> None:
    """As where a stop string is cut off and a program's output is appended."""
    lookup, text = Lookup(), [1, 2, 3, 4, 5, 6]
    lookup.update(text)
    del text[3:]
    lookup.update(text)
    text += [7, 8, 9, 2, 3]
    lookup.update(text)
    assert lookup.propose(text, 2).tokens == (7, 8)
    assert lookup.propose([1, 2, 4, 5], 2) == NOTHING

"""Lookup drafts: where the last tokens of a text stood before, what followed there is proposed again.

Mathematics repeats itself: expressions are copied from the problem, from line to line, from a program and from its
output. The index holds every pair of neighbouring tokens of one sequence (prompt, own text, programs and outputs are
all its tokens) with the places where it stood last. Among these the place is taken before which the longest stretch
agrees with the end of the text; the length of that stretch says how sure the proposal is.
"""

from __future__ import annotations

from typing import NamedTuple

_PLACES = 4  # of a pair that are remembered, the latest ones
LONGEST = 8  # tokens of agreement that are told apart; more are as good as these
SHORTEST = 2


class Proposal(NamedTuple):
    """Tokens that may come next.

    `levels` says for each of them how sure it is (an index into `Acceptance`), given that those before it come.
    """

    tokens: tuple[int, ...]
    levels: tuple[int, ...]


NOTHING = Proposal((), ())


class Lookup:
    """The index of one sequence. It is brought up to date by `update`, also after tokens were removed."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, int], list[int]] = {}  # of a pair: the indices of the tokens after it
        self._indexed = SHORTEST  # the pairs before this index are in `_places`

    def update(self, tokens: list[int]) -> None:
        """Index the pairs that are followed by a token."""
        places = self._places
        first, self._indexed = min(self._indexed, max(len(tokens), SHORTEST)), max(len(tokens), SHORTEST)
        for index in range(first, len(tokens)):
            found = places.setdefault((tokens[index - 2], tokens[index - 1]), [])
            found.append(index)
            if len(found) > _PLACES:
                del found[0]

    def propose(self, tokens: list[int], most: int) -> Proposal:
        """What followed the end of the text earlier, at most `most` tokens; `update` has seen the same tokens."""
        if len(tokens) < SHORTEST or most < 1:
            return NOTHING
        best, place = SHORTEST - 1, 0
        for index in reversed(self._places.get((tokens[-2], tokens[-1]), ())):
            length = _agreement(tokens, index)
            if length > best:
                best, place = length, index
        return _continuation(tokens, place, best, most) if place else NOTHING


def _agreement(tokens: list[int], index: int) -> int:
    """How many tokens before `index` are those at the end of the text, at most `LONGEST`.

    Nothing is taken for granted: the place may have been indexed before its tokens were removed.
    """
    if index >= len(tokens):
        return 0
    most = min(index, LONGEST)
    for length in range(most):
        if tokens[index - 1 - length] != tokens[-1 - length]:
            return length
    return most


def _continuation(tokens: list[int], place: int, length: int, most: int) -> Proposal:
    """The tokens from `place` on; at the end of the text they start over, as in a row of equal terms."""
    period = len(tokens) - place
    drafted = [tokens[place + index % period] for index in range(most)]
    return Proposal(tuple(drafted), tuple(min(length + index, LONGEST) for index in range(most)))

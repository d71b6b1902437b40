"""Has this text stopped being an answer? Two endings that a sampled model does not come back from.

Token soup: letters of many unrelated scripts close together. Qwen2.5-Math falls into it in about one sampled response
of a hundred and then writes on to the token limit. A short cycle: the same few tokens over and over. The bounds leave
room for everything a solution may hold: any one foreign language beside Latin, Greek and Chinese, rows of zeros, long
repeating decimals, tables.
"""

from __future__ import annotations

import unicodedata
from collections import deque

_NEAR = 400  # characters within which scripts are counted
_SCRIPTS = 3  # this many foreign ones at once are soup
_AT_HOME = frozenset({"LATIN", "GREEK", "CJK"})
_NOT_A_SCRIPT = frozenset({"MATHEMATICAL", "FULLWIDTH", "MODIFIER", "FEMININE", "MASCULINE", "MICRO", "DOUBLE-STRUCK"})
_JAPANESE = frozenset({"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HALFWIDTH"})

_LONGEST_PERIOD = 256  # tokens
_CYCLE = 192  # tokens that a cycle fills at least ...
_TURNS = 4  # ... and turns that it takes at least
_EVERY = 16  # tokens between two looks


class DegenerationDetector:
    """Watches one sequence's own tokens and text, as they come."""

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._length = 0  # characters so far
        self._foreign: deque[tuple[int, str]] = deque()  # where letters of foreign scripts stood

    def add(self, token: int, text: str) -> bool:
        """Take a token and the text that became certain with it; true from the moment this is no answer any more."""
        self._tokens.append(token)
        if not text.isascii():
            self._note_scripts(text)
        self._length += len(text)
        if len({script for _, script in self._foreign}) >= _SCRIPTS:
            return True
        return len(self._tokens) % _EVERY == 0 and _cycles(self._tokens)

    def _note_scripts(self, text: str) -> None:
        for at, character in enumerate(text, self._length):
            script = _script(character)
            if script:
                self._foreign.append((at, script))
        while self._foreign and self._foreign[0][0] < self._length - _NEAR:
            self._foreign.popleft()


def _script(character: str) -> str:
    """The foreign script a letter belongs to; empty for all else."""
    if character.isascii() or not character.isalpha():
        return ""
    word = unicodedata.name(character, "").partition(" ")[0]
    if word in _JAPANESE:
        return "JAPANESE"
    return "" if word in _AT_HOME or word in _NOT_A_SCRIPT else word


def _cycles(tokens: list[int]) -> bool:
    """Whether the tokens end in a cycle: one period, over and over, long enough."""
    last = tokens[-1]
    for period in range(1, min(_LONGEST_PERIOD, len(tokens) - 1) + 1):
        span = max(_CYCLE, _TURNS * period)
        if span > len(tokens) or tokens[-1 - period] != last:
            continue
        if tokens[-span:-period] == tokens[-span + period :]:
            return True
    return False

"""Detecting degenerate text: two states from which a sampled model does not recover.

Token soup: letters of many unrelated scripts close together. Of the 400 sampled responses of Qwen2.5-Math-Instruct that
the tests use, three end like this and continue to the token limit. Repetition: the same few tokens in a cycle. The
limits leave room for what a solution may contain: one foreign language next to Latin, Greek and Chinese, rows of zeros,
long repeating decimals, tables.
"""

from __future__ import annotations

import unicodedata
from collections import deque

_WINDOW = 400  # characters within which scripts are counted
_MAX_SCRIPTS = 3  # this many foreign scripts in the window are token soup
_EXPECTED_SCRIPTS = frozenset({"LATIN", "GREEK", "CJK"})
_NOT_A_SCRIPT = frozenset({"MATHEMATICAL", "FULLWIDTH", "MODIFIER", "FEMININE", "MASCULINE", "MICRO", "DOUBLE-STRUCK"})
_JAPANESE = frozenset({"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HALFWIDTH"})

_MAX_PERIOD = 256  # tokens
_MIN_CYCLE = 192  # tokens that the repetitions cover at least
_MIN_REPEATS = 4
_CHECK_INTERVAL = 16  # tokens between two checks for a cycle


class DegenerationDetector:
    """Checks the sampled tokens and the text of one sequence as they are produced."""

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._length = 0  # characters so far
        self._foreign: deque[tuple[int, str]] = deque()  # position and script of each letter of a foreign script

    def add(self, token: int, text: str) -> bool:
        """Add a token and the text that became certain with it; true if the text is degenerate."""
        self._tokens.append(token)
        if not text.isascii():
            self._record_scripts(text)
        self._length += len(text)
        if len({script for _, script in self._foreign}) >= _MAX_SCRIPTS:
            return True
        return len(self._tokens) % _CHECK_INTERVAL == 0 and _ends_in_cycle(self._tokens)

    def _record_scripts(self, text: str) -> None:
        for at, character in enumerate(text, self._length):
            script = _foreign_script(character)
            if script:
                self._foreign.append((at, script))
        while self._foreign and self._foreign[0][0] < self._length - _WINDOW:
            self._foreign.popleft()


def _foreign_script(character: str) -> str:
    """The script of a letter, from its Unicode name; empty for expected scripts and for other characters."""
    if character.isascii() or not character.isalpha():
        return ""
    word = unicodedata.name(character, "").partition(" ")[0]
    if word in _JAPANESE:
        return "JAPANESE"
    return "" if word in _EXPECTED_SCRIPTS or word in _NOT_A_SCRIPT else word


def _ends_in_cycle(tokens: list[int]) -> bool:
    """Whether the tokens end in enough repetitions of one period."""
    last = tokens[-1]
    for period in range(1, min(_MAX_PERIOD, len(tokens) - 1) + 1):
        span = max(_MIN_CYCLE, _MIN_REPEATS * period)
        if span > len(tokens) or tokens[-1 - period] != last:
            continue
        if tokens[-span:-period] == tokens[-span + period :]:
            return True
    return False

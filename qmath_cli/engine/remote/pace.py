"""How much of a text a server is asked for at once, where nobody watches it being written.

A whole reply costs client and server a fraction of a stream with an event per token. But nothing of it arrives before
its end: what breaks off is lost, a degenerate text is only noticed then, and a proxy in between may take the silence
for the end. So no reply is to take longer than `LONGEST_S` at the pace of the server's latest replies, nor to have more
than `_MOST` tokens; a longer text goes on with another request, for which the server has all but one token cached. A
server that is too slow for that streams, sooner where it has few requests: their events cost little. Each reply that
breaks makes the next ones shorter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_S = 20.0  # proxies commonly give a connection up after 60 silent seconds
_SHORTEST_S = 0.5
_LEAST, _MOST = 64, 1024  # tokens of one reply, where a text is asked for in parts
_FEW, _LEAST_OF_FEW = 16, 256  # requests at once, and tokens where there are no more: a part may cost a slot's cache
_BETWEEN_WORDS = re.compile(r"(?<=\S) (?=\S)|\n(?=\S)")
_BEFORE = 0.9  # what earlier replies count, beside the latest
_BACK = 1.02  # a reply that comes makes the next ones longer again, slowly


@dataclass(slots=True)
class Pace:
    """Tokens and seconds of a server's latest replies, waiting and prefill included; 13 tokens a second at first."""

    tokens: float = 13.0
    seconds: float = 1.0
    longest: float = LONGEST_S

    def came(self, tokens: int, seconds: float) -> None:
        """A reply has come."""
        self.tokens = self.tokens * _BEFORE + tokens
        self.seconds = self.seconds * _BEFORE + seconds
        self.longest = min(self.longest * _BACK, LONGEST_S)

    def broke(self) -> None:
        """A whole reply did not come."""
        self.longest = max(self.longest / 2, _SHORTEST_S)

    def duration(self, tokens: int) -> float:
        """Seconds that so many tokens take."""
        return tokens * self.seconds / max(self.tokens, 1.0)

    def part(self, room: int, *, divisible: bool, at_once: int) -> int:
        """How many tokens a whole reply may have; 0 if it should be streamed.

        Args:
            room: Tokens that the text may have.
            divisible: Whether it may go on with another request.
            at_once: Requests that the server has.
        """
        reach = int(self.tokens / self.seconds * self.longest) if self.seconds > 0 else 0
        if room <= reach and (not divisible or room <= _MOST):
            return room
        least = _LEAST if at_once > _FEW else _LEAST_OF_FEW
        return min(reach, _MOST) if divisible and reach >= least else 0


def whole_words(text: str) -> str:
    """A part of a text up to its last word, which may be cut short; all of it where it has but one.

    For servers that are sent the text again: between words, and behind a line's end, Qwen2's pre-tokenizer cuts anyway,
    so that what stands before has the same tokens as when it was written.
    """
    places = [match.end() if match.group() == "\n" else match.start() for match in _BETWEEN_WORDS.finditer(text)]
    return text[: places[-1]] if places and places[-1] else text

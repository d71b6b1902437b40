"""Text out of tokens: whole characters only, and never a piece of a stop string.

Byte-level tokens split characters and stop strings at will. A `Stretch` takes each token's bytes and gives out the
text that is certain: an unfinished character is held back, and so is an ending that may yet become a stop string. When
a stop string is complete, `Found` says where it began, so that the engine can cut the KV cache back to exactly the text
before. Invalid UTF-8 becomes U+FFFD; a character that never finishes is dropped.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

_LONGEST_CHARACTER = 4


@dataclass(frozen=True, slots=True)
class Found:
    """Where a stop string begins: after `tokens` whole tokens of the stretch and then the bytes `rest`."""

    tokens: int
    rest: bytes


class Stretch:
    """One stretch of decoding, from a prompt or an extension to the next stop."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = tuple(stop.encode() for stop in stops if stop)
        self._raw = bytearray()
        self._starts: list[int] = []  # byte offset of each token
        self._given = 0  # bytes already given out as text

    def add(self, piece: bytes) -> tuple[str, Found | None]:
        """Take one token's bytes; give the text that is now certain, and the stop string if one is complete."""
        self._starts.append(len(self._raw))
        self._raw += piece
        at = self._earliest_stop()
        if at is not None:
            return self._give(at), self._found(at)
        return self._give(self._certain()), None

    def finish(self) -> str:
        """The stretch ended otherwise: what was held back as a possible stop string is text after all."""
        return self._give(_whole_characters(self._raw))

    def _give(self, end: int) -> str:
        text = self._raw[self._given : end].decode("utf-8", "replace")
        self._given = max(self._given, end)
        return text

    def _earliest_stop(self) -> int | None:
        places = (self._raw.find(stop, self._given) for stop in self._stops)
        return min((place for place in places if place >= 0), default=None)

    def _certain(self) -> int:
        """The end of the bytes that no later token can turn into a stop string or into another character."""
        held = max((_overlap(self._raw, stop, self._given) for stop in self._stops), default=0)
        return min(_whole_characters(self._raw), len(self._raw) - held)

    def _found(self, at: int) -> Found:
        token = bisect_right(self._starts, at) - 1
        while token > 0 and _inside_character(self._raw, self._starts[token]):
            token -= 1
        return Found(token, bytes(self._raw[self._starts[token] : at]))


def _overlap(raw: bytearray, stop: bytes, start: int) -> int:
    """The length of the longest ending of `raw` (from `start`) with which `stop` begins."""
    if not raw or raw[-1] not in stop:  # nearly always, and this is asked for every token
        return 0
    longest = min(len(stop) - 1, len(raw) - start)
    return next((size for size in range(longest, 0, -1) if raw.endswith(stop[:size])), 0)


def _inside_character(raw: bytearray, at: int) -> bool:
    return at < len(raw) and raw[at] & 0xC0 == 0x80  # a UTF-8 continuation byte


def _whole_characters(raw: bytearray) -> int:
    """The end of the last character that is complete (an impossible sequence counts as complete)."""
    for back in range(1, min(_LONGEST_CHARACTER, len(raw)) + 1):
        byte = raw[-back]
        if byte & 0xC0 != 0x80:
            size = 1 if byte < 0x80 else 2 if byte >> 5 == 0b110 else 3 if byte >> 4 == 0b1110 else 4
            return len(raw) if byte >= 0xF8 or size <= back else len(raw) - back
    return len(raw)

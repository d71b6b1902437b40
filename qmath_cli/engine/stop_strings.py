"""Decoding tokens to text: whole characters only, and never part of a stop string.

Tokens of a byte-level vocabulary can end inside a character or a stop string. A `StopScanner` takes the bytes of each
token and returns the text that no later token can change: an unfinished character is held back, and so is an ending
that may become a stop string. When a stop string is complete, a `StopMatch` has its position, so that the engine can
truncate the KV cache to exactly the text before it. Invalid UTF-8 becomes U+FFFD; an unfinished character at the end is
dropped.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

_MAX_CHARACTER = 4  # bytes of a UTF-8 character


@dataclass(frozen=True, slots=True)
class StopMatch:
    """Where a stop string begins: after the first `tokens` tokens of the continuation and then the bytes `rest`."""

    tokens: int
    rest: bytes
    stop: str = field(default="", compare=False)  # the string itself


class StopScanner:
    """Scans one continuation: the text decoded from a prompt, or from an extension, up to the next stop."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = tuple(stop.encode() for stop in stops if stop)
        self._raw = bytearray()
        self._token_starts: list[int] = []  # byte offset of each token
        self._returned = 0  # bytes already returned as text

    def add(self, piece: bytes) -> tuple[str, StopMatch | None]:
        """Add the bytes of one token.

        Returns:
            The new text that is certain, and the stop string's position if one is complete. The text ends before it.
        """
        self._token_starts.append(len(self._raw))
        self._raw += piece
        start = self._earliest_stop()
        if start is not None:
            return self._text_up_to(start), self._match(start)
        return self._text_up_to(self._certain_end()), None

    @property
    def held(self) -> bytes:
        """The bytes that are not certain yet: an unfinished character, or the beginning of a stop string."""
        return bytes(self._raw[self._returned :])

    def finish(self) -> str:
        """The text still held back, for a continuation that ends without a stop string."""
        return self._text_up_to(_complete_end(self._raw))

    def _text_up_to(self, end: int) -> str:
        text = self._raw[self._returned : end].decode("utf-8", "replace")
        self._returned = max(self._returned, end)
        return text

    def _earliest_stop(self) -> int | None:
        starts = (self._raw.find(stop, self._returned) for stop in self._stops)
        return min((start for start in starts if start >= 0), default=None)

    def _certain_end(self) -> int:
        """The end of the bytes that no later token can turn into part of a stop string or of another character."""
        held = max((_overlap(self._raw, stop, self._returned) for stop in self._stops), default=0)
        return min(_complete_end(self._raw), len(self._raw) - held)

    def _match(self, start: int) -> StopMatch:
        token = bisect_right(self._token_starts, start) - 1
        while token > 0 and _inside_character(self._raw, self._token_starts[token]):
            token -= 1
        stop = next(one for one in self._stops if self._raw.startswith(one, start))
        return StopMatch(token, bytes(self._raw[self._token_starts[token] : start]), stop.decode())


def _overlap(raw: bytearray, stop: bytes, start: int) -> int:
    """The length of the longest ending of `raw[start:]` that is a proper beginning of `stop`."""
    if not raw or raw[-1] not in stop:  # the usual case; this runs for every token
        return 0
    longest = min(len(stop) - 1, len(raw) - start)
    return next((size for size in range(longest, 0, -1) if raw.endswith(stop[:size])), 0)


def _inside_character(raw: bytearray, at: int) -> bool:
    return at < len(raw) and raw[at] & 0xC0 == 0x80  # a UTF-8 continuation byte


def _complete_end(raw: bytearray) -> int:
    """The end of the last complete character; an invalid sequence counts as complete."""
    for back in range(1, min(_MAX_CHARACTER, len(raw)) + 1):
        byte = raw[-back]
        if byte & 0xC0 != 0x80:
            size = 1 if byte < 0x80 else 2 if byte >> 5 == 0b110 else 3 if byte >> 4 == 0b1110 else 4
            return len(raw) if byte >= 0xF8 or size <= back else len(raw) - back
    return len(raw)

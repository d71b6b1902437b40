"""From a request to the tokens that answer it: stop strings, limits, and what a server holds back."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

from tests.engine.remote.vocabulary import Vocabulary


class Reason(StrEnum):
    """Why a text ends."""

    END = auto()  # an end token
    STRING = auto()
    LENGTH = auto()


class Hold(StrEnum):
    """What a server holds back while a stop string may have begun."""

    FIXED = auto()  # vLLM: always as many characters as the longest stop has, less one
    PREFIX = auto()  # others: only what a stop string begins with


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to write, as a dialect has read it.

    Attributes:
        prompt: Ids.
        text: The prompt with its control tokens spelled.
        max_tokens: As asked, or the server's default; None is unlimited.
        stops: Stop strings.
        seed: None if it was not sent.
        stream: Whether the answer comes piece by piece.
        ids: Whether generated ids are sent with the text.
        usage: Whether token counts are sent.
        as_ids: Whether the prompt came as ids.
        body: The request as sent.
        number: Of the generating requests of this server, from 0.
    """

    prompt: tuple[int, ...]
    text: str
    max_tokens: int | None
    stops: tuple[str, ...] = ()
    seed: int | None = None
    stream: bool = False
    ids: bool = False
    usage: bool = False
    as_ids: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model writes. With `ends` an end token follows; without, it repeats its last token until a limit."""

    text: str
    ends: bool = True


#: The model: what it writes for a request.
Model = Callable[[Asked], Reply]


@dataclass(frozen=True, slots=True)
class Piece:
    """New text of an answer, and the ids that were sampled meanwhile."""

    text: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an answer: its last piece, and the counts."""

    piece: Piece
    reason: Reason
    stop: str | None  # the stop string
    token: int | None  # the end token
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


def decode(
    vocabulary: Vocabulary, reply: Reply, asked: Asked, limit: int, hold: Hold, per_piece: int = 1
) -> Iterator[Piece | Ending]:
    """The pieces of an answer, `per_piece` tokens each; the last one is an `Ending`."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text, sent = "", 0
    ids: list[int] = []
    reach = max(map(len, asked.stops), default=1)
    for count, token in enumerate(_tokens(vocabulary, reply), start=1):
        ids.append(token)
        over = token in vocabulary.ends
        before = len(text)
        text += "" if over else decoder.decode(vocabulary.piece(token))
        found = _found(text, asked.stops, max(0, before - reach + 1))
        if found or over or count >= limit:
            stop, place = found or (None, len(text))
            reason = Reason.STRING if found else Reason.END if over else Reason.LENGTH
            last = Piece(text[sent:place], tuple(ids))
            yield Ending(last, reason, stop, token if reason is Reason.END else None, len(asked.prompt), count)
            return
        if count % per_piece == 0:
            ready = max(sent, len(text) - _held(text, asked.stops, hold))
            yield Piece(text[sent:ready], tuple(ids))
            sent, ids = ready, []


def _tokens(vocabulary: Vocabulary, reply: Reply) -> Iterator[int]:
    ids = vocabulary.encode(reply.text)
    yield from ids
    while not reply.ends:
        yield ids[-1]
    yield vocabulary.ends[0]


def _found(text: str, stops: tuple[str, ...], start: int) -> tuple[str, int] | None:
    """The first stop string in a text, and where it begins."""
    places = [(text.find(stop, start), stop) for stop in stops]
    hits = [(place, stop) for place, stop in places if place >= 0]
    return (min(hits)[1], min(hits)[0]) if hits else None


def _held(text: str, stops: tuple[str, ...], hold: Hold) -> int:
    """How many characters at the end stay back."""
    longest = max(map(len, stops), default=0)
    if hold is Hold.FIXED:
        return max(0, longest - 1)
    for size in range(min(longest - 1, len(text)), 0, -1):
        if any(stop.startswith(text[-size:]) for stop in stops):
            return size
    return 0

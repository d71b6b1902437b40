"""The shape of a dialect: a request and a piece of its reply, in our terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from qmath_cli.engine.remote.http import Broken, RequestRefused
from qmath_cli.records import Sampling

Record = Mapping[str, Any]
Body = dict[str, Any]


class Ending(Enum):
    """Why a server ended a text."""

    END = auto()  # an end token
    STRING = auto()  # a stop string, which is not in the text
    LENGTH = auto()  # the limit of the request, or the context


@dataclass(frozen=True, slots=True)
class Request:
    """What a server is asked to continue.

    Attributes:
        model: Its id there.
        prompt: Token ids, or text.
        stops: Stop strings; `Dialect.names_stops` says whether they are sent.
        sampling: How tokens are sampled; `seed` is this request's own.
        max_tokens: New tokens at most, so that prompt and text fit into the context.
        context: Tokens that a sequence can hold.
        endless: For measurements: an end token does not end the text.
        whole: Whether the reply comes as one record instead of a stream of them.
    """

    model: str
    prompt: list[int] | str
    stops: tuple[str, ...]
    sampling: Sampling
    max_tokens: int
    context: int
    endless: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply.

    Attributes:
        text: New text; may be empty.
        tokens: The ids of the new tokens, where the server sends them. They may go on behind the text, into a stop
            string that is not in it.
        ending: Why the text has ended; None while it goes on.
        prompt_tokens: Length of the prompt; None if not told here.
        completion_tokens: Number of new tokens in the whole reply; None if not told here.
        cached_tokens: Those of the prompt that the server had in its cache; None if not told here.
    """

    text: str = ""
    tokens: tuple[int, ...] = ()
    ending: Ending | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server.

    Attributes:
        path: Of the completion.
        body: A request as JSON.
        read: A record of the reply.
        token_ids: Whether prompts are token ids.
        names_stops: Whether a reply tells a stop string from an end token. Where it does not, no stop string is sent:
            the text is scanned here, and the request ends where one is found.
        whole: Whether it may be asked for whole replies: it notices then, too, that a connection is closed, and stops.
    """

    path: str
    body: Callable[[Request], Body]
    read: Callable[[Record], Delta]
    token_ids: bool = False
    names_stops: bool = False
    whole: bool = True


def require_no_error(record: Record) -> None:
    """Raise `Broken` or `RequestRefused` for a record that reports a failure inside a stream."""
    error = record.get("error")
    if error is None and record.get("object") != "error":
        return
    found = error if isinstance(error, Mapping) else record
    words = str(found.get("message") or error)[:300]
    code = found.get("code")
    if isinstance(code, int) and 400 <= code < 500 and code not in {408, 429}:
        raise RequestRefused(f"the server refuses: {words}", "", code, words)
    raise Broken(f"the server reports a failure: {words}")


def whole(value: object) -> int | None:
    """A count; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def ids(value: object) -> tuple[int, ...]:
    """Token ids; empty for anything else."""
    return tuple(one for one in value if isinstance(one, int)) if isinstance(value, list) else ()

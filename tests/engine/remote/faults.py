"""What can go wrong with a request, to be scripted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any

from tests.engine.remote.wire import Answer


class Break(StrEnum):
    """How a reply ends before its end: a stream before its final event, a whole one in the middle of its JSON."""

    NO_FINAL = auto()  # the body ends as if it were complete; a whole one does not say why the text ends
    CLOSED = auto()  # the connection closes in the middle of the body
    RESET = auto()  # the connection is reset
    HANG = auto()  # nothing comes any more
    ERROR = auto()  # an event says that the server failed, and the body ends
    GARBAGE = auto()  # an event that is no JSON, and the body ends
    EMPTY = auto()  # nothing is in it
    LATE_503 = auto()  # a whole reply turns into 503 when a part of it is computed; a stream ends


@dataclass(frozen=True, slots=True)
class Broken:
    """The reply breaks after so many events, or so much of a whole one."""

    how: Break
    after: int = 1


@dataclass(frozen=True, slots=True)
class Refused:
    """The request gets this answer instead of a text."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class MissedStop:
    """The server does not find the stop strings and writes on, as when one is spread over two of its chunks."""


@dataclass(frozen=True, slots=True)
class CutPrompt:
    """The server drops all but the last tokens of the prompt and says nothing."""

    kept: int = 32


Fault = Broken | Refused | MissedStop | CutPrompt
#: The fault of a generating request, given its number from 0.
Faults = Callable[[int], Fault | None]


class Shape(StrEnum):
    """The forms in which servers say 400."""

    NESTED = auto()  # vLLM
    FLAT = auto()  # SGLang
    NUMBERS = auto()  # llama-server, too long a prompt
    SENTENCE = auto()  # Ollama, LM Studio
    DETAIL = auto()  # FastAPI's own check of the body


def refusal(shape: Shape, message: str, status: int = 400) -> Answer:
    """An error in one of the forms."""
    nested = {"message": message, "type": "BadRequestError", "param": None, "code": status}
    bodies: Mapping[Shape, object] = {
        Shape.NESTED: {"error": nested},
        Shape.FLAT: {"object": "error", **nested},
        Shape.NUMBERS: {
            "error": {
                "code": status,
                "message": message,
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 5000,
                "n_ctx": 4096,
            }
        },
        Shape.SENTENCE: {"error": message},
        Shape.DETAIL: {"detail": [{"loc": ["body", "prompt"], "msg": message, "type": "value_error"}]},
    }
    return Answer(bodies[shape], status)


def broken_whole(how: Break, answer: Answer) -> Answer:
    """A whole reply that is of no use, or of little."""
    if how is Break.LATE_503:
        return refusal(Shape.NESTED, "the engine was restarted", 503)
    if how is Break.ERROR:
        return Answer({"error": {"message": "the engine has died", "code": 500}})
    if how is Break.EMPTY:
        return Answer({"choices": []})
    if how is Break.GARBAGE:
        return Answer("<html><body>bad gateway</body></html>")
    return Answer(_without_ending(answer.body))


def _without_ending(body: Any) -> Any:
    """A reply that does not say why its text ends."""
    choices = [{**one, "finish_reason": None} for one in body.get("choices", ())]
    more = {"choices": choices} if choices else {"done": False, "stop": False}
    return {**body, **more}


def too_many(retry_after: str | None = None) -> Refused:
    """429, with or without the header that says when to come back."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Refused(Answer(refusal(Shape.NESTED, "too many requests").body, 429, headers))


def failing(status: int = 500) -> Refused:
    """A server error."""
    return Refused(refusal(Shape.NESTED, "the engine has died", status))


def no_faults(_number: int) -> None:
    """Nothing goes wrong."""


def only(faults: Mapping[int, Fault]) -> Faults:
    """The requests with these numbers fail."""
    return faults.get


def first(count: int, fault: Fault) -> Faults:
    """The first requests fail."""
    return lambda number: fault if number < count else None


def every(period: int, fault: Fault) -> Faults:
    """One request of so many fails, the first of them."""
    return lambda number: fault if number % period == 0 else None


def always(fault: Fault) -> Faults:
    """Every request fails."""
    return lambda _number: fault

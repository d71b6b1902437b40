"""What can go wrong with a request, to be scripted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum, auto

from tests.engine.remote.wire import Answer


class Break(StrEnum):
    """How a stream ends before its final event."""

    NO_FINAL = auto()  # the body ends as if it were complete
    CLOSED = auto()  # the connection closes in the middle of the body
    RESET = auto()  # the connection is reset
    HANG = auto()  # nothing comes any more
    ERROR = auto()  # an event says that the server failed, and the body ends
    GARBAGE = auto()  # an event that is no JSON, and the body ends


@dataclass(frozen=True, slots=True)
class Broken:
    """The stream breaks after so many events."""

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

"""What a scripted server serves, and how a dialect is described."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.engine.remote.faults import Faults, no_faults
from tests.engine.remote.generation import Asked, Ending, Hold, Model, Piece, Reply
from tests.engine.remote.wire import Answer, Request

#: Scores of a sequence of ids: one row per token of a reward model, one row per mark of a process reward model.
Rows = Callable[[Sequence[int]], list[list[float]]]


@dataclass(frozen=True, slots=True)
class Latency:
    """How long things take; everything is immediate by default.

    Attributes:
        prefill_tps: Tokens of a prompt per second, cached ones not counted; 0 is immediate.
        token_s: Seconds between two tokens of a sequence.
        busy_s: What every busy slot adds to it.
        per_piece: Tokens that are sent together.
    """

    prefill_tps: float = 0.0
    token_s: float = 0.0
    busy_s: float = 0.0
    per_piece: int = 1


def hello(_asked: Asked) -> Reply:
    """The model that is served where none is given."""
    return Reply(r"The answer is $\boxed{42}$.")


@dataclass(frozen=True, slots=True)
class Serving:
    """What a server serves.

    Attributes:
        model: What is written for a request.
        name: The model's id.
        context: Tokens of a sequence.
        slots: Sequences at a time; others wait.
        key: What `Authorization: Bearer` has to be; empty for no check.
        loading: How many requests are answered 503 before the model is loaded.
        faults: What goes wrong, by the number of the request.
        latency: How long things take.
        tells_cached: Whether cached tokens are reported, where a server has an option for it.
        fragment: HTTP chunks of so many bytes; 0 for one per event.
        keep_alive: Comments between events.
        crlf: Lines that end in CR LF.
        reward: The rows of a reward model; None for a model that writes.
        pools: Whether a reward model's endpoint is enabled.
    """

    model: Model = hello
    name: str = "Qwen2.5-Math-7B-Instruct"
    context: int = 4096
    slots: int = 4
    key: str = ""
    loading: int = 0
    faults: Faults = no_faults
    latency: Latency = field(default_factory=Latency)
    tells_cached: bool = True
    fragment: int = 0
    keep_alive: bool = False
    crlf: bool = False
    reward: Rows | None = None
    pools: bool = True


class Refusal(Exception):
    """A request that a dialect does not accept."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.body))
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Writing:
    """An endpoint that writes.

    Attributes:
        read: Reads a request, or raises `Refusal`.
        piece: The event of new text.
        final: The events after the last text.
        whole: The answer of a request that does not stream, given all text and ids.
        done: Whether `[DONE]` follows.
        lines: JSON lines instead of server-sent events.
    """

    read: Callable[[Serving, Mapping[str, object]], Asked]
    piece: Callable[[Serving, Asked, Piece], object]
    final: Callable[[Serving, Asked, Ending], Sequence[object]]
    whole: Callable[[Serving, Asked, Piece, Ending], object]
    done: bool = True
    lines: bool = False


def _not_found(request: Request) -> Answer:
    return Answer({"detail": f"Not Found: {request.path}"}, 404)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of server speaks.

    Attributes:
        kind: Its name.
        answers: Endpoints that answer at once, by `GET /path`.
        writes: Endpoints that write, by `POST /path`.
        hold: What it holds back before a stop string.
        guarded: Beginnings of the paths that need the key.
        open_while_loading: Paths that answer while the model loads.
        unknown: What any other path gets.
        block: Tokens of a block of the prefix cache.
        server: The `Server` header; empty for none.
    """

    kind: str
    answers: Mapping[str, Callable[[Serving, Request], Answer]]
    writes: Mapping[str, Writing]
    hold: Hold = Hold.PREFIX
    guarded: tuple[str, ...] = ("/",)
    open_while_loading: tuple[str, ...] = ()
    unknown: Callable[[Request], Answer] = _not_found
    block: int = 16
    server: str = ""

"""One exchange with a worker: a request, then all that comes back, within limits.

The parent's whole caution is in this place: it writes without blocking, reads output and results with caps until a
result, a limit or the worker's end, and believes nothing but the length of what it reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from qmath_cli.sandbox.parent.pipes import PIECE, Port
from qmath_cli.sandbox.wire import Garbled, unpack

_TICK = 0.05  # seconds between two looks at a worker that says nothing

Frame = dict[str, object]


class Outcome(StrEnum):
    """How an exchange ended."""

    ANSWERED = "answered"
    TIMEOUT = "timeout"
    FLOOD = "flood"  # more output than the cap
    MEMORY = "memory"  # more memory than the limit, seen from outside
    ENDED = "ended"  # the worker is gone
    GARBLED = "garbled"  # the worker did not keep to the protocol


@dataclass(slots=True)
class Exchange:
    """What came back; `frame` only where the outcome is `ANSWERED`."""

    outcome: Outcome
    output: bytes = b""
    frame: Frame = field(default_factory=dict)
    stray: bytes = b""  # what came instead of a frame


@dataclass(slots=True)
class _Heard:
    """What has arrived so far."""

    output: bytearray = field(default_factory=bytearray)
    results: bytearray = field(default_factory=bytearray)
    ended: bool = False

    def add(self, arrived: list[tuple[str, bytes]]) -> bool:
        """Append what arrived to where it belongs; whether there was anything but ends."""
        for name, piece in arrived:
            (self.output if name == "output" else self.results).extend(piece)
            self.ended = self.ended or (name == "results" and not piece)
        return any(piece for _name, piece in arrived)


def _never() -> bool:
    return False


def converse(port: Port, request: bytes, seconds: float, cap: int, greedy: Callable[[], bool] = _never) -> Exchange:
    """Send a request and read until its result, `seconds` have passed, `cap` bytes were written, or the end.

    `greedy` is asked now and then whether the worker uses more memory than it may.
    """
    heard = _Heard()
    outcome, frame = _listen(port, request, time.monotonic() + seconds, cap, greedy, heard)
    return Exchange(outcome, bytes(heard.output[:cap]), frame, bytes(heard.results))


def _listen(
    port: Port, request: bytes, deadline: float, cap: int, greedy: Callable[[], bool], heard: _Heard
) -> tuple[Outcome, Frame]:
    pending = memoryview(request)
    while (left := deadline - time.monotonic()) > 0:
        try:
            if pending:
                pending = pending[port.send(bytes(pending[:PIECE])) :]
            heard.add(port.receive(min(left, _TICK), sending=bool(pending)))
            found = unpack(heard.results)
        except OSError:
            return Outcome.ENDED, {}
        except Garbled:
            return Outcome.GARBLED, {}
        if found is not None and not pending:
            del heard.results[: found[1]]
            return _drain(port, heard, cap), found[0]
        if (limit := _limit(heard, cap, greedy)) is not None:
            return limit, {}
    return Outcome.TIMEOUT, {}


def _limit(heard: _Heard, cap: int, greedy: Callable[[], bool]) -> Outcome | None:
    """Why to stop listening, if there is a reason."""
    if len(heard.output) > cap:
        return Outcome.FLOOD
    if heard.ended:
        return Outcome.ENDED
    return Outcome.MEMORY if greedy() else None


def _drain(port: Port, heard: _Heard, cap: int) -> Outcome:
    """Read the output that was written before the result. A second result is a lie; so much output is a flood."""
    while not heard.results and len(heard.output) <= cap:
        if not heard.add(port.receive(0, sending=False)):
            return Outcome.ANSWERED
    return Outcome.GARBLED if heard.results else Outcome.FLOOD

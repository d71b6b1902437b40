"""One exchange with a worker: send a request, then read until its result, a limit, or the worker's exit.

Writes do not block, and output and results are read up to their limits. Of what a worker sends, this module relies on
the length alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from qmath_cli.sandbox.parent.pipes import READ_BYTES, Transport
from qmath_cli.sandbox.wire import ProtocolError, unpack

_POLL_S = 0.05  # the longest wait between two checks of the limits

Frame = dict[str, object]


class Outcome(StrEnum):
    """How an exchange ended."""

    RESULT = "result"
    TIMEOUT = "timeout"
    OUTPUT_LIMIT = "output limit"
    MEMORY_LIMIT = "memory limit"  # measured from outside
    EXITED = "exited"  # the worker
    PROTOCOL_ERROR = "protocol error"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `frame` is filled only where the outcome is `RESULT`."""

    outcome: Outcome
    output: bytes = b""
    frame: Frame = field(default_factory=dict)
    unparsed: bytes = b""  # bytes on the results pipe that are not a complete frame


@dataclass(slots=True)
class _Received:
    """What has arrived so far."""

    output: bytearray = field(default_factory=bytearray)
    results: bytearray = field(default_factory=bytearray)
    ended: bool = False

    def add(self, arrived: list[tuple[str, bytes]]) -> bool:
        """Append what arrived to its buffer; return whether there was any data."""
        for name, data in arrived:
            (self.output if name == "output" else self.results).extend(data)
            self.ended = self.ended or (name == "results" and not data)
        return any(data for _name, data in arrived)


def exchange(
    transport: Transport,
    request: bytes,
    seconds: float,
    output_limit: int,
    over_memory_limit: Callable[[], bool] = lambda: False,
) -> Reply:
    """Send a request and read until its result, the time limit, the output limit, or the worker's exit.

    Args:
        transport: The pipes of the worker.
        request: A packed frame; empty to wait for the first frame of a new worker.
        seconds: Wall-clock limit.
        output_limit: Bytes that the program may write.
        over_memory_limit: Called at every poll; True ends the exchange.
    """
    received = _Received()
    deadline = time.monotonic() + seconds
    outcome, frame = _transfer(transport, request, deadline, output_limit, over_memory_limit, received)
    return Reply(outcome, bytes(received.output[:output_limit]), frame, bytes(received.results))


def _transfer(
    transport: Transport,
    request: bytes,
    deadline: float,
    output_limit: int,
    over_memory_limit: Callable[[], bool],
    received: _Received,
) -> tuple[Outcome, Frame]:
    pending = memoryview(request)
    while (left := deadline - time.monotonic()) > 0:
        try:
            if pending:
                pending = pending[transport.send(bytes(pending[:READ_BYTES])) :]
            received.add(transport.receive(min(left, _POLL_S), sending=bool(pending)))
            found = unpack(received.results)
        except OSError:
            return Outcome.EXITED, {}
        except ProtocolError:
            return Outcome.PROTOCOL_ERROR, {}
        if found is not None and not pending:
            del received.results[: found[1]]
            return _read_remaining_output(transport, received, output_limit), found[0]
        if (reason := _stop_reason(received, output_limit, over_memory_limit)) is not None:
            return reason, {}
    return Outcome.TIMEOUT, {}


def _stop_reason(received: _Received, output_limit: int, over_memory_limit: Callable[[], bool]) -> Outcome | None:
    """Why the exchange ends without a result; None to continue."""
    if len(received.output) > output_limit:
        return Outcome.OUTPUT_LIMIT
    if received.ended:
        return Outcome.EXITED
    return Outcome.MEMORY_LIMIT if over_memory_limit() else None


def _read_remaining_output(transport: Transport, received: _Received, output_limit: int) -> Outcome:
    """Read the output that was written before the result. More than one frame is a protocol error."""
    while not received.results and len(received.output) <= output_limit:
        if not received.add(transport.receive(0, sending=False)):
            return Outcome.RESULT
    return Outcome.PROTOCOL_ERROR if received.results else Outcome.OUTPUT_LIMIT

"""What a scripted server counts."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.remote.generation import Asked


@dataclass
class Counters:
    """Written by the server's thread; a test may read at any time.

    Attributes:
        requests: By method and path.
        started: Generating requests that got a slot.
        finished: Those that were answered to the end.
        closed: Those whose client went away before.
        failed: Those that were answered with a fault.
        running: In a slot now.
        waiting: For a slot now.
        peak: Most at the same time, running and waiting.
        peak_running: Most in slots at the same time.
        connections: Accepted so far.
        connected: Open now.
        prompt_tokens: Of all requests that got a slot.
        cached_tokens: Those of them that had been computed before.
        completion_tokens: Sampled.
        slot_s: Seconds of all slots together in which they computed.
        asked: The latest generating requests.
        bodies: The latest bodies of other requests, by path.
        authorizations: The latest values of the header, None where there was none.
    """

    requests: Counter[str] = field(default_factory=Counter)
    started: int = 0
    finished: int = 0
    closed: int = 0
    failed: int = 0
    running: int = 0
    waiting: int = 0
    peak: int = 0
    peak_running: int = 0
    connections: int = 0
    connected: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    slot_s: float = 0.0
    asked: deque[Asked] = field(default_factory=lambda: deque(maxlen=256))
    bodies: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    authorizations: deque[str | None] = field(default_factory=lambda: deque(maxlen=256))

    def as_json(self) -> dict[str, Any]:
        """The numbers, without the requests themselves."""
        left_out = {"asked", "bodies", "authorizations"}
        return {name: value for name, value in vars(self).items() if name not in left_out}

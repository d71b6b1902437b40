"""One server of several: how much it may get now, what it failed at, and when it is asked again.

A server that is away or busy gets nothing for a while, each time longer. One that has too much to do (429, 503) gets at
most what it has, and more again with every request that it finishes; so does one
that does not tell its width. One that refuses for good gets nothing any more.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

from qmath_cli.engine.remote.dialects import of
from qmath_cli.engine.remote.dialects.dialect import Dialect
from qmath_cli.engine.remote.http import Access, Broken, Streams
from qmath_cli.engine.remote.pace import Pace
from qmath_cli.engine.remote.stretch import Stretch
from qmath_cli.engine.remote.vocabulary import Vocabulary
from qmath_cli.errors import ServerUnusable
from qmath_cli.records import ServerInfo, ServerKind

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_BREAKS = 3  # requests in a row that broke off, after which a server is taken to be away


@dataclass(slots=True, eq=False)
class ServerMember:
    """A server in use.

    Attributes:
        access: Where it is.
        kind: What the user says that it is; None: found out.
        limit: Requests at once, at most.
        first: Requests at once in the beginning, where its width is a guess: it gets more as it finishes some.
        streams: Its connections.
        info: What it tells of itself; None while it was never reached.
        vocabulary: What turns prompts into ids for it; None if it takes text.
        allowed: Requests that it may have now.
        active: Requests that it has.
        waiting: Sequences that it has in its cache, to be continued.
        away: Whether it has to be reached again first.
        refusal: Why it is not used any more; None while it is.
        failures: In a row.
        finished: Requests that it has finished.
        last_reply: When something last came from it.
        pace: How fast its replies come.
    """

    access: Access
    kind: ServerKind | None
    limit: int
    first: int
    streams: Streams
    info: ServerInfo | None = None
    vocabulary: Vocabulary | None = None
    allowed: int = 0
    active: int = 0
    waiting: deque[Stretch] = field(default_factory=deque)
    away: bool = False
    refusal: ServerUnusable | None = None
    failures: int = 0
    finished: int = 0
    last_reply: float = float("-inf")
    pace: Pace = field(default_factory=Pace)
    reason: str = ""  # of the latest failure
    _paused_until: float = 0.0

    def __post_init__(self) -> None:
        self.allowed = min(self.first, self.limit)
        self.away = self.info is None

    @property
    def usable(self) -> bool:
        """Whether it is there: it may be paused or full."""
        return not self.away and self.refusal is None

    @property
    def dialect(self) -> Dialect:
        """What it is sent. Raises `RuntimeError` for a server that was never reached."""
        return of(self.reached.kind)

    @property
    def reached(self) -> ServerInfo:
        """What it tells of itself. Raises `RuntimeError` for a server that was never reached."""
        if self.info is None:
            raise RuntimeError(f"{self.access.address} was never reached")
        return self.info

    def room(self, now: float) -> int:
        """Requests that it may get at this time."""
        return max(self.allowed - self.active, 0) if self.usable and now >= self._paused_until else 0

    def pause(self, now: float) -> float:
        """Seconds until its pause is over."""
        return max(self._paused_until - now, 0.0)

    def succeeded(self) -> None:
        """A request was finished."""
        self.failures = 0
        self.finished += 1
        self.allowed = min(self.allowed + 1, self.limit)

    def failed(self, failure: Broken, now: float) -> None:
        """A request broke off; the request is not counted in `active` any more."""
        self.failures += 1
        self.reason = failure.reason
        wait = failure.wait if failure.wait is not None else self.backoff()
        self._paused_until = max(self._paused_until, now + wait)
        if failure.busy and not failure.loading:
            self.allowed = max(self.active, 1)
        elif failure.loading or self.failures >= _BREAKS:
            self.away = True

    def backoff(self) -> float:
        """Seconds until the next attempt: twice as long each time, and not the same for all clients."""
        longest: float = min(_FIRST_PAUSE_S * 2 ** min(self.failures, 10), _LONGEST_PAUSE_S)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311  not used for secrets

    def returned(self, info: ServerInfo, vocabulary: Vocabulary | None) -> None:
        """It was reached again."""
        self.info = info
        self.vocabulary = vocabulary
        self.away = False
        self.failures = 0
        self.allowed = min(self.first, self.limit)
        self._paused_until = 0.0

    def taken(self) -> list[Stretch]:
        """The sequences that wait for it, to be given to others."""
        found = list(self.waiting)
        self.waiting.clear()
        return found


def served_context(info: ServerInfo, wanted: int) -> int:
    """Tokens of a sequence on this server, where so many are wanted."""
    return min(info.context or wanted, wanted)

"""Which request goes to which server, and what happens to the requests of a server that dies.

Runs on one event loop, without a thread of its own. A sequence goes to the server that has most room, and is continued
there, where its tokens are cached. So a fast server, whose room returns sooner, gets more. A request that breaks off is
repeated from the last token that arrived: nothing is computed twice, and nothing that was passed on is withdrawn. The
sequences of a server that is away go to the others; it is asked now and then, and gets work again. Towards the end, a
server that has nothing left to do takes over what another has not begun with: how much that one computes at once may
have been a guess.

No samples are lost, and none is finished twice: a sequence is in exactly one place, a queue or a request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from qmath_cli.engine.remote.exchange import Exchange
from qmath_cli.engine.remote.http import Broken, RequestRefused
from qmath_cli.engine.remote.member import ServerMember
from qmath_cli.engine.remote.stretch import Stretch
from qmath_cli.errors import QmathError, ServerUnusable
from qmath_cli.records import Chunk, Stop

Emit = Callable[[Chunk | Exception | str], None]
"""Called with a sequence's chunk, with an error that ends everything, or with a sentence for people."""

Revive = Callable[[ServerMember], Awaitable[None]]
"""Reaches a server again: raises `Broken` where it is still away, `ServerUnusable` where it is of no use any more."""

_IDLE_S = 2.0  # without a token that should have come, after which a request is given to a server with nothing to do
_BURST = 32  # requests that are sent in one turn: a thousand new connections at once would all be late
_TURN_S = 0.05
_MOST_MOVES = 2  # of one sequence: where all servers are slow to begin, moving it helps nobody
_RECENT_S = 30.0  # a server that has sent anything within this time is there
_NOTED_PAUSE_S = 5.0  # a longer one is announced
_MOST_FAILURES = 8  # of one sequence in a row, without one new token, while servers are there


class RequestSpread:
    """The requests of all `members`; `context`: tokens that a sequence may have.

    After `patience` seconds without any server an error ends everything.
    """

    def __init__(self, members: list[ServerMember], context: int, emit: Emit, revive: Revive, patience: float) -> None:
        self._members = members
        self._context = context
        self._emit = emit
        self._revive = revive
        self._patience = patience
        self._waiting: deque[Stretch] = deque()
        self._requests: dict[Stretch, asyncio.Task[None]] = {}
        self._silent: dict[Stretch, tuple[ServerMember, float]] = {}  # requests without a token yet: where, since when
        self._look_again: asyncio.TimerHandle | None = None
        self._others: set[asyncio.Task[None]] = set()
        self._closed = False
        self._alone_since: float | None = None  # since when no server is there
        for member in members:
            if member.away:
                self._spawn(self._bring_back(member))

    def submit(self, one: Stretch) -> None:
        """Compute a sequence as soon as a server has room."""
        home = one.home
        queue = home.waiting if isinstance(home, ServerMember) and home.usable else self._waiting
        queue.append(one)
        self._dispatch()

    def release(self, one: Stretch) -> None:
        """Stop a sequence, wherever it is; its connection is closed, so that the server stops, too."""
        one.released = True
        request = self._requests.get(one)
        if request is not None:
            request.cancel()

    async def close(self) -> None:
        """Stop everything, and close all connections."""
        self._closed = True
        tasks = [*self._requests.values(), *self._others]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(member.streams.close() for member in self._members), return_exceptions=True)

    # -- who gets what

    def _dispatch(self) -> None:
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        now, sent = loop.time(), 0
        while sent < _BURST and (found := self._next(now)) is not None:
            member, one = found
            if not one.released:
                self._send(one, member, now)
                sent += 1
        if sent < _BURST:
            self._rebalance(now)
        else:
            loop.call_later(_TURN_S, self._dispatch)

    def _rebalance(self, now: float) -> None:
        """Take over one request that its server has not begun with, for each server that has nothing to do."""
        idle = [one for one in self._members if one.room(now)]
        if not idle or not self._silent:
            return
        for one, (member, since) in list(self._silent.items()):
            movable = not one.moving and one.moves < _MOST_MOVES and member not in idle
            if movable and now - since >= _IDLE_S + one.expected_s:
                one.moving = True
                one.moves += 1
                self._requests[one].cancel()
                return  # the next one follows when this one has been placed
        if self._look_again is None:
            self._look_again = asyncio.get_running_loop().call_later(_IDLE_S / 4, self._looked)

    def _looked(self) -> None:
        self._look_again = None
        self._dispatch()

    def _next(self, now: float) -> tuple[ServerMember, Stretch] | None:
        """The server with most room, and what it gets: first what it has in its cache."""
        free = [one for one in self._members if (one.waiting or self._waiting) and one.room(now)]
        if not free:
            return None
        member = min(free, key=lambda one: one.active / one.allowed)
        return member, (member.waiting or self._waiting).popleft()

    def _send(self, one: Stretch, member: ServerMember, now: float) -> None:
        begun = partial(self._silent.pop, one, None)
        request = asyncio.create_task(Exchange(one, member, self._context, self._emit, begun).carry_out())
        member.active += 1
        self._silent[one] = member, now
        self._requests[one] = request
        request.add_done_callback(partial(self._served, one, member))  # also where it is cancelled before it begins

    def _served(self, one: Stretch, member: ServerMember, request: asyncio.Task[None]) -> None:
        """A request is over, and what follows from how it ended."""
        member.active -= 1
        del self._requests[one]
        self._silent.pop(one, None)
        one.moving = False
        failure = asyncio.CancelledError() if request.cancelled() else request.exception()
        if not one.released and not self._closed:
            self._settle(one, member, failure)
        self._dispatch()

    def _settle(self, one: Stretch, member: ServerMember, failure: BaseException | None) -> None:
        """What becomes of a sequence whose request is over: it is passed on as stopped, or is in a queue again."""
        if one.last is not None:  # the text is whole: what failed behind it costs nothing
            last, one.last = one.last, None
            one.home = member
            member.succeeded()
            self._emit(last)
        elif failure is None:  # a part has come, and the text goes on
            one.home = member
            member.succeeded()
            self.submit(one)
        elif isinstance(failure, asyncio.CancelledError):
            # by `_rebalance`, or by a time limit inside of the HTTP library that came out as this
            one.home = None
            one.unbegin()
            self._waiting.append(one)
        elif isinstance(failure, Broken):
            self._broken(one, member, failure)
        elif isinstance(failure, RequestRefused):
            self._declined(one, member, failure)
        elif isinstance(failure, Exception):  # raised in the caller's thread: see `RemoteEngine.step`
            self._emit(failure)

    # -- failures

    def _broken(self, one: Stretch, member: ServerMember, failure: Broken) -> None:
        loop = asyncio.get_running_loop()
        was_there = member.usable
        if failure.silent and loop.time() - member.last_reply < _RECENT_S:  # busy: this one was in its queue
            failure = Broken(failure.reason, busy=True)
        member.failed(failure, loop.time())
        if not member.usable:
            if was_there:
                self._lost(member)
        else:
            wait = member.pause(loop.time())
            loop.call_later(wait + 0.001, self._dispatch)
            one.failures += not failure.busy
            if wait > _NOTED_PAUSE_S:
                self._emit(f"{failure.reason}; it gets nothing for {wait:.0f} s")
        if one.failures > _MOST_FAILURES:
            hint = "what is finished is kept; the same command goes on"
            self._emit(ServerUnusable(f"{failure.reason} ({one.failures} times for one text)", hint))
        elif not one.released:
            one.home = None
            one.unbegin()
            self._waiting.appendleft(one)

    def _declined(self, one: Stretch, member: ServerMember, failure: RequestRefused) -> None:
        if _too_long(failure):
            self._emit(one.stop(Stop.CONTEXT))
        elif failure.status in {400, 413, 422}:  # about this request: another server would say the same
            self._emit(failure)
        else:
            self._refuse(member, failure)
            one.home = None
            self._waiting.appendleft(one)

    def _lost(self, member: ServerMember) -> None:
        """A server is away: its sequences go to the others, and it is asked now and then."""
        self._emit(f"{member.reason}; its samples go to the others" if len(self._members) > 1 else member.reason)
        self._waiting.extendleft(reversed(member.taken()))
        self._spawn(self._bring_back(member))

    def _refuse(self, member: ServerMember, failure: ServerUnusable) -> None:
        if member.refusal is None:
            member.refusal = failure
            self._waiting.extendleft(reversed(member.taken()))
            if len(self._members) > 1:
                self._emit(f"{failure.message}; it gets nothing any more")
        if all(one.refusal is not None for one in self._members):
            self._emit(failure)

    async def _bring_back(self, member: ServerMember) -> None:
        """Ask a server until it is there again."""
        loop = asyncio.get_running_loop()
        while member.away and member.refusal is None:
            await asyncio.sleep(max(member.pause(loop.time()), member.backoff()))
            try:
                await self._revive(member)
            except Broken as exc:
                member.failures += 1
                member.reason = exc.reason
                self._check_patience(exc, loop.time())
            except QmathError as exc:  # such as a model that is not there any more
                self._refuse(member, exc if isinstance(exc, ServerUnusable) else ServerUnusable(exc.message, exc.hint))
        if member.refusal is None:
            self._alone_since = None
            self._emit(f"{member.access.address} is there now")
        self._dispatch()

    def _check_patience(self, failure: Broken, now: float) -> None:
        if any(member.usable for member in self._members):
            self._alone_since = None
            return
        self._alone_since = self._alone_since or now
        if now - self._alone_since > self._patience:
            self._emit(ServerUnusable(failure.reason, "what is finished is kept; the same command goes on"))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._others.add(task)
        task.add_done_callback(self._others.discard)


def _too_long(failure: RequestRefused) -> bool:
    """Whether a refusal says that prompt and text exceed the context; each server has its own words for it."""
    words = failure.words.lower()
    spoken = "context" in words or "maximum model length" in words or "too long" in words or "longer than" in words
    return failure.status in {400, 413, 422, 500} and spoken

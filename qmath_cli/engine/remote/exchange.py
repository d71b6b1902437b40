"""One request of a sequence and its reply, streamed or whole.

A whole reply is asked for where nobody watches the text, and the server would stop when the connection is closed. What
breaks of it is lost: the next attempt is a stream, of which everything that has come is kept. Stop strings that a
server would not name are not sent, and have to be found here while the text is written: it is streamed, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from qmath_cli.engine.remote.dialects.dialect import Delta, Request
from qmath_cli.engine.remote.frames import records
from qmath_cli.engine.remote.http import Broken
from qmath_cli.engine.remote.member import ServerMember, served_context
from qmath_cli.engine.remote.stretch import Stretch
from qmath_cli.records import Chunk, Stop

_GRACE_S = 1.0  # for the rest of a stream whose text has ended
_REFUSED_S = 1.0  # a server that is busy says so sooner; later it is a proxy that has waited for long enough
_ENDED_BY_SERVER = frozenset({Stop.END, Stop.STRING, Stop.MAX_TOKENS, Stop.CONTEXT})


@dataclass(frozen=True, slots=True)
class Exchange:
    """A sequence at a server.

    Attributes:
        one: The sequence. Its `last` is set when its text has ended; it is None after a reply that goes on.
        member: The server.
        context: Tokens that a sequence may have.
        emit: Called with new text.
        begun: Called when something of the reply has come.
    """

    one: Stretch
    member: ServerMember
    context: int
    emit: Callable[[Chunk], None]
    begun: Callable[[], object]

    async def carry_out(self) -> None:
        """Send the request and take the reply.

        Raises:
            Broken: The reply did not come, or not to its end.
            RequestRefused: The server refuses.
        """
        request = await self._prepared()
        if request is None:
            self.one.last = self.one.stop(Stop.CONTEXT)
            return
        before, clock = self.one.state.sampled, asyncio.get_running_loop().time
        started = clock()
        try:
            await (self._whole(request) if request.whole else self._streamed(request))
        except Broken as exc:
            if request.whole and not (exc.busy and clock() - started < _REFUSED_S):
                self.one.streamed = True
                self.member.pace.broke()
            raise
        self.member.pace.came(self.one.state.sampled - before, clock() - started)

    async def _whole(self, request: Request) -> None:
        one, dialect = self.one, self.member.dialect
        reply = await self.member.streams.json(dialect.path, dialect.body(request))
        if not isinstance(reply, Mapping):
            raise Broken(f"{self.member.access.address} replies with something that is no JSON object")
        delta = dialect.read(reply)
        chunk = self._taken(delta)
        if chunk is not None and chunk.stop is not None:
            one.last = chunk
            return
        if chunk is not None:
            self.emit(chunk)
        if delta.ending is None:
            raise Broken(f"{self.member.access.address}: the reply does not say that the text has ended")

    async def _streamed(self, request: Request) -> None:
        one, dialect = self.one, self.member.dialect
        stream = self.member.streams.stream(dialect.path, dialect.body(request))
        async with stream as chunks, aclosing(records(chunks)) as replies:
            async for record in replies:
                delta = dialect.read(record)
                chunk = self._taken(delta)
                if chunk is not None and chunk.stop is not None:
                    one.last = chunk
                    break
                if chunk is not None:
                    self.emit(chunk)
            if one.last is None:
                raise Broken(f"{self.member.access.address}: the stream ended before the text did")
            if one.last.stop in _ENDED_BY_SERVER and (delta.ending is not None or dialect.names_stops):
                async with asyncio.timeout(_GRACE_S):  # its counts, and so that the connection is kept
                    async for record in replies:
                        one.count(dialect.read(record))

    def _taken(self, delta: Delta) -> Chunk | None:
        self.begun()
        self.member.last_reply = asyncio.get_running_loop().time()
        self.one.count(Delta(cached_tokens=delta.cached_tokens, prompt_tokens=delta.prompt_tokens))
        return self.one.take(delta)

    async def _prepared(self) -> Request | None:
        """The request that continues the sequence; None where the context has no room for another token."""
        one, member = self.one, self.member
        info = member.reached
        context = served_context(info, self.context)
        prompt: list[int] | str
        if member.vocabulary is None:
            prompt, length = one.whole.text, one.estimate()
        elif one.exact:
            prompt, length = one.state.tokens, len(one.state.tokens)
        else:
            prompt = await member.vocabulary.tokenize(one.whole)
            length = len(prompt)
        if length >= context:
            return None
        room = min(one.left, context - length)
        part = self._part(room)
        sampling = one.sampling()
        one.begin(length, part if part < room else 0, whole=part > 0)
        one.expected_s = member.pace.duration(part)
        stops = one.prompt.stops if member.dialect.names_stops else ()
        return Request(info.model, prompt, stops, sampling, part or room, context, one.endless, whole=part > 0)

    def _part(self, room: int) -> int:
        """Tokens of a whole reply; 0 for a stream."""
        one, dialect = self.one, self.member.dialect
        if one.watched or one.streamed or not dialect.whole or (one.prompt.stops and not dialect.names_stops):
            return 0
        divisible = not self.member.reached.deterministic  # each request has its own seed
        return self.member.pace.part(room, divisible=divisible, at_once=self.member.active)

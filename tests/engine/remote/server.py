"""A server on loopback that speaks as an inference server does, from a script.

    with ScriptedServer(VLLM, Serving(model=solves, slots=4)) as server:
        ...  # server.url, server.counters

It runs in a thread of its own and stops when the block ends, with all its connections. `kill` ends it as a killed
process ends: every connection is reset, the port is closed. Whatever it answers is computed from the request; only
`Serving.model` is scripted. `GET /scripted/counters` gives the counters of a server in another process.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from typing import Self

from tests.engine.remote.counters import Counters
from tests.engine.remote.faults import (
    Break,
    Broken,
    CutPrompt,
    Fault,
    MissedStop,
    Refused,
    Shape,
    broken_whole,
    refusal,
)
from tests.engine.remote.frames import Frames
from tests.engine.remote.generation import Asked, Ending, Piece, Reason, decode
from tests.engine.remote.prefixes import Prefixes
from tests.engine.remote.serving import Dialect, Refusal, Serving, Writing
from tests.engine.remote.slots import Slots
from tests.engine.remote.vocabulary import vocabulary
from tests.engine.remote.wire import Answer, ClientGone, Request, Stream, read_request

_START_S = 30.0


class _Reset(Exception):
    """The connection is to be reset."""


class _Closed(Exception):
    """The connection is to be closed."""


class ScriptedServer:
    """A scripted server.

    Args:
        dialect: How it speaks.
        serving: What it serves; `serving` may be replaced while it runs.
        port: 0 for any.
    """

    def __init__(self, dialect: Dialect, serving: Serving | None = None, port: int = 0) -> None:
        self.dialect = dialect
        self.serving = serving or Serving()
        self.counters = Counters()
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"scripted-{dialect.kind}", daemon=True)
        self._ready = threading.Event()
        self._stopped: asyncio.Event
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._prefixes = Prefixes(dialect.block) if dialect.block > 1 else Prefixes(4)
        self._numbers = itertools.count()
        self._loading = self.serving.loading

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(_START_S), "the scripted server did not start"
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and close every connection."""
        self._end(abort=False)

    def kill(self) -> None:
        """End as a killed process does."""
        self._end(abort=True)

    def _end(self, *, abort: bool) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop, abort)
            self._thread.join(_START_S)
            assert not self._thread.is_alive(), "the scripted server did not stop"

    def _stop(self, abort: bool) -> None:
        for writer in self._writers if abort else ():
            with suppress(OSError):
                Stream(asyncio.StreamReader(), writer).reset()
        self._stopped.set()

    def _run(self) -> None:
        with closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        self._slots = Slots(self.serving.slots, self.counters)
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=2**24, backlog=2048)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:  # connections, and such as are being accepted
            for task in self._connections:
                task.cancel()
            await asyncio.wait(others, timeout=0.05)
        await asyncio.sleep(0.05)  # the transports close in the next turns of the loop

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._connection(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        task.add_done_callback(lambda _task: writer.close())  # not there: a task may be cancelled before it begins

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counters.connections += 1
        self.counters.connected += 1
        self._writers.add(writer)
        stream = Stream(reader, writer, self.serving.fragment)
        try:
            while (request := await read_request(reader)) is not None:
                await self._respond(request, stream, writer)
        except _Reset:
            stream.reset()
        except (ClientGone, ConnectionError, _Closed):
            pass  # closed below
        finally:
            self.counters.connected -= 1
            self._writers.discard(writer)

    async def _respond(self, request: Request, stream: Stream, writer: asyncio.StreamWriter) -> None:
        answer = await self._answer(request, stream)
        if answer is not None:
            named = {"Server": self.dialect.server} if self.dialect.server else {}
            writer.write(replace(answer, headers={**named, **answer.headers}).encode())
            await writer.drain()

    async def _answer(self, request: Request, stream: Stream) -> Answer | None:
        """The answer in one piece; None for one that has been streamed."""
        name = f"{request.method} {request.path}"
        if name == "GET /scripted/counters":
            return Answer(self.counters.as_json())
        self.counters.requests[name] += 1
        self.counters.authorizations.append(request.headers.get("authorization"))
        try:
            self._admit(request)
            if name in self.dialect.answers:
                self.counters.bodies[request.path] = request.json()
                return self.dialect.answers[name](self.serving, request)
            if name in self.dialect.writes:
                return await self._write(self.dialect.writes[name], request, stream)
        except Refusal as exc:
            return exc.answer
        except ValueError as exc:
            return refusal(Shape.DETAIL, f"JSON decode error: {exc}", 422)
        return self.dialect.unknown(request)

    def _admit(self, request: Request) -> None:
        """Refuse what has no key, and everything while the model loads."""
        key, path = self.serving.key, request.path
        if key and path.startswith(self.dialect.guarded) and path != "/health":
            given = request.headers.get("authorization"), request.headers.get("x-api-key")
            if f"Bearer {key}" not in given and key not in given:
                raise Refusal(refusal(Shape.NESTED, "Invalid API Key", 401))
        if self._loading > 0 and path not in self.dialect.open_while_loading:
            self._loading -= 1
            error = {"message": "Loading model", "type": "unavailable_error", "code": 503}
            raise Refusal(Answer({"error": error}, 503))

    async def _write(self, writing: Writing, request: Request, stream: Stream) -> Answer | None:
        number = next(self._numbers)
        fault = self.serving.faults(number)
        if isinstance(fault, Refused):
            self.counters.failed += 1
            return fault.answer
        asked = replace(writing.read(self.serving, request.json()), number=number)
        if isinstance(fault, CutPrompt):
            kept = asked.prompt[-fault.kept :]
            asked = replace(asked, prompt=kept, text=vocabulary().text(kept))
        self.counters.asked.append(asked)
        try:
            async with self._slots:
                answer = await self._in_slot(writing, asked, fault, stream)
        except ClientGone:
            self.counters.closed += 1
            raise
        except (_Reset, _Closed):
            self.counters.failed += 1
            raise
        self.counters.finished += 1
        return answer

    async def _in_slot(self, writing: Writing, asked: Asked, fault: Fault | None, stream: Stream) -> Answer | None:
        cached = self._prefill(asked)
        latency = self.serving.latency
        if latency.prefill_tps:
            await stream.wait((len(asked.prompt) - cached) / latency.prefill_tps)
        pieces = self._pieces(asked, fault, cached)
        if asked.stream:
            await self._stream(writing, asked, pieces, fault, stream)
            return None
        return await self._collect(writing, asked, pieces, fault, stream)

    def _prefill(self, asked: Asked) -> int:
        cached = self._prefixes.cached(asked.prompt)
        self._prefixes.add(asked.prompt)
        self.counters.started += 1
        self.counters.prompt_tokens += len(asked.prompt)
        self.counters.cached_tokens += cached
        return cached

    def _pieces(self, asked: Asked, fault: Fault | None, cached: int) -> Iterator[Piece | Ending]:
        """What is written; the sampled ids are computed too, and so are a prefix of the next round."""
        heard = replace(asked, stops=()) if isinstance(fault, MissedStop) else asked
        limit = self.serving.context if asked.max_tokens is None else asked.max_tokens
        ids: list[int] = []
        reply = self.serving.model(asked)
        for piece in decode(vocabulary(), reply, heard, limit, self.dialect.hold, self.serving.latency.per_piece):
            new = piece.piece.ids if isinstance(piece, Ending) else piece.ids
            ids += new
            self.counters.completion_tokens += len(new)
            if isinstance(piece, Ending):
                self._prefixes.add((*asked.prompt, *ids))
                yield replace(piece, cached_tokens=cached)
            else:
                yield piece

    async def _pace(self, piece: Piece | Ending, stream: Stream) -> None:
        latency = self.serving.latency
        ids = piece.piece.ids if isinstance(piece, Ending) else piece.ids
        await stream.wait(len(ids) * (latency.token_s + latency.busy_s * self.counters.running))

    async def _collect(
        self, writing: Writing, asked: Asked, pieces: Iterator[Piece | Ending], fault: Fault | None, stream: Stream
    ) -> Answer | None:
        text = ""
        ids: list[int] = []
        broken = fault if isinstance(fault, Broken) else None
        for count, piece in enumerate(pieces):
            await self._pace(piece, stream)
            new = piece.piece if isinstance(piece, Ending) else piece
            text += new.text
            ids += new.ids
            so_far = Piece(text, tuple(ids))
            if broken is not None and (count >= broken.after or isinstance(piece, Ending)):
                ending = Ending(so_far, Reason.LENGTH, None, None, len(asked.prompt), len(ids))
                return await self._break_whole(
                    broken.how, Answer(writing.whole(self.serving, asked, so_far, ending)), stream
                )
            if isinstance(piece, Ending):
                return Answer(writing.whole(self.serving, asked, so_far, piece))
        raise AssertionError("an answer without an ending")

    async def _break_whole(self, how: Break, answer: Answer, stream: Stream) -> Answer:
        if how is Break.RESET:
            raise _Reset
        if how is Break.HANG:
            await stream.wait(3600)
        if how is Break.CLOSED:
            await stream.cut(answer.encode())
            raise _Closed
        return broken_whole(how, answer)

    async def _stream(
        self, writing: Writing, asked: Asked, pieces: Iterator[Piece | Ending], fault: Fault | None, stream: Stream
    ) -> None:
        frames = Frames(writing, crlf=self.serving.crlf)
        await stream.begin(frames.content_type)
        broken = fault if isinstance(fault, Broken) else None
        for count, piece in enumerate(pieces):
            await self._pace(piece, stream)
            if broken is not None and (count >= broken.after or isinstance(piece, Ending)):
                return await self._break(broken.how, frames, stream)
            if self.serving.keep_alive and not writing.lines:
                await stream.send(frames.comment(f"keepalive {count}/{len(asked.prompt)}"))
            if isinstance(piece, Ending):
                for event in writing.final(self.serving, asked, piece):
                    await stream.send(frames.event(event))
            elif piece.text or piece.ids:
                await stream.send(frames.event(writing.piece(self.serving, asked, piece)))
        await stream.send(frames.done)
        return await stream.end()

    async def _break(self, how: Break, frames: Frames, stream: Stream) -> None:
        if how is Break.RESET:
            raise _Reset
        if how is Break.CLOSED:
            raise _Closed
        if how is Break.HANG:
            await stream.wait(3600)
        if how is Break.ERROR:
            await stream.send(frames.event({"error": {"message": "the engine has died", "code": 500}}))
        if how is Break.EMPTY:
            await stream.send(frames.event({"choices": []}))
        if how is Break.GARBAGE:
            await stream.send(frames.raw('{"choices": [{"text": "'))
        await stream.end()

"""The engine on model servers: `RemoteEngine` implements `records.Engine` over HTTP.

One request per sequence, all on one event loop in a thread of its own: a stream, or whole replies where nobody watches
the text. The caller's thread takes what has arrived. The samples of a problem are requests with their own seeds: they
go their own ways after the first program, and the servers' prefix caches share their prompt.

The same seed need not give the same text: it depends on what a server computes at the same time. After `close`, no
connection and no thread is left.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Self

from qmath_cli.engine.llama.model import VocabularyFile
from qmath_cli.engine.remote.member import ServerMember, served_context
from qmath_cli.engine.remote.spread import RequestSpread, Revive
from qmath_cli.engine.remote.stretch import Stretch
from qmath_cli.engine.remote.vocabulary import control_token_in
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.errors import PromptTooLong, UsageError
from qmath_cli.records import Chunk, Prompt, Sampling, Stop, Usage

_POLL_S = 0.05  # one wait for text at most: Ctrl-C, time limits and programs are looked at between two
_GATHER_S = 0.01  # many sequences: what arrives within this time is handled together
_MANY = 32  # sequences
_OPEN_S = 10.0  # for starting the event loop
_CLOSE_S = 0.9  # for closing all connections


class RemoteEngine:
    """Sequences on servers.

    Args:
        members: The servers; at least one of them was reached.
        context: Tokens that a sequence may have; servers with less context lower it.
        vocabulary: Of a model on this machine that has the servers' vocabulary; None if there is none.
        revive: Reaches a server again: see `spread`.
        patience: Seconds without any server after which `step` raises.
        note: Called in `step` with sentences for people, such as that a server is away.
        endless: For measurements: only token limits and the context's end stop a sequence.
        watched: Whether somebody sees texts while they are written; if not, they may come in whole replies.
    """

    def __init__(
        self,
        members: Sequence[ServerMember],
        context: int,
        vocabulary: VocabularyFile | None,
        revive: Revive,
        *,
        patience: float,
        note: Callable[[str], None] = lambda _sentence: None,
        endless: bool = False,
        watched: bool = True,
    ) -> None:
        self.watched = watched
        self._members = list(members)
        self._vocabulary = vocabulary
        self._note = note
        self._endless = endless
        infos = [member.info for member in self._members if member.info is not None]
        self._context = min([served_context(info, context) for info in infos], default=context)
        self._text = any(member.info is not None and member.vocabulary is None for member in self._members)
        self._sequences: dict[int, Stretch] = {}
        self._running: set[int] = set()
        self._ids = itertools.count()
        self._arrived: SimpleQueue[Chunk | Exception | str] = SimpleQueue()
        self._closing = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="servers", daemon=True)
        self._thread.start()
        opening = asyncio.run_coroutine_threadsafe(self._open(revive, patience), self._loop)
        self._spread = opening.result(_OPEN_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End every request; the servers stop computing. Can be called twice."""
        self._sequences.clear()
        self._running.clear()
        if self._thread.is_alive() and not self._closing:
            self._closing = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_CLOSE_S)  # closing goes on behind it, should a server not let go
        if self._vocabulary is not None:
            self._vocabulary.close()

    @property
    def context_length(self) -> int:
        """Tokens that one sequence can hold, prompt included."""
        return self._context

    @property
    def steps_per_round(self) -> int:
        """0: sequences do not decode in rounds."""
        return 0

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Sequences that are started in the block are seen by nobody while they are written: they may come whole."""
        before, self.watched = self.watched, False
        try:
            yield
        finally:
            self.watched = before

    def require_sendable(self, prompt: Prompt) -> None:
        """Raise `UsageError` for a prompt whose plain text spells a control token, where a server takes text only."""
        if not self._text:
            return
        for segment in prompt.segments:
            token = None if segment.special else control_token_in(segment.text)
            if token is not None:
                raise UsageError(
                    f"the problem spells the control token {token}, which this server would not read as text",
                    "leave it out, or use a server that takes token ids: vLLM, SGLang or llama-server",
                )

    def start(self, prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        """Queue one sequence per sampling, all on the same prompt: see `Engine.start`.

        Where the server's own tokenizer makes the ids, a prompt that is too long is found later: its sequences stop
        with CONTEXT.

        Raises:
            PromptTooLong: The prompt leaves no room for an answer in the context.
            UsageError: It spells a control token, and a server takes text only.
            ValueError: It is empty.
        """
        self.require_sendable(prompt)
        tokenizer = None if self._vocabulary is None else self._vocabulary.tokenizer
        tokens = [] if tokenizer is None else tokenizer.tokenize(prompt)
        if not prompt.text:
            raise ValueError("the prompt is empty")
        if len(tokens) >= self._context:
            raise PromptTooLong(
                f"the problem is {len(tokens)} tokens long; the context holds {self._context}, answer included",
                "shorten the problem, or start the server with a longer context",
            )
        exact = tokenizer is not None and not self._text
        found = []
        for sampling in samplings:
            state = SequenceState(next(self._ids), sampling, prompt.stops, list(tokens))
            watched = self.watched or self._endless
            found.append(Stretch(state, prompt, tokenizer, exact, self._endless, watched))
        for one in found:
            self._sequences[one.state.id] = one
            self._submit(one)
        return tuple(one.state.id for one in found)

    def extend(self, sequence: int, text: str) -> None:
        """Append plain text to a sequence that has stopped, and let it decode again: see `Engine.extend`."""
        one = self._sequences[sequence]
        if one.state.active:
            raise ValueError(f"sequence {sequence} has not stopped")
        one.extend(text)
        if one.left <= 0:
            self._running.add(sequence)
            self._arrived.put(one.stop(Stop.MAX_TOKENS))
        else:
            self._submit(one)

    def release(self, sequence: int) -> None:
        """Remove a sequence, running or not; its request is ended."""
        one = self._sequences.pop(sequence)
        self._running.discard(sequence)
        if one.state.active:
            self._loop.call_soon_threadsafe(self._spread.release, one)

    def usage(self, sequence: int) -> Usage:
        """Token counts of a sequence that has not been released."""
        return self._sequences[sequence].usage

    def clear_prefix_cache(self) -> None:
        """Nothing: a server's cache is its own."""

    def step(self) -> tuple[Chunk, ...]:
        """What has arrived, after waiting for it a moment; empty if no sequence runs, or nothing came.

        Raises:
            ServerUnusable: No server can be used any more.
        """
        if not self._running:
            return ()
        try:
            arrived = [self._arrived.get(timeout=_POLL_S)]
        except Empty:
            return ()
        if len(self._running) > _MANY:
            time.sleep(_GATHER_S)
        with suppress(Empty):
            while True:
                arrived.append(self._arrived.get_nowait())
        return self._taken(arrived)

    def _taken(self, arrived: list[Chunk | Exception | str]) -> tuple[Chunk, ...]:
        """The chunks of sequences that are still wanted, one per sequence. Raises the first error among them."""
        found: dict[int, Chunk] = {}
        for one in arrived:
            if isinstance(one, str):
                self._note(one)
            elif isinstance(one, Exception):
                raise one
            elif one.sequence in self._sequences:
                before = found.get(one.sequence)
                found[one.sequence] = one if before is None else _joined(before, one)
                if one.stop is not None:
                    self._running.discard(one.sequence)
        return tuple(found.values())

    def _submit(self, one: Stretch) -> None:
        self._running.add(one.state.id)
        self._loop.call_soon_threadsafe(self._spread.submit, one)

    async def _open(self, revive: Revive, patience: float) -> RequestSpread:
        return RequestSpread(self._members, self._context, self._arrived.put, revive, patience)

    def _run(self) -> None:
        """The thread: everything until `close`, which then closes every connection."""
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._spread.close())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()


def _joined(first: Chunk, second: Chunk) -> Chunk:
    return Chunk(first.sequence, first.text + second.text, first.tokens + second.tokens, second.stop)

"""Reward models on servers: `RemoteReward` scores solutions, and their steps, over HTTP.

A model that scores a conversation is read at its last row. Of a process reward model every row is read, and there have
to be as many rows as step marks: a server that was started for another task gives one row per token, one in all, or
none, and looks well otherwise.

Conversations are sent as token ids, so that no solution can hold a control token. A request that fails is repeated;
nothing is guessed: what a server sends and this module does not expect ends in an error that names the usual causes.
Where the scores come from: see `pooling`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVar

from qmath_cli.engine.llama.model import VocabularyFile
from qmath_cli.engine.remote.http import Access, Broken, RequestRefused, Streams
from qmath_cli.engine.remote.loop_thread import LoopThread
from qmath_cli.engine.remote.pooling import endpoint
from qmath_cli.engine.remote.vocabulary import InstalledVocabulary, ServerVocabulary, Vocabulary
from qmath_cli.errors import PromptTooLong, ServerUnusable
from qmath_cli.records import Prompt, Segment, ServerInfo

Rows = list[list[float]]
_T = TypeVar("_T")

_MARK = Segment("<extra_0>", special=True)  # of Qwen2.5-Math-PRM
_ATTEMPTS = 6
_WIDTH = 16  # a server computes what fits into its batch and lets the rest wait
_SILENCE_S = 300.0  # a 72B model on a busy server
_FIRST_WAIT_S = 0.5  # doubled at each attempt
_LONGEST_WAIT_S = 30.0
_SEE_DOCTOR = "qmath doctor --server URL shows what the server is"
_TOO_LONG = ("maximum context length", "maximum model length", "longer than the model's context")


class ScoresSteps(ServerUnusable):
    """A process reward model was asked for the score of a whole solution."""


@dataclass(frozen=True, slots=True)
class RewardRequests:
    """The rows of conversations, from one server."""

    info: ServerInfo
    streams: Streams
    vocabulary: Vocabulary
    first_wait: float = _FIRST_WAIT_S  # seconds

    async def score(self, prompt: Prompt) -> float:
        """The score of a conversation, read at its last token; unbounded.

        Raises:
            PromptTooLong: The conversation exceeds the context.
            ServerUnusable: The server refuses, or gives no such score.
        """
        rows = await self._rows(await self._ids(prompt))
        if not rows or len(rows[-1]) == 2:  # a process reward model finds no marks here, or does not look for them
            hint = "with a process reward model choose by --pick prm or prm-vote"
            raise ScoresSteps(f"{self._named} scores steps, not whole solutions", hint)
        if len(rows[-1]) != 1:
            raise self._unexpected(f"gives {len(rows[-1])} numbers instead of one score")
        return rows[-1][0]

    async def steps(self, opening: Prompt, steps: Sequence[Prompt], mark: Segment) -> tuple[float, ...]:
        """The probability that each step is right, in [0, 1].

        Args:
            opening: What the solution begins with.
            steps: The steps, without their marks.
            mark: The control token that follows every step.

        Raises:
            PromptTooLong: The conversation exceeds the context.
            ServerUnusable: The server refuses, or the rows are not those of the marks.
        """
        if not endpoint(self.info).steps:
            hint = "vLLM does; so does qmath itself: --reward-model prm-7b"
            raise ServerUnusable(f"{self.info.address} is {self.info.kind}, which does not score steps", hint)
        marked = (one for step in steps for one in (*step.segments, mark))
        ids = await self._ids(Prompt((*opening.segments, *marked)))
        token = await self._ids(Prompt((mark,)))
        marks = ids.count(token[0]) if len(token) == 1 else 0
        if marks != len(steps):  # such as with the vocabulary of a model that scores no steps
            raise self._unexpected(f"does not read {mark.text} as the mark of a step")
        rows = await self._rows(ids)
        if rows and all(len(row) == 1 for row in rows):
            hint = "with a reward model of this kind choose by --pick rm or rm-vote"
            raise ServerUnusable(f"{self._named} scores whole solutions, not steps", hint)
        if len(rows) != marks:
            raise self._unexpected(f"gives {len(rows)} rows for {marks} steps")
        if any(len(row) != 2 or not 0 <= row[1] <= 1 for row in rows):
            raise self._unexpected("gives rows that are not two probabilities")
        return tuple(row[1] for row in rows)

    async def _ids(self, prompt: Prompt) -> list[int]:
        ids = await self._repeated(lambda: self.vocabulary.tokenize(prompt))
        if self.info.context and len(ids) > self.info.context:
            raise _too_long(len(ids), self.info.context)
        return ids

    async def _rows(self, ids: list[int]) -> Rows:
        where = endpoint(self.info)
        try:
            reply = await self._repeated(lambda: self.streams.json(where.path, where.body(self.info.model, ids)))
        except RequestRefused as exc:
            if any(word in exc.words.lower() for word in _TOO_LONG):
                raise _too_long(len(ids), self.info.context) from exc
            if exc.status in {400, 404, 405, 422, 501}:
                raise ServerUnusable(exc.message, where.causes) from exc
            raise
        return self._checked(where.rows(reply))

    def _checked(self, found: Any) -> Rows:  # noqa: ANN401  as the server sends it
        """The rows as floats: a list of lists of finite numbers, all of the same length."""
        if not isinstance(found, list) or not all(isinstance(row, list) and row for row in found):
            raise self._unexpected("gives no scores")
        if any(isinstance(one, bool) or not isinstance(one, int | float) for row in found for one in row):
            raise self._unexpected("gives scores that are no numbers")
        rows = [[float(one) for one in row] for row in found]
        if not all(math.isfinite(one) for row in rows for one in row):
            raise self._unexpected("gives scores that are not finite")
        return rows

    async def _repeated(self, request: Callable[[], Awaitable[_T]]) -> _T:
        """The result of a request; one that breaks is repeated after a while."""
        wait = self.first_wait
        for _ in range(_ATTEMPTS - 1):
            try:
                return await request()
            except Broken as exc:
                await asyncio.sleep(wait if exc.wait is None else exc.wait)
                wait = min(2 * wait, _LONGEST_WAIT_S)
        try:
            return await request()
        except Broken as exc:
            raise ServerUnusable(f"{exc.reason}, after {_ATTEMPTS} attempts", _SEE_DOCTOR) from exc

    def _unexpected(self, what: str) -> ServerUnusable:
        return ServerUnusable(f"{self._named} {what}", endpoint(self.info).causes)

    @property
    def _named(self) -> str:
        return f"{self.info.model} on {self.info.address}"


def _too_long(tokens: int, context: int) -> PromptTooLong:
    holds = f"; the reward model holds {context}" if context else " for the reward model"
    return PromptTooLong(
        f"the conversation is {tokens} tokens long{holds}", "a shorter --max-tokens keeps solutions shorter"
    )


class RemoteReward:
    """A reward model on a server. Close it, or use it as a context manager.

    Args:
        access: The server.
        info: What it is, and the model that it is asked for.
        file: The vocabulary of a model on this machine with the same tokens; None: the server's own tokenizer.
        mark: The control token that follows every step.
        width: Conversations that are scored at the same time.
        silence: Seconds after which a request without a reply is repeated.
        first_wait: Seconds before the first repetition; each further one waits twice as long.

    Raises:
        ServerUnusable: This kind of server does not run reward models.
    """

    def __init__(
        self,
        access: Access,
        info: ServerInfo,
        file: VocabularyFile | None = None,
        *,
        mark: Segment = _MARK,
        width: int = _WIDTH,
        silence: float = _SILENCE_S,
        first_wait: float = _FIRST_WAIT_S,
    ) -> None:
        endpoint(info)
        self.info = info
        self._width = width
        self._mark = mark
        self._loop = LoopThread()
        self._streams = self._loop.run(lambda: _opened(access, silence, width))
        vocabulary = ServerVocabulary(info, self._streams) if file is None else InstalledVocabulary(file)
        self._requests = RewardRequests(info, self._streams, vocabulary, first_wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End every request, and close the connections."""
        self._loop.cancel_all()
        self._loop.run(self._streams.close)
        self._loop.close()

    def score(self, prompt: Prompt) -> float:
        """The score of a conversation: see `RewardRequests.score`."""
        return self._loop.run(lambda: self._requests.score(prompt))

    def scores(self, prompts: Sequence[Prompt]) -> list[float]:
        """The scores of several conversations, in their order; raises as `score` does, for the first that fails."""
        return self._loop.run(lambda: self._all([partial(self._requests.score, prompt) for prompt in prompts]))

    def score_steps(
        self, opening: Prompt, solutions: Sequence[Sequence[Prompt]]
    ) -> tuple[tuple[float, ...] | None, ...]:
        """The scores of all steps of several solutions of one problem.

        Args:
            opening: What all solutions begin with.
            solutions: The steps of each, without their marks.

        Returns:
            For each solution one number from 0 to 1 per step; None for one that exceeds the context.

        Raises:
            ServerUnusable: The server refuses, or the rows are not those of the marks.
        """
        requests = [partial(self._steps, opening, steps) for steps in solutions]
        return tuple(self._loop.run(lambda: self._all(requests)))

    async def _steps(self, opening: Prompt, steps: Sequence[Prompt]) -> tuple[float, ...] | None:
        try:
            return await self._requests.steps(opening, steps, self._mark)
        except PromptTooLong:
            return None

    async def _all(self, requests: Sequence[Callable[[], Coroutine[Any, Any, _T]]]) -> list[_T]:
        free = asyncio.Semaphore(self._width)

        async def one(request: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
            async with free:
                return await request()

        tasks = [asyncio.create_task(one(request)) for request in requests]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()


async def _opened(access: Access, silence: float, width: int) -> Streams:
    return Streams(access, silence=silence, connections=width)

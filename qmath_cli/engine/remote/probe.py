"""How soon a server's first token comes, and whether it keeps what it has computed: two equal requests of one token.

The prompt is a chat that the server has never been sent, so that nothing of it is in its cache, and long enough for
caches that keep whole blocks of tokens.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from qmath_cli.engine.remote.dialects import of
from qmath_cli.engine.remote.dialects.dialect import Request
from qmath_cli.engine.remote.frames import records
from qmath_cli.engine.remote.http import Access, Streams
from qmath_cli.engine.remote.loop_thread import LoopThread
from qmath_cli.engine.remote.vocabulary import ServerVocabulary
from qmath_cli.records import Prompt, Sampling, Segment, ServerInfo

_TIMEOUT_S = 60.0  # a cold 72B model
_TEXT = "Add the numbers 17, 24, 35, 8, 91 and 62, one after the other, and write down every sum. "
_SMALL = 1024  # tokens of a context with room for few of these sentences
_CONTEXT = 4096  # tokens that are assumed where the server does not tell


@dataclass(frozen=True, slots=True)
class Probed:
    """What two equal requests showed.

    Attributes:
        first_s: Seconds to the first token of a prompt that is new to the server.
        again_s: The same, for the same prompt.
        prompt_tokens: Its length; None if the server does not tell.
        cached_tokens: Those of them that the second request found in the server's cache; None if it does not tell.
    """

    first_s: float
    again_s: float
    prompt_tokens: int | None
    cached_tokens: int | None


def probe(access: Access, info: ServerInfo) -> Probed:
    """Send two equal requests.

    Raises:
        Broken: A request failed; another attempt may succeed.
        ServerUnusable: The server refuses.
    """
    with LoopThread() as loop:
        return loop.run(lambda: _probe(access, info))


async def _probe(access: Access, info: ServerInfo) -> Probed:
    streams = Streams(access, silence=_TIMEOUT_S, connections=2)
    try:
        request = await _request(info, streams)
        first_s, _, _ = await _first_token(info, streams, request)
        again_s, prompt, cached = await _first_token(info, streams, request)
    finally:
        await streams.close()
    return Probed(first_s, again_s, prompt, cached)


async def _request(info: ServerInfo, streams: Streams) -> Request:
    segments = (
        Segment("<|im_start|>system\n", special=True),
        Segment(f"{secrets.token_hex(8)}. {_TEXT * (2 if 0 < info.context < _SMALL else 10)}"),
        Segment("<|im_end|>\n<|im_start|>assistant\n", special=True),
    )
    prompt = Prompt(segments)
    sent = await ServerVocabulary(info, streams).tokenize(prompt) if info.token_ids else prompt.text
    return Request(info.model, sent, (), Sampling(), 1, info.context or _CONTEXT)


async def _first_token(info: ServerInfo, streams: Streams, request: Request) -> tuple[float, int | None, int | None]:
    """Seconds to the first token; tokens of the prompt, and of those the cached ones."""
    dialect = of(info.kind)
    started = time.perf_counter()
    seconds = prompt = cached = None
    async with streams.stream(dialect.path, dialect.body(request)) as chunks:
        async for record in records(chunks):
            delta = dialect.read(record)
            if seconds is None and (delta.text or delta.tokens or delta.ending):
                seconds = time.perf_counter() - started
            prompt = delta.prompt_tokens if delta.prompt_tokens is not None else prompt
            cached = delta.cached_tokens if delta.cached_tokens is not None else cached
    return time.perf_counter() - started if seconds is None else seconds, prompt, cached

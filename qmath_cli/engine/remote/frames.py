"""A streamed body as JSON records: server-sent events, or one JSON value per line.

A chunk of bytes may end anywhere, inside a character too. Comments (`: keepalive`), empty events, event names and both
line ends are passed over. `[DONE]` ends the records; whether the text itself has ended, the records say.

Format: server-sent events as in the HTML standard, section 9.2; `[DONE]` is OpenAI's.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from qmath_cli.engine.remote.http import Broken

_MAX_LINE = 1 << 24  # bytes: a server that sends more without a line end sends no records
_DATA = b"data:"
_ERROR = b"error:"  # llama-server's own event for a failure inside a stream
_DONE = b"[DONE]"


async def records(chunks: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, Any], None]:
    """The records of a body, as they are completed.

    Raises:
        Broken: A line is no record.
    """
    async for line in _lines(chunks):
        payload = line
        if line.startswith((_DATA, _ERROR)):
            payload = line.partition(b":")[2].strip()
        elif not line.startswith(b"{"):  # a comment, an event's name or id
            continue
        if payload and payload != _DONE:  # the body is read to its end, so that the connection can be used again
            record = _record(payload)
            yield {"error": record} if line.startswith(_ERROR) else record


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *whole, last = rest.split(b"\n")
            rest = bytearray(last)
            for line in whole:
                yield bytes(line).strip()
        elif len(rest) > _MAX_LINE:
            raise Broken("the server sends a line without an end")
    if rest.strip():
        yield bytes(rest).strip()


def _record(payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as exc:
        raise Broken("the server sends something that is not JSON") from exc
    if not isinstance(found, dict):
        raise Broken("the server sends JSON that is no object")
    return found

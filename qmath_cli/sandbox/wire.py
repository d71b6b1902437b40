"""Frames between qmath and a worker: four bytes of length (big endian), then one JSON object in UTF-8.

Nothing is ever unpickled or evaluated. Both sides cap what they accept, and a frame that is too long, is not JSON or
is not an object is a `Garbled`, which the parent answers by killing the worker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

PREFIX = 4
MAX_FRAME = 4 << 20


class Garbled(Exception):
    """The other side did not keep to the protocol."""


def pack(record: Mapping[str, object]) -> bytes:
    """One frame. ASCII only, so that lone surrogates in a program's text survive the trip."""
    body = json.dumps(record, ensure_ascii=True).encode("ascii")
    return len(body).to_bytes(PREFIX, "big") + body


def unpack(buffer: bytes | bytearray, limit: int = MAX_FRAME) -> tuple[dict[str, object], int] | None:
    """The first frame in `buffer` and the bytes it took, or None while it is incomplete. Raises `Garbled`."""
    if len(buffer) < PREFIX:
        return None
    length = int.from_bytes(buffer[:PREFIX], "big")
    if length > limit:
        raise Garbled(f"a frame of {length} bytes")
    if len(buffer) < PREFIX + length:
        return None
    try:
        record = json.loads(bytes(buffer[PREFIX : PREFIX + length]))
    except (ValueError, RecursionError) as exc:
        raise Garbled("a frame that is not JSON") from exc
    if not isinstance(record, dict):
        raise Garbled("a frame that is not an object")
    return record, PREFIX + length

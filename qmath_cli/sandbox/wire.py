"""Frames between qmath and a worker: four bytes of length (big endian), then one JSON object in UTF-8.

Nothing is ever unpickled or evaluated. Both sides limit the length that they accept. A frame that is too long, is not
JSON or is not an object raises `ProtocolError`, after which the parent kills the worker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

LENGTH_BYTES = 4
MAX_FRAME_BYTES = 4 << 20


class ProtocolError(Exception):
    """The other side did not send a valid frame."""


def pack(record: Mapping[str, object]) -> bytes:
    """One frame. ASCII only, so that lone surrogates in a program's text arrive unchanged."""
    body = json.dumps(record, ensure_ascii=True).encode("ascii")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def unpack(buffer: bytes | bytearray, limit: int = MAX_FRAME_BYTES) -> tuple[dict[str, object], int] | None:
    """Read the first frame in a buffer.

    Args:
        buffer: Bytes as they arrived; more than one frame may be in it.
        limit: The longest body that is accepted, in bytes.

    Returns:
        The record and the number of bytes it took, or None while the frame is incomplete.

    Raises:
        ProtocolError: The frame is too long, is not JSON or is not an object.
    """
    if len(buffer) < LENGTH_BYTES:
        return None
    length = int.from_bytes(buffer[:LENGTH_BYTES], "big")
    if length > limit:
        raise ProtocolError(f"a frame of {length} bytes")
    if len(buffer) < LENGTH_BYTES + length:
        return None
    try:
        record = json.loads(bytes(buffer[LENGTH_BYTES : LENGTH_BYTES + length]))
    except (ValueError, RecursionError) as exc:
        raise ProtocolError("a frame that is not JSON") from exc
    if not isinstance(record, dict):
        raise ProtocolError("a frame that is not an object")
    return record, LENGTH_BYTES + length
